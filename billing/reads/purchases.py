"""What a household has bought once, as people and sellers see it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, and_, select

from billing.accounts.store import service
from billing.catalog.store import offering
from billing.invoicing.store import invoice, invoice_line
from billing.pending.store import pending_charge
from billing.purchases.store import purchase
from runtime.store import Tx
from terms.errors import NotFound
from terms.money import Money

PURCHASES_MAX = 500


class PurchaseState(StrEnum):
    """How far a sale has come."""

    WAITING = "waiting"  # to be paid, or for its event to begin
    OPEN = "open"  # it may be watched
    OVER = "over"  # its window has closed
    DONE = "done"  # it grants nothing to watch
    GIVEN_BACK = "given_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseView:
    """A sale, its window as far as it is known, and the invoice it is on.

    `amount` is before tax; `bill_on` is the day by which it is billed.
    """

    id: str
    contract: str
    offering: str
    name: str
    source: str
    ref: str
    quantity: int
    amount: Money
    state: PurchaseState
    bought_at: datetime
    from_at: datetime | None
    until_at: datetime | None
    watched_at: datetime | None
    bill_on: date
    invoice: str


def _query() -> Select[Any]:
    charged = and_(invoice_line.c.subject == purchase.c.id, invoice_line.c.kind == "purchase")
    joined = (
        purchase.join(pending_charge, pending_charge.c.id == purchase.c.id)
        .join(service, service.c.id == purchase.c.service_id)
        .join(offering, offering.c.code == purchase.c.offering)
        .outerjoin(invoice_line, charged)
        .outerjoin(invoice, invoice.c.id == invoice_line.c.invoice_id)
    )
    p = pending_charge.c
    return select(
        purchase,
        *(service.c.contract, offering.c.name, offering.c.terms, invoice.c.number),
        *(p.quantity, p.amount_minor, p.currency, p.due_on),
    ).select_from(joined)


async def of_contract(
    tx: Tx, contract: str, now: datetime, *, after: str = "", limit: int = 50
) -> list[PurchaseView]:
    """List what a contract has bought, the newest first, behind one. Raises NotFound."""
    known = await tx.scalar(select(service.c.id).where(service.c.contract == contract))
    if known is None:
        raise NotFound(f"there is no contract {contract!r}")
    query = _query().where(purchase.c.service_id == known)
    if after:
        query = query.where(purchase.c.id < after)
    query = query.order_by(purchase.c.id.desc()).limit(min(limit, PURCHASES_MAX + 1))
    return [_view(row, now) for row in await tx.rows(query)]


async def one(tx: Tx, key: str, now: datetime) -> PurchaseView:
    """Show one sale. Raises NotFound."""
    row = await tx.first(_query().where(purchase.c.id == key))
    if row is None:
        raise NotFound(f"there is no purchase {key!r}")
    return _view(row, now)


def _view(row: Any, now: datetime) -> PurchaseView:
    return PurchaseView(
        id=row.id,
        contract=row.contract,
        offering=row.offering,
        name=row.name,
        source=row.source,
        ref=row.ref,
        quantity=row.quantity,
        amount=Money(row.amount_minor, row.currency),
        state=_state(row, now),
        bought_at=row.bought_at,
        from_at=row.from_at,
        until_at=row.until_at,
        watched_at=row.watched_at,
        bill_on=row.due_on,
        invoice=row.number or "",
    )


def _state(row: Any, now: datetime) -> PurchaseState:
    if row.is_revoked:
        return PurchaseState.GIVEN_BACK
    if "window" not in json.loads(row.terms):
        return PurchaseState.DONE
    if row.from_at is None or row.from_at > now:
        return PurchaseState.WAITING
    return PurchaseState.OPEN if row.until_at > now else PurchaseState.OVER
