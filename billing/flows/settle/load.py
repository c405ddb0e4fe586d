"""Loads a batch of accounts with a fixed number of SELECTs, however many accounts there are.

The accounts come first and stay locked, in the order of their ids, so that two settles of one
account follow each other. (Whoever writes a payment down meanwhile does not wait for that.) What
most accounts have nothing of is asked for by one statement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from sqlalchemy import Select, and_, select

from billing.accounts.model import Account, Perk, Service
from billing.accounts.store import account, service
from billing.catalog.store import catalog_edition
from billing.dunning.store import hold, hold_from
from billing.flows.settle.alike import Found
from billing.flows.settle.facts import Facts, Household
from billing.flows.settle.load_discounts import load_redeemed, take_discounts
from billing.flows.settle.load_once import pending_query, purchase_query, take_once
from billing.flows.settle.load_open import (
    attempt_query,
    cut_query,
    item_query,
    movement_query,
    notice_query,
    suspension_query,
    take_open,
)
from billing.flows.settle.load_rent import OWNED, rental_query, take_rent
from billing.flows.settle.load_reopened import load_reopened
from billing.flows.settle.pages import page_query
from billing.invoicing.store import charged_until, reopened_from
from billing.payments.model import Method
from billing.payments.store import payment_method
from billing.promises.model import Promise, PromiseState
from billing.promises.store import promise
from billing.promotions.promotion import Promotion
from billing.rating.model import LineKind
from billing.subscriptions import store as subscriptions
from billing.subscriptions.store import pause, pause_from, subscription
from runtime import log
from runtime.store import Tx
from runtime.store.among import KEYS, by_key, packed
from runtime.store.bundle import Bundle
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from terms.ids import AccountId, ServiceId
from terms.money import Money

TOPIC = "entitlement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What was found of a batch, under an edition of the catalogue. The `rest` is what many
    accounts have nothing of.
    """

    edition: int
    found: Found
    rest: Mapping[str, list[Any]]

    @property
    def busy(self) -> set[str]:
        """The accounts that have something open, or that somebody has changed."""
        found, rest = self.found, self.rest
        owners = {row.service_id: row.account_id for row in found.services}
        return {
            *(row.account_id for name in _OF_ACCOUNTS for row in rest[name]),
            *(owners[row.service_id] for name in _OF_SERVICES for row in rest[name]),
            *(owners[row.service_id] for row in found.services if row.reopened_from),
            *(owners[row.service_id] for row in found.rentals if row.reopened_from),
            *(row.id for row in found.accounts if row.method_id or row.promise_id),
            *(row.id for row in found.accounts if row.perks & Perk.GIVEN_UP),
        }


async def load(tx: Tx, account_ids: Sequence[AccountId]) -> Loaded:
    """Lock the accounts that exist and find what there is of them."""
    keys = {KEYS: packed(tx.engine, sorted(set(account_ids)))}
    asked = [one.asked(tx.engine, keys) for one in (*_MOST, _REST)]
    rows = await tx.fetch_all(asked)
    accounts, services = (
        query.read(tx.engine, each) for query, each in zip(_MOST, rows, strict=False)
    )
    rest = _REST.read(tx.engine, rows[-1])
    rentals = sorted(rest["rentals"], key=attrgetter("from_on", "offering", "model", "id"))
    found = Found(accounts=accounts, services=services, rentals=rentals)
    await load_redeemed(tx, found)
    return Loaded(
        edition=(accounts[0].edition or 0) if accounts else 0,
        found=found,
        rest=rest,
    )


async def load_facts(
    tx: Tx, found: Found, rest: Mapping[str, list[Any]], promotions: Mapping[str, Promotion]
) -> dict[AccountId, Facts]:
    """Read what was found as facts, and load what is asked for few accounts alone."""
    facts = facts_of(found, promotions)
    households = {one.service.id: one for owner in facts.values() for one in owner.households}
    _take_holds(rest, households)
    take_once(rest, facts, households)
    await load_reopened(tx, facts)
    await take_open(tx, rest, facts)
    for row in rest["pages"]:
        facts[row.account_id].pages[row.id] = row.debts
    return facts


def facts_of(found: Found, promotions: Mapping[str, Promotion]) -> dict[AccountId, Facts]:
    """Read what was found of accounts that have nothing open."""
    facts = _accounts(found.accounts)
    households = _services(found.services, facts)
    take_rent(found.rentals, facts, households)
    take_discounts(found.redeemed, facts, promotions)
    return facts


def _take_holds(rest: Mapping[str, list[Any]], households: dict[ServiceId, Household]) -> None:
    for row in rest["holds"]:
        households[ServiceId(row.service_id)].holds.append(hold_from(row))
    for row in sorted(rest["pauses"], key=attrgetter("from_on")):
        households[ServiceId(row.service_id)].pauses.append(pause_from(row))


def _accounts(rows: Sequence[Any]) -> dict[AccountId, Facts]:
    facts: dict[AccountId, Facts] = {}
    for row in rows:
        key = AccountId(row.id)
        if key not in facts:
            facts[key] = Facts(account=_account(row))
        if row.promise_id:
            facts[key].promise = Promise(
                id=row.promise_id,
                account=key,
                until_on=row.promise_until_on,
                through=row.promise_through,
                amount=Money(row.promise_minor, row.promise_currency),
            )
        if row.method_id:
            facts[key].method = Method(
                id=row.method_id,
                account=key,
                provider=row.provider,
                customer=row.customer_ref,
                ref=row.method_ref,
                since=row.method_since,
            )
    return facts


def _account_query(engine: Engine) -> Select[Any]:
    edition = select(catalog_edition.c.edition).where(catalog_edition.c.id == 1)
    usable = and_(payment_method.c.account_id == account.c.id, payment_method.c.stopped == "")
    standing = and_(
        promise.c.account_id == account.c.id, promise.c.state == PromiseState.STANDING.value
    )
    query = select(
        *(column for column in account.c if column.name != "created_at"),
        payment_method.c.id.label("method_id"),
        payment_method.c.provider,
        payment_method.c.customer_ref,
        payment_method.c.method_ref,
        payment_method.c.created_at.label("method_since"),
        payment_method.c.is_default,
        promise.c.id.label("promise_id"),
        promise.c.until_on.label("promise_until_on"),
        promise.c.through.label("promise_through"),
        promise.c.amount_minor.label("promise_minor"),
        promise.c.currency.label("promise_currency"),
        edition.scalar_subquery().label("edition"),
    ).select_from(account.outerjoin(payment_method, usable).outerjoin(promise, standing))
    if engine == "postgresql":
        query = query.with_for_update(of=account, key_share=True)
    # The one to be charged comes last and counts; where none is named, the newest.
    return by_key(engine, query, account.c.id, order_by=("id", "is_default", "method_id"))


_ACCOUNTS = PreparedQuery(_account_query)


def _account(row: Any) -> Account:
    return Account(
        id=AccountId(row.id),
        number=row.number,
        currency=row.currency,
        zone=row.zone,
        locale=row.locale,
        bill_day=row.bill_day,
        terms_days=row.terms_days,
        jurisdiction=row.jurisdiction,
        segment=row.segment,
        perks=row.perks,
        warned_of=row.warned_of,
    )


def _services(rows: Sequence[Any], facts: dict[AccountId, Facts]) -> dict[ServiceId, Household]:
    households: dict[ServiceId, Household] = {}
    for row in rows:
        key = ServiceId(row.service_id)
        if key not in households:
            households[key] = Household(
                service=Service(
                    id=key,
                    account=AccountId(row.account_id),
                    contract=row.contract,
                    label=row.label,
                    streams=row.streams,
                    devices=row.devices,
                    revision=row.revision,
                    billed_until=row.billed_until,
                ),
                published=row.published,
            )
            facts[AccountId(row.account_id)].households.append(households[key])
        if row.id:
            households[key].subscriptions.append(subscriptions.from_row(row))
            if row.reopened_from:
                facts[AccountId(row.account_id)].reopened[row.id] = row.reopened_from
    return households


def _service_query(engine: Engine) -> Select[Any]:
    c = subscription.c
    newest = and_(log.snapshot.c.topic == TOPIC, log.snapshot.c.key == service.c.id)
    joined = service.outerjoin(subscription, c.service_id == service.c.id)
    mine = [column for column in c if column.name not in ("service_id", "created_at")]
    columns = [column for column in service.c if column.name not in ("id", "created_at")]
    query = select(
        service.c.id.label("service_id"),
        *columns,
        *mine,
        charged_until(c.id, LineKind.RECURRING).label("charged_until"),
        reopened_from(c.id).label("reopened_from"),
        log.snapshot.c.value.label("published"),
    ).select_from(joined.outerjoin(log.snapshot, newest))
    return by_key(
        engine, query, service.c.account_id, order_by=("service_id", "from_on", "offering", "id")
    )


_SERVICES = PreparedQuery(_service_query)


def _pause_query(engine: Engine) -> Select[Any]:
    return by_key(engine, select(pause), pause.c.service_id, via=OWNED)


def _hold_query(engine: Engine) -> Select[Any]:
    return by_key(engine, select(hold), hold.c.service_id, via=OWNED)


# What every account has; and what many have nothing of, asked as one.
_MOST = (_ACCOUNTS, _SERVICES)
_REST = Bundle(
    rentals=rental_query,
    holds=_hold_query,
    pauses=_pause_query,
    items=item_query,
    movements=movement_query,
    attempts=attempt_query,
    notices=notice_query,
    cuts=cut_query,
    suspensions=suspension_query,
    pending=pending_query,
    purchases=purchase_query,
    pages=page_query,
)
# Notices and cuts are about open items, whose accounts are told by those.
_OF_ACCOUNTS = ("items", "movements", "attempts", "pending", "purchases", "pages")
_OF_SERVICES = ("holds", "pauses")
