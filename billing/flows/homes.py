"""Households with all that their usage is rated by: locked, a batch at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, select

from billing.accounts.store import account, service
from billing.catalog.model import OfferingKind
from billing.catalog.store import offering
from billing.catalog.terms import Terms
from billing.rating.coverage import within
from billing.subscriptions import store as subscriptions
from billing.subscriptions.model import Pause, Subscription
from billing.subscriptions.store import pause, pause_from, subscription
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.calendar import Period
from terms.ids import AccountId, ServiceId


@dataclass(slots=True, kw_only=True)
class Home:
    """One service with its account, and its subscriptions to what is metered."""

    account: AccountId
    service: ServiceId
    contract: str
    currency: str
    zone: str
    bill_day: int
    metered: list[Subscription] = field(default_factory=list)
    pauses: list[Pause] = field(default_factory=list)

    def period_of(self, one: Subscription, terms: Terms, day: date) -> Period | None:
        """Find the part of the period around a day in which a subscription is charged."""
        whole = terms.schedule(self.bill_day, one.charged_from).containing(day)
        return within(one.charged_from, one.until_on, whole)


async def of_contracts(tx: Tx, contracts: Sequence[str]) -> list[Home]:
    """Lock and load the households that exist of these contracts."""
    return await _load(tx, among(tx.engine, service.c.contract), contracts)


async def of_services(tx: Tx, services: Sequence[ServiceId]) -> list[Home]:
    """Lock and load households."""
    return await _load(tx, among(tx.engine, service.c.id), services)


async def _load(tx: Tx, condition: ColumnElement[bool], keys: Sequence[str]) -> list[Home]:
    """Lock accounts in the order in which settle does."""
    query = (
        select(
            *(service.c.id, service.c.contract, account.c.id.label("account_id")),
            *(account.c.currency, account.c.zone, account.c.bill_day),
        )
        .join_from(service, account, account.c.id == service.c.account_id)
        .where(condition)
        .order_by(account.c.id, service.c.id)
    )
    if tx.engine == "postgresql":
        query = query.with_for_update(of=account, key_share=True)
    rows = await tx.rows(query, {KEYS: packed(tx.engine, sorted(set(keys)))})
    homes = {ServiceId(row.id): _home(row) for row in rows}
    given = {KEYS: packed(tx.engine, sorted(homes))}
    for row in await tx.rows(_metered(tx), given) if homes else ():
        homes[ServiceId(row.service_id)].metered.append(subscriptions.from_row(row))
    some = {one.service for one in homes.values() if one.metered}
    given = {KEYS: packed(tx.engine, sorted(some))}
    c = pause.c
    rests = select(pause).where(among(tx.engine, c.service_id)).order_by(c.from_on)
    for row in await tx.rows(rests, given) if some else ():
        homes[ServiceId(row.service_id)].pauses.append(pause_from(row))
    return list(homes.values())


def _metered(tx: Tx) -> Any:
    c = subscription.c
    return (
        select(subscription, c.charged_from.label("charged_until"))
        .join_from(subscription, offering, offering.c.code == c.offering)
        .where(among(tx.engine, c.service_id), offering.c.kind == OfferingKind.USAGE.value)
        .order_by(c.from_on, c.id)
    )


def _home(row: Any) -> Home:
    return Home(
        account=AccountId(row.account_id),
        service=ServiceId(row.id),
        contract=row.contract,
        currency=row.currency,
        zone=row.zone,
        bill_day=row.bill_day,
    )
