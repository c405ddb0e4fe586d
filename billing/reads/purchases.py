"""What a household has bought once, as people and those who sell it see it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, and_, exists, or_, select

from billing.accounts.contracts import service_of
from billing.accounts.store import account, service
from billing.catalog.store import offering
from billing.dunning.store import hold
from billing.invoicing.store import invoice, invoice_line
from billing.pending.store import pending_charge
from billing.purchases.store import purchase
from billing.subscriptions.store import subscription
from runtime.store import Tx
from terms.errors import NotFound
from terms.ids import AccountId, ServiceId
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

    `amount` is before tax unless the price includes it; `total`, with tax, is known once it is
    billed. `bill_on` is the day by which it is.
    """

    id: str
    contract: str
    offering: str
    name: str
    source: str
    ref: str
    quantity: int
    amount: Money
    total: Money | None
    state: PurchaseState
    bought_at: datetime
    from_at: datetime | None
    until_at: datetime | None
    watched_at: datetime | None
    bill_on: date
    invoice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """Whose purchases they are, in which money and where taxed, and whether it may buy now."""

    contract: str
    service: ServiceId
    account: AccountId
    currency: str
    jurisdiction: str
    zone: str
    bill_day: int
    may_buy: bool


async def buyer(tx: Tx, key: ServiceId, today: date) -> Buyer:
    """Tell who buys for a service; `today` is the household's. Raises NotFound."""
    c, a = subscription.c, account.c
    goes_on = or_(c.until_on.is_(None), c.until_on > today)
    has = exists().where(c.service_id == key, c.from_on <= today, goes_on)
    is_dark = exists().where(hold.c.service_id == key)
    query = (
        select(service.c.contract, a.id, a.currency, a.jurisdiction, a.zone, a.bill_day)
        .add_columns((has & ~is_dark).label("may_buy"))
        .join_from(service, account, a.id == service.c.account_id)
        .where(service.c.id == key)
    )
    row = await tx.first(query)
    if row is None:
        raise NotFound(f"there is no service {key!r}")
    return Buyer(
        contract=row.contract,
        service=key,
        account=AccountId(row.id),
        currency=row.currency,
        jurisdiction=row.jurisdiction,
        zone=row.zone,
        bill_day=row.bill_day,
        may_buy=bool(row.may_buy),
    )


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
        (invoice_line.c.net_minor + invoice_line.c.tax_minor).label("total_minor"),
    ).select_from(joined)


async def of_contract(
    tx: Tx, contract: str, now: datetime, *, after: str = "", limit: int = 50
) -> list[PurchaseView]:
    """List what a contract has bought, the newest first, behind one. Raises NotFound."""
    known = await service_of(tx, contract)
    query = _query().where(purchase.c.service_id == known)
    if after:
        query = query.where(purchase.c.id < after)
    query = query.order_by(purchase.c.id.desc()).limit(min(limit, PURCHASES_MAX + 1))
    return [_view(row, now) for row in await tx.rows(query)]


async def one(tx: Tx, key: str, now: datetime) -> PurchaseView:
    """Show one sale. Raises NotFound."""
    row = await tx.first(_query().where(purchase.c.id == key))
    if row is None:
        raise NotFound(f"there is no purchase {key!r}", field="purchase")
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
        total=Money(row.total_minor, row.currency) if row.number else None,
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
