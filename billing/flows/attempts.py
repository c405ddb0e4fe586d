"""Attempts take their steps: cleared by money, failed by a refusal. Stale news changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, or_, select, update

from billing.accounts.store import account
from billing.payments.model import (
    ALLOWED,
    AttemptState,
    Decline,
    Moved,
    MovementKind,
    PaymentFact,
    Refused,
    encode_fact,
    fact_id,
)
from billing.payments.store import attempt, payment_method
from runtime import log
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.ids import AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An attempt that a provider refused."""

    provider: str
    refused: Refused


async def clear(tx: Tx, moved: Sequence[Moved]) -> None:
    """Clear the attempts whose money came in, unless it is known to have gone back again."""
    rows = [
        {"key": one.attempt, "to_charge": one.charge}
        for one in sorted(moved, key=lambda one: one.attempt)
        if one.attempt and one.kind is MovementKind.CLEARED
    ]
    if rows:
        await tx.execute(
            update(attempt)
            .where(attempt.c.id == bindparam("key"), stands(_from(AttemptState.CLEARED)))
            .values(state=AttemptState.CLEARED.value, charge=bindparam("to_charge")),
            rows,
        )


def stands(states: Iterable[AttemptState]) -> ColumnElement[bool]:
    """Build the condition that an attempt is in one of some states; fit for an executemany."""
    return or_(*(attempt.c.state == state.value for state in states))


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Whose attempts have failed, and the methods that are never charged again."""

    accounts: Sequence[AccountId] = ()
    stopped: Sequence[str] = ()


async def fail(tx: Tx, failures: Sequence[Failure], machine_now: datetime) -> Failed:
    """Fail attempts that may still fail; a hard decline stops their method."""
    if not failures:
        return Failed()
    by_key = sorted(failures, key=lambda one: one.refused.attempt)
    refused = {one.refused.attempt: one for one in by_key}
    found = await _failing(tx, sorted(refused))
    if not found:
        return Failed()
    rows = [
        {
            "key": key,
            "to_charge": refused[key].refused.charge,
            "to_code": refused[key].refused.code,
            "to_decline": refused[key].refused.decline.value,
        }
        for key in sorted(found)
    ]
    await tx.execute(
        update(attempt)
        .where(attempt.c.id == bindparam("key"))
        .values(
            state=AttemptState.FAILED.value,
            charge=bindparam("to_charge"),
            code=bindparam("to_code"),
            decline=bindparam("to_decline"),
        ),
        rows,
    )
    stopped = await _stop_methods(tx, [one for k, one in refused.items() if k in found], found)
    entries = [_fact(one, found, machine_now) for k, one in refused.items() if k in found]
    await log.append(tx, entries)
    accounts = sorted({AccountId(each.account) for each in found.values()})
    return Failed(accounts=accounts, stopped=stopped)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failing:
    account: str
    number: str
    method: str


async def _failing(tx: Tx, keys: Sequence[str]) -> dict[str, _Failing]:
    c = attempt.c
    query = (
        select(c.id, c.account_id, c.method_id, account.c.number)
        .select_from(attempt.join(account, account.c.id == c.account_id))
        .where(among(tx.engine, c.id), stands(_from(AttemptState.FAILED)))
    )
    if tx.engine == "postgresql":
        query = query.with_for_update(of=attempt)
    rows = await tx.rows(query, {KEYS: packed(tx.engine, keys)})
    return {
        row.id: _Failing(account=row.account_id, number=row.number, method=row.method_id)
        for row in rows
    }


def _from(state: AttemptState) -> list[AttemptState]:
    """List the states from which one may be reached by news of a provider.

    Reversed is not among them: only settle sees all movements and takes a reversal back.
    """
    known = AttemptState.REVERSED
    return [one for one, to in ALLOWED.items() if state in to and one is not known]


async def _stop_methods(
    tx: Tx, failures: Sequence[Failure], found: dict[str, _Failing]
) -> list[str]:
    rows = [
        {"key": found[one.refused.attempt].method, "why": one.refused.code}
        for one in failures
        if one.refused.decline is Decline.HARD
    ]
    if rows:
        await tx.execute(
            update(payment_method)
            .where(payment_method.c.id == bindparam("key"))
            .values(stopped=bindparam("why")),
            rows,
        )
    return sorted({row["key"] for row in rows})


def _fact(one: Failure, found: dict[str, _Failing], machine_now: datetime) -> log.Entry:
    mine = found[one.refused.attempt]
    return log.Entry(
        id=fact_id("failed", one.provider, one.refused.attempt),
        kind=PaymentFact.FAILED.value,
        key=mine.account,
        value=encode_fact(mine.number, one.provider, one.refused, one.refused.code),
        at=machine_now,
    )
