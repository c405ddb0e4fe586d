"""Who is there: households by service or contract, and the list of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, case, func, or_, select

from billing.accounts.store import account, customer, service
from billing.payments.store import CREDIT, INVOICE, open_item
from runtime import log
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.entitlement import Entitlement, ServiceState
from terms.ids import AccountId, ServiceId
from terms.money import Money

TOPIC = "entitlement"
LIMIT_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whose service it is."""

    contract: str
    name: str
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
    given = {KEYS: packed(tx.engine, sorted(set(services)))}
    rows = await tx.rows(_holders().where(among(tx.engine, service.c.id)), given)
    return {ServiceId(row.id): _holder(row) for row in rows}


async def services_of(tx: Tx, accounts: Iterable[AccountId]) -> Mapping[ServiceId, AccountId]:
    """Find the services of these accounts."""
    query = select(service.c.id, service.c.account_id).where(among(tx.engine, service.c.account_id))
    rows = await tx.rows(query, {KEYS: packed(tx.engine, sorted(set(accounts)))})
    return {ServiceId(row.id): AccountId(row.account_id) for row in rows}


async def holders(tx: Tx, contracts: Iterable[str]) -> Mapping[str, Holder]:
    """Find the holders of contracts; unknown ones are left out."""
    given = {KEYS: packed(tx.engine, sorted(set(contracts)))}
    rows = await tx.rows(_holders().where(among(tx.engine, service.c.contract)), given)
    return {row.contract: _holder(row) for row in rows}


async def contracts(tx: Tx, wanted: Iterable[str]) -> set[str]:
    """Tell which of these contracts exist."""
    query = select(service.c.contract).where(among(tx.engine, service.c.contract))
    rows = await tx.rows(query, {KEYS: packed(tx.engine, sorted(set(wanted)))})
    return {row.contract for row in rows}


async def listing(
    tx: Tx, *, search: str = "", after: str = "", limit: int = 50
) -> list[AccountLine]:
    """List accounts by contract, behind one, whose contract begins or whose name holds a text."""
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
        account.c.zone,
        account.c.currency,
    ).select_from(
        service.join(account, account.c.id == service.c.account_id).join(
            customer, customer.c.id == account.c.customer_id
        )
    )


def _holder(row: Row[Any]) -> Holder:
    return Holder(
        contract=row.contract,
        name=row.name,
        service=ServiceId(row.id),
        account=AccountId(row.account_id),
        zone=row.zone,
        currency=row.currency,
    )


def _listing(search: str, after: str, limit: int) -> Select[Any]:
    owner = (open_item.c.account_id == account.c.id) & (open_item.c.currency == account.c.currency)
    sums = [
        func.coalesce(func.sum(case((open_item.c.kind == kind, open_item.c.rest_minor))), 0)
        for kind in (INVOICE, CREDIT)
    ]
    columns = (
        service.c.id,
        service.c.contract,
        account.c.number,
        account.c.currency,
        customer.c.name,
    )
    query = (
        select(*columns, sums[0].label("owed"), sums[1].label("credit"))
        .select_from(
            service.join(account, account.c.id == service.c.account_id)
            .join(customer, customer.c.id == account.c.customer_id)
            .outerjoin(open_item, owner)
        )
        .where(service.c.contract > after)
        .group_by(*columns)
        .order_by(service.c.contract)
        .limit(limit)
    )
    if search:
        begins = service.c.contract.startswith(search, autoescape=True)
        holds = func.lower(customer.c.name).contains(search.lower(), autoescape=True)
        query = query.where(or_(begins, holds))
    return query
