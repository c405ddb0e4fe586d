"""Direct debits as people see them: mandates, what is announced, batches and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select

from billing.accounts.contracts import account_of
from billing.accounts.store import account
from billing.debits.model import EXPIRED, Creditor, DebitState, is_expired
from billing.debits.store import creditor_from, debit, debit_batch, debit_creditor, mandate
from billing.payments.model import MAY_GO_ON
from billing.payments.store import attempt, payment_method
from runtime.store import Tx
from terms.errors import NotFound
from terms.money import Money

ROWS_MAX = 500


class MandateState(StrEnum):
    """How a mandate stands."""

    ACTIVE = "active"
    REVOKED = "revoked"  # by the holder, or stopped by the bank
    EXPIRED = "expired"  # not used for too long


class BatchState(StrEnum):
    """How far a batch is."""

    MADE = "made"
    HANDED_IN = "handed_in"
    BOOKED = "booked"
    RETURNED = "returned"  # all of it: nothing is paid by it
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class MandateView:
    """A mandate; `method` is its id as a payment method, `stopped` why it is not charged."""

    method: str
    reference: str
    label: str
    holder: str
    signed_on: date
    used_on: date | None
    state: MandateState
    stopped: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """So many debits, of so much, are announced for a day."""

    collect_on: date
    debits: int
    total: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchView:
    """A batch; of its debits so many went back."""

    id: str
    collect_on: date
    clear_on: date
    debits: int
    total: Money
    digest: str
    state: BatchState
    made_at: datetime
    made_by: str
    handed_in_at: datetime | None
    returned: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DebitView:
    """A debit of a batch; `code` is why it went back."""

    mark: str
    number: str
    amount: Money
    sequence: str
    state: DebitState
    code: str


async def creditor(tx: Tx) -> Creditor | None:
    """Tell who collects."""
    row = await tx.first(select(debit_creditor))
    return creditor_from(row) if row else None


async def mandates(tx: Tx, contract: str, today: date) -> list[MandateView]:
    """List all mandates that a household has given, the newest first. Raises NotFound."""
    key = await account_of(tx, contract)
    p = payment_method.c
    query = (
        select(mandate, p.label, p.stopped)
        .join_from(mandate, payment_method, p.id == mandate.c.method_id)
        .where(mandate.c.account_id == key)
        .order_by(p.created_at.desc(), p.id.desc())
        .limit(ROWS_MAX)
    )
    return [
        MandateView(
            method=row.method_id,
            reference=row.reference,
            label=row.label,
            holder=row.holder,
            signed_on=row.signed_on,
            used_on=row.used_on,
            state=_state(row, today),
            stopped=row.stopped,
        )
        for row in await tx.rows(query)
    ]


async def coming(tx: Tx) -> list[Coming]:
    """List the days for which debits are announced, the next one first."""
    c, a = debit.c, attempt.c
    query = (
        select(c.collect_on, a.currency)
        .add_columns(func.count().label("many"), func.sum(a.amount_minor).label("total"))
        .join_from(debit, attempt, a.id == c.attempt_id)
        .where(c.state == DebitState.ANNOUNCED.value)
        .group_by(c.collect_on, a.currency)
        .order_by(c.collect_on)
        .limit(ROWS_MAX)
    )
    return [
        Coming(
            collect_on=row.collect_on, debits=row.many, total=Money(int(row.total), row.currency)
        )
        for row in await tx.rows(query)
    ]


async def batches(tx: Tx, *, after: str = "", limit: int = 50) -> list[BatchView]:
    """List the newest batches behind one, the newest first."""
    b = debit_batch.c
    query = select(debit_batch).order_by(b.id.desc()).limit(limit)
    if after:
        query = query.where(b.id < after)
    rows = await tx.rows(query)
    gone = await _returned(tx, [row.id for row in rows])
    return [_batch(row, gone.get(row.id, 0)) for row in rows]


async def debits(tx: Tx, batch: str, *, after: str = "", limit: int = ROWS_MAX) -> list[DebitView]:
    """List the debits of a batch behind one. Raises NotFound."""
    if await tx.scalar(select(debit_batch.c.id).where(debit_batch.c.id == batch)) is None:
        raise NotFound(f"there is no batch {batch!r}", field="batch")
    c, a = debit.c, attempt.c
    query = (
        select(c.attempt_id, c.sequence, c.state, c.code, a.amount_minor, a.currency)
        .add_columns(account.c.number)
        .join_from(debit, attempt, a.id == c.attempt_id)
        .join(account, account.c.id == a.account_id)
        .where(c.batch_id == batch, c.attempt_id > after)
        .order_by(c.attempt_id)
        .limit(limit)
    )
    return [
        DebitView(
            mark=row.attempt_id,
            number=row.number,
            amount=Money(row.amount_minor, row.currency),
            sequence=row.sequence,
            state=DebitState(row.state),
            code=row.code,
        )
        for row in await tx.rows(query)
    ]


async def _returned(tx: Tx, keys: Sequence[str]) -> dict[str, int]:
    c = debit.c
    query = (
        select(c.batch_id, func.count().label("gone"))
        .where(c.batch_id.in_(keys), c.state == DebitState.RETURNED.value)
        .group_by(c.batch_id)
    )
    return {row.batch_id: row.gone for row in await tx.rows(query)} if keys else {}


def _state(row: Any, today: date) -> MandateState:
    if row.stopped == EXPIRED:
        return MandateState.EXPIRED
    if row.stopped not in MAY_GO_ON:
        return MandateState.REVOKED
    is_over = is_expired(row.signed_on, row.used_on, today)
    return MandateState.EXPIRED if is_over else MandateState.ACTIVE


def _batch(row: Any, returned: int) -> BatchView:
    state = BatchState.MADE
    if row.withdrawn_at is not None:
        state = BatchState.WITHDRAWN
    elif row.handed_in_at is not None and returned == row.debits:
        state = BatchState.RETURNED
    elif row.booked_at is not None:
        state = BatchState.BOOKED
    elif row.handed_in_at is not None:
        state = BatchState.HANDED_IN
    return BatchView(
        id=row.id,
        collect_on=row.collect_on,
        clear_on=row.clear_on,
        debits=row.debits,
        total=Money(row.total_minor, row.currency),
        digest=row.digest,
        state=state,
        made_at=row.made_at,
        made_by=row.made_by,
        handed_in_at=row.handed_in_at,
        returned=returned,
    )
