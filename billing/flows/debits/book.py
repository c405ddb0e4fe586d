"""Debits of which nothing came back in time count as paid, from the day of their batch on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Any

from sqlalchemy import Row, bindparam, exists, select, update

from billing.accounts.store import account
from billing.debits.model import DebitState, step
from billing.debits.store import debit, debit_batch, mandate
from billing.flows import movements
from billing.flows.debits import creditor
from billing.flows.desk import Desk
from billing.flows.movements import Told
from billing.payments.model import DEBIT, Moved, MovementKind
from billing.payments.store import attempt
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.calendar import local_date
from terms.ids import AccountId
from terms.money import Money

ROWS_MAX = 1_000
_NOON = time(12, tzinfo=UTC)  # the same day in every zone


async def book_due(
    desk: Desk,
    tx: Tx,
    now: datetime,
    *,
    marks: Sequence[str] | None = None,
    rows_max: int = ROWS_MAX,
) -> int:
    """Book debits of batches that the bank has and whose time is over, of all or of those of these
    marks; returns how many.

    A batch that nobody has handed in waits.
    """
    rules = await creditor.find(tx)
    if rules is None:
        return 0
    today = local_date(now, rules.zone)
    b = debit_batch.c
    due = b.handed_in_at.is_not(None) & b.booked_at.is_(None) & (b.clear_on <= today)
    rows = await _due(tx, due, rows_max, marks)
    told = [_told(row, now) for row in rows]
    await movements.hear(desk, tx, told, [], now)
    if rows:
        await tx.execute(
            update(debit)
            .where(
                among(tx.engine, debit.c.attempt_id), debit.c.state == DebitState.PRESENTED.value
            )
            .values(state=step(DebitState.PRESENTED, DebitState.BOOKED).value),
            {KEYS: packed(tx.engine, [row.attempt_id for row in rows])},
        )
        await _tell_no_more(tx, rows)
    left = exists().where(debit.c.batch_id == b.id, debit.c.state == DebitState.PRESENTED.value)
    await tx.execute(update(debit_batch).where(due, ~left).values(booked_at=now))
    return len(rows)


async def _due(tx: Tx, due: Any, rows_max: int, marks: Sequence[str] | None) -> Sequence[Row[Any]]:
    c, a, b = debit.c, attempt.c, debit_batch.c
    query = (
        select(
            *(c.attempt_id, c.method_id, c.is_amended, b.collect_on),
            *(a.account_id, a.amount_minor, a.currency, account.c.number),
        )
        .join_from(debit, debit_batch, b.id == c.batch_id)
        .join(attempt, a.id == c.attempt_id)
        .join(account, account.c.id == a.account_id)
        .where(due, c.state == DebitState.PRESENTED.value)
        .order_by(c.attempt_id)
        .limit(rows_max)
    )
    given = {}
    if marks is not None:
        query = query.where(among(tx.engine, c.attempt_id))
        given = {KEYS: packed(tx.engine, marks)}
    if tx.engine == "postgresql":
        query = query.with_for_update(of=debit, skip_locked=True)
    return await tx.rows(query, given)


def _told(row: Row[Any], now: datetime) -> Told:
    moved = Moved(
        charge=row.attempt_id,
        ref=row.attempt_id,
        amount=Money(row.amount_minor, row.currency),
        attempt=row.attempt_id,
        account=row.number,
        kind=MovementKind.CLEARED,
    )
    return Told(
        account=AccountId(row.account_id),
        number=row.number,
        provider=DEBIT,
        moved=moved,
        received_at=min(datetime.combine(row.collect_on, _NOON), now),
    )


async def _tell_no_more(tx: Tx, rows: Sequence[Row[Any]]) -> None:
    """Forget that a mandate has another account once its bank has taken a debit that says so."""
    told = [{"key": row.method_id} for row in rows if row.is_amended]
    if told:
        await tx.execute(
            update(mandate).where(mandate.c.method_id == bindparam("key")).values(is_amended=False),
            told,
        )
