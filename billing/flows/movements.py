"""Writes down what was heard of money: movements, failures, the facts for those above.

Shared by all who hear of it: messages of providers, answers to charges, the cash desk. Everything
is written in one order, so that two who hear of the same never wait for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from billing.flows import attempts
from billing.flows.attempts import Failure
from billing.flows.desk import Desk
from billing.payments.model import FEES, Moved, MovementKind, encode_fact, fact_id, fact_of
from billing.payments.store import movement
from runtime import log
from runtime.chance import new_id
from runtime.store import Tx
from terms.ids import AccountId


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
    await desk.work.mark(tx, "settle", [*failed, *(one.account for one in told)])
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
    fresh = await tx.insert_new(movement, rows, key=("provider", "ref", "kind"))
    machine_now = desk.clock.machine_now()
    await log.append(tx, [_fact(one, machine_now) for one in told if one.moved.kind not in FEES])
    return fresh


def _fact(one: Told, machine_now: datetime) -> log.Entry:
    kind: MovementKind = one.moved.kind
    return log.Entry(
        id=fact_id(kind.value, one.provider, one.moved.ref),
        kind=fact_of(kind).value,
        key=one.account,
        value=encode_fact(one.number, one.provider, one.moved, ""),
        at=machine_now,
    )
