"""Who is there: households by service or contract, and the list of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ScalarSelect, Select, false, func, or_, select

from billing.accounts.store import account, customer, service
from billing.catalog.model import OfferingKind
from billing.catalog.store import offering
from billing.payments.store import CREDIT, INVOICE, open_item
from billing.reads.search import any_of
from billing.subscriptions.store import subscription
from runtime import log
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.store.prepared import PreparedQuery
from terms.entitlement import Entitlement, ServiceState
from terms.ids import AccountId, ServiceId
from terms.money import Money

TOPIC = "entitlement"
LIMIT_MAX = 501  # a page, and one more to know that there are more


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whose service it is. `phone` is empty where nobody has told it."""

    contract: str
    name: str
    phone: str
    service: ServiceId
    account: AccountId
    zone: str
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLine:
    """One row of the list of accounts. `state` is None before the first settle."""

    contract: str
    number: str
    name: str
    state: ServiceState | None
    reason: str
    owed: Money
    credit: Money


async def known(tx: Tx, services: Iterable[ServiceId]) -> Mapping[ServiceId, Holder]:
    """Find who has these services; ids of nobody are left out."""
    rows = await _BY_SERVICE.rows(tx, {KEYS: packed(tx.engine, sorted(set(services)))})
    return {ServiceId(row.id): _holder(row) for row in rows}


async def services_of(tx: Tx, accounts: Iterable[AccountId]) -> Mapping[ServiceId, AccountId]:
    """Find the services of these accounts."""
    query = select(service.c.id, service.c.account_id).where(among(tx.engine, service.c.account_id))
    rows = await tx.rows(query, {KEYS: packed(tx.engine, sorted(set(accounts)))})
    return {ServiceId(row.id): AccountId(row.account_id) for row in rows}


async def holders(tx: Tx, contracts: Iterable[str]) -> Mapping[str, Holder]:
    """Find the holders of contracts; unknown ones are left out."""
    rows = await _BY_CONTRACT.rows(tx, {KEYS: packed(tx.engine, sorted(set(contracts)))})
    return {row.contract: _holder(row) for row in rows}


async def offerings(tx: Tx, contract: str, today: date) -> list[str]:
    """Name what a contract has from today on, with the days where it begins later or ends."""
    c = subscription.c
    query = (
        select(c.offering, c.from_on, c.until_on)
        .select_from(subscription.join(service, service.c.id == c.service_id))
        .where(service.c.contract == contract, or_(c.until_on.is_(None), c.until_on > today))
        .order_by(c.offering, c.until_on)
        .limit(LIMIT_MAX)
    )
    return [
        row.offering
        + (f" from {row.from_on}" if row.from_on > today else "")
        + (f" until {row.until_on}" if row.until_on else "")
        for row in await tx.rows(query)
    ]


async def contracts(tx: Tx, wanted: Iterable[str]) -> set[str]:
    """Tell which of these contracts exist."""
    query = select(service.c.contract).where(among(tx.engine, service.c.contract))
    rows = await tx.rows(query, {KEYS: packed(tx.engine, sorted(set(wanted)))})
    return {row.contract for row in rows}


async def is_over(tx: Tx, home: ServiceId, today: date) -> bool:
    """Tell whether everything that a service had has ended; `today` is the household's."""
    c = subscription.c
    goes_on = or_(c.until_on.is_(None), c.until_on > today)
    return await tx.first(select(c.id).where(c.service_id == home, goes_on).limit(1)) is None


async def goes_on(tx: Tx, home: ServiceId, today: date) -> list[str]:
    """List by name what a service has today, plans first, and rents nothing for."""
    c = subscription.c
    is_now = (c.from_on <= today, or_(c.until_on.is_(None), c.until_on > today))
    kinds = offering.c.kind.in_([OfferingKind.PLAN.value, OfferingKind.ADDON.value])
    query = (
        select(offering.c.name)
        .select_from(subscription.join(offering, offering.c.code == c.offering))
        .where(c.service_id == home, *is_now, kinds)
        .order_by(offering.c.kind.desc(), offering.c.name)
    )
    return [row.name for row in await tx.rows(query.limit(LIMIT_MAX))]


async def listing(
    tx: Tx, *, search: str = "", after: str = "", limit: int = 50
) -> list[AccountLine]:
    """List accounts by contract, behind one, perhaps those that are meant by a text.

    Their contract begins with it, or words of their name begin with its words.
    """
    rows = await tx.rows(_listing(search, after, min(limit, LIMIT_MAX)))
    newest = await log.newest(tx, TOPIC, [row.id for row in rows])
    lines = []
    for row in rows:
        snapshot = newest.get(row.id)
        rights = Entitlement.decode(snapshot.value, revision=0) if snapshot else None
        lines.append(
            AccountLine(
                contract=row.contract,
                number=row.number,
                name=row.name,
                state=rights.state if rights else None,
                reason=rights.reason if rights else "",
                owed=Money(int(row.owed), row.currency),
                credit=Money(int(row.credit), row.currency),
            )
        )
    return lines


def _holders() -> Select[Any]:
    return select(
        service.c.id,
        service.c.contract,
        service.c.account_id,
        customer.c.name,
        customer.c.phone,
        account.c.zone,
        account.c.currency,
    ).select_from(
        service.join(account, account.c.id == service.c.account_id).join(
            customer, customer.c.id == account.c.customer_id
        )
    )


_BY_SERVICE = PreparedQuery(lambda engine: _holders().where(among(engine, service.c.id)))
_BY_CONTRACT = PreparedQuery(lambda engine: _holders().where(among(engine, service.c.contract)))


def _holder(row: Any) -> Holder:
    return Holder(
        contract=row.contract,
        name=row.name,
        phone=row.phone or "",
        service=ServiceId(row.id),
        account=AccountId(row.account_id),
        zone=row.zone,
        currency=row.currency,
    )


def _listing(search: str, after: str, limit: int) -> Select[Any]:
    columns = (
        service.c.id,
        service.c.contract,
        account.c.number,
        account.c.currency,
        customer.c.name,
    )
    query = (
        select(*columns, _open(INVOICE).label("owed"), _open(CREDIT).label("credit"))
        .select_from(
            service.join(account, account.c.id == service.c.account_id).join(
                customer, customer.c.id == account.c.customer_id
            )
        )
        .where(service.c.contract > after)
        .order_by(service.c.contract)
        .limit(limit)
    )
    if search:
        meant = any_of(search)
        query = query.where(false() if meant is None else meant)
    return query


def _open(kind: str) -> ScalarSelect[Any]:
    """Add up what is open of a kind, for the accounts that are shown alone."""
    c = open_item.c
    of = (c.account_id == account.c.id, c.currency == account.c.currency, c.kind == kind)
    return select(func.coalesce(func.sum(c.rest_minor), 0)).where(*of).scalar_subquery()
