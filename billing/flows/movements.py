"""Writes down what was heard of money: movements, failures, the facts for those above.

Shared by all who hear of it: messages of providers, answers to charges, the cash desk. Everything
is written in one order, so that two who hear of the same never wait for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select

from billing.flows import attempts
from billing.flows.attempts import Failure
from billing.flows.desk import Desk
from billing.payments.model import OF_LINE, Moved, MovementKind, encode_fact, fact_id, fact_of
from billing.payments.store import movement
from runtime import log
from runtime.chance import new_id
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.ids import AccountId
from terms.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """That money moved for an account, as a provider told it. `number` names the account.

    `received_at` is when it was told, in business time; now where nothing is said.
    """

    account: AccountId
    number: str
    provider: str
    moved: Moved
    received_at: datetime | None = None


async def hear(
    desk: Desk, tx: Tx, told: Sequence[Told], failures: Sequence[Failure], now: datetime
) -> int:
    """Write down movements and failures, and mark the accounts concerned for settling.

    Returns how many movements were new; what was heard before changes nothing.
    """
    told = sorted(told, key=lambda one: (one.provider, one.moved.ref, one.moved.kind))
    await attempts.clear(tx, [one.moved for one in told])
    failed = await attempts.fail(tx, failures, desk.clock.machine_now())
    fresh = await _record(desk, tx, told, now)
    await desk.work.mark(tx, "settle", [*failed.accounts, *(one.account for one in told)])
    await desk.work.mark(tx, "method", failed.stopped)
    return fresh


async def _record(desk: Desk, tx: Tx, told: Sequence[Told], now: datetime) -> int:
    rows = [
        {
            "id": new_id(now, desk.chance),
            "account_id": one.account,
            "provider": one.provider,
            "charge": one.moved.charge,
            "ref": one.moved.ref,
            "kind": one.moved.kind.value,
            "amount_minor": one.moved.amount.amount_minor,
            "currency": one.moved.amount.currency,
            "attempt_id": one.moved.attempt or None,
            "received_at": one.received_at or now,
            "settled_at": None,
        }
        for one in told
    ]
    before = _Before(await _refunded(tx, told), await _disputed(tx, told))
    fresh = await tx.insert_new(movement, rows, key=("provider", "ref", "kind"))
    machine_now = desk.clock.machine_now()
    moved = [(one, _now(one, before)) for one in told]
    facts = [_fact(one, now_moved, machine_now) for one, now_moved in moved if now_moved]
    await log.append(tx, facts)
    return fresh


_Charge = tuple[str, str]  # of which provider, and its name there


class _Before(NamedTuple):
    """What was told of charges before: how much went back, and what named their disputes."""

    refunded: dict[_Charge, int]
    disputed: dict[_Charge, set[str]]


async def _disputed(tx: Tx, told: Sequence[Told]) -> dict[_Charge, set[str]]:
    charges = {one.moved.charge for one in told if one.moved.kind is MovementKind.DISPUTED}
    found: dict[_Charge, set[str]] = {}
    if charges:
        c = movement.c
        query = select(c.provider, c.charge, c.ref).where(
            among(tx.engine, c.charge), c.kind == MovementKind.DISPUTED.value
        )
        for row in await tx.rows(query, {KEYS: packed(tx.engine, sorted(charges))}):
            found.setdefault((row.provider, row.charge), set()).add(row.ref)
    return found


async def _refunded(tx: Tx, told: Sequence[Told]) -> dict[_Charge, int]:
    """Tell how much of charges went back before, in minor units; refunds tell the sum so far."""
    charges = {one.moved.charge for one in told if one.moved.kind is MovementKind.REFUNDED}
    if not charges:
        return {}
    c = movement.c
    query = (
        select(c.provider, c.charge, func.max(c.amount_minor).label("most"))
        .where(among(tx.engine, c.charge), c.kind == MovementKind.REFUNDED.value)
        .group_by(c.provider, c.charge)
    )
    rows = await tx.rows(query, {KEYS: packed(tx.engine, sorted(charges))})
    return {(row.provider, row.charge): int(row.most) for row in rows}


def _now(one: Told, before: _Before) -> Moved | None:
    """Say what moved now; None where that was told before: as part of a larger sum, or by the
    other one who tells of disputes, a provider or a line of our bank.
    """
    key, ref = (one.provider, one.moved.charge), one.moved.ref
    if one.moved.kind is MovementKind.DISPUTED:
        named = before.disputed.setdefault(key, set())
        named.add(ref)
        by_it = sum(each.startswith(OF_LINE) == ref.startswith(OF_LINE) for each in named)
        return one.moved if by_it > len(named) - by_it else None
    if one.moved.kind is not MovementKind.REFUNDED:
        return one.moved
    sum_now, so_far = one.moved.amount.amount_minor, before.refunded.get(key, 0)
    if sum_now <= so_far:
        return None
    before.refunded[key] = sum_now
    return replace(one.moved, amount=Money(sum_now - so_far, one.moved.amount.currency))


def _fact(one: Told, moved: Moved, machine_now: datetime) -> log.Entry:
    return log.Entry(
        id=fact_id(moved.kind.value, one.provider, moved.ref),
        kind=fact_of(moved.kind).value,
        key=one.account,
        value=encode_fact(one.number, one.provider, moved, moved.reason),
        at=machine_now,
    )
