"""How an account pays and is paid back: its payment methods, its refunds, what may go back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from billing.accounts.contracts import account_of
from billing.cash.model import CASH
from billing.cash.store import receipt
from billing.payments.model import DEBIT, Movement, MovementKind
from billing.payments.refunds import UNDECIDED, RefundState, left_of
from billing.payments.store import movement, movement_from, payment_method, payment_provider, refund
from runtime.store import Tx, keyset
from runtime.store.keyset import Place
from terms.money import Money

ROWS_MAX = 100
_WITH_RECEIPT = select(refund, receipt.c.number.label("receipt")).select_from(
    refund.outerjoin(receipt, receipt.c.cause_id == refund.c.id)
)
OVER = frozenset({"removed", "replaced", "gone"})


class Named(StrEnum):
    """Whether a method is called as people know it, or by its provider's reference."""

    DESCRIBED = "described"
    AWAITED = "awaited"  # its provider was not asked yet
    UNKNOWN = "unknown"  # its provider knows no such reference


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodView:
    """A way to pay, kept at a provider. One is charged; `stopped` says why one is not any more."""

    id: str
    provider: str
    label: str
    named: Named
    expires_on: date | None
    stopped: str
    is_charged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundView:
    """Money that somebody wanted given back, how far that is, and who was the second person.

    `receipt` is the number of what was handed out with cash.
    """

    id: str
    reference: str
    at: datetime
    provider: str
    payment: str
    amount: Money
    state: RefundState
    credit_note: str
    reason: str
    asked_by: str
    code: str
    decided_by: str
    decided_at: datetime | None
    decided_why: str
    receipt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidView:
    """A payment that came in, and what of it may be given back."""

    at: datetime
    provider: str
    charge: str
    amount: Money
    left: Money


async def methods(tx: Tx, contract: str) -> list[MethodView]:
    """List the payment methods that a household has now. Raises NotFound."""
    c = payment_method.c
    mine = c.account_id == await account_of(tx, contract)
    query = select(payment_method).where(mine, c.stopped.not_in(sorted(OVER)))
    rows = await tx.rows(query.order_by(c.is_default, c.id).limit(ROWS_MAX))
    usable = [row.id for row in rows if not row.stopped]
    return [
        MethodView(
            id=row.id,
            provider=row.provider,
            label=row.label or row.method_ref,
            named=_named(row),
            expires_on=row.expires_on,
            stopped=row.stopped,
            is_charged=row.id in usable[-1:],
        )
        for row in reversed(rows)
    ]


def _named(row: Any) -> Named:
    if row.label or row.provider == DEBIT:
        return Named.DESCRIBED
    return Named.UNKNOWN if row.asked_at else Named.AWAITED


async def refunds(
    tx: Tx, contract: str, *, limit: int = ROWS_MAX, behind: Place | None = None
) -> list[RefundView]:
    """List the refunds of a household behind a place, the newest first. Raises NotFound."""
    c = refund.c
    query = _WITH_RECEIPT.where(c.account_id == await account_of(tx, contract))
    found = await tx.rows(keyset.page(query, (c.asked_at, c.id), behind, limit))
    return [_refund(row) for row in found]


async def refunds_of(tx: Tx, keys: Iterable[str]) -> list[RefundView]:
    """List the refunds of some ids."""
    c = refund.c
    query = _WITH_RECEIPT.where(c.id.in_(sorted(keys))).order_by(c.id)
    return [_refund(row) for row in await tx.rows(query)]


def _refund(row: Any) -> RefundView:
    return RefundView(
        id=row.id,
        reference=row.reference,
        at=row.asked_at,
        provider=row.provider,
        payment=row.charge,
        amount=Money(row.amount_minor, row.currency),
        state=RefundState(row.state),
        credit_note=row.note,
        reason=row.reason,
        asked_by=row.asked_by,
        code=row.code,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        decided_why=row.decided_why,
        receipt=row.receipt or "",
    )


async def payable_back(tx: Tx, contract: str) -> list[PaidView]:
    """List payments of which something may be given back, the newest first. Raises NotFound."""
    key = await account_of(tx, contract)
    c, r = movement.c, refund.c
    # Who gives back by itself, and the till.
    asked = c.provider.in_(select(payment_provider.c.name)) | (c.provider == CASH)
    query = select(movement).where(c.account_id == key, asked)
    by_charge: dict[tuple[str, str], list[Movement]] = {}
    newest_first = query.order_by(c.received_at.desc(), c.id.desc()).limit(10 * ROWS_MAX)
    for row in await tx.rows(newest_first):
        one = movement_from(row)
        by_charge.setdefault((one.provider, one.charge), []).append(one)
    waiting: dict[tuple[str, str], list[Money]] = {}
    undecided = select(refund).where(r.account_id == key, r.state.in_(sorted(UNDECIDED)))
    for row in await tx.rows(undecided):
        amount = Money(row.amount_minor, row.currency)
        waiting.setdefault((row.provider, row.charge), []).append(amount)
    found = []
    for place, moved in by_charge.items():
        came = [one for one in moved if one.kind is MovementKind.CLEARED]
        if len(came) != 1:
            continue
        left = left_of(moved, waiting.get(place, ()))
        if left.amount_minor > 0:
            provider, charge = place
            found.append(
                PaidView(
                    at=came[0].received_at,
                    provider=provider,
                    charge=charge,
                    amount=came[0].amount,
                    left=left,
                )
            )
    return found[:ROWS_MAX]
