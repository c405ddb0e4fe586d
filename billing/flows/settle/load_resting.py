"""Loads the methods that rest for a dispute, for the few accounts that hear of one that was won."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Select, func, or_, select

from billing.flows.settle.facts import Facts
from billing.payments.model import IN_DISPUTE, MovementKind
from billing.payments.resting import OF_DISPUTES, Resting
from billing.payments.store import attempt, movement, movement_from, payment_method
from runtime.store import Tx
from runtime.store.among import KEYS, by_key, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery


async def load_resting(tx: Tx, facts: Iterable[Facts]) -> None:
    """Load what rests, and all that was told of disputes."""
    concerned = {
        one.account.id: one
        for one in facts
        if any(
            not each.is_settled and each.kind is MovementKind.REINSTATED for each in one.movements
        )
    }
    if not concerned:
        return
    keys = {KEYS: packed(tx.engine, sorted(concerned))}
    for row in await _RESTING.rows(tx, keys):
        one = Resting(row.id, max(row.created_at, row.opened_at or row.created_at))
        concerned[row.account_id].resting.append(one)
    for row in await _TOLD.rows(tx, keys):
        concerned[row.account_id].disputes.append(movement_from(row))


def _resting_query(engine: Engine) -> Select[tuple[object, ...]]:
    c = payment_method.c
    opened_at = select(func.max(attempt.c.opened_at)).where(attempt.c.method_id == c.id)
    columns = (c.id, c.account_id, c.created_at, opened_at.scalar_subquery().label("opened_at"))
    return by_key(engine, select(*columns).where(c.stopped == IN_DISPUTE), c.account_id)


def _told_query(engine: Engine) -> Select[tuple[object, ...]]:
    is_one = or_(*(movement.c.kind == kind.value for kind in sorted(OF_DISPUTES)))
    return by_key(engine, select(movement).where(is_one), movement.c.account_id)


_RESTING = PreparedQuery(_resting_query)
_TOLD = PreparedQuery(_told_query)
