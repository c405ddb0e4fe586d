"""Subscribers are signed up, one or a whole base at once. Each gets an account and a service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from billing.accounts import finding
from billing.accounts.store import account, customer, search_term, service
from billing.catalog.model import OfferingKind, PriceBook
from billing.flows.desk import Desk
from billing.flows.usage import take_waiting
from billing.payments.store import payment_method
from billing.subscriptions.model import Activation
from billing.subscriptions.store import subscription
from billing.subscriptions.trial import Trial
from billing.tax.model import HOME
from runtime.chance import new_id
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.calendar import local_date, start_of_day
from terms.errors import Duplicate, Invalid
from terms.ids import AccountId, ServiceId

SHOWN_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodRef:
    """How the account is charged: references at a configured provider."""

    provider: str
    customer: str
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp:
    """What is agreed with a household.

    `bill_day` is by default the day of `starts_on`, which is by default today. An import says with
    `billed_until` up to which day another system has charged it.
    """

    contract: str
    name: str
    plan: str
    currency: str
    zone: str
    addons: Sequence[str] = ()
    locale: str = "en"
    phone: str = ""
    email: str = ""
    label: str = ""
    bill_day: int | None = None
    starts_on: date | None = None
    billed_until: date | None = None
    jurisdiction: str = HOME
    segment: str = ""
    activation: Activation = Activation.PAID
    terms_days: int = 0
    streams: int = 1
    devices: int = 1
    method: MethodRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedUp:
    """The ids that were made."""

    contract: str
    account: AccountId
    service: ServiceId


async def sign_up(desk: Desk, tx: Tx, orders: Sequence[SignUp], now: datetime) -> list[SignedUp]:
    """Sign households up and mark their accounts; nothing is charged before settle looks.

    Raises Duplicate naming contracts that exist, NotFound for an unknown offering or one without
    a price in the currency, Invalid for an offering of another kind, or where no tax is known of
    the account's jurisdiction, or its segment is unknown.
    """
    await _check_contracts(tx, [order.contract for order in orders])
    catalogue = await desk.shelf.newest(tx)
    book = catalogue.book
    made = []
    rows = _Rows()
    for order in orders:
        _check(order, book, now)
        catalogue.taxes.table.check(order.jurisdiction)
        catalogue.segments.check(order.segment)
        one = SignedUp(
            contract=order.contract,
            account=AccountId(new_id(now, desk.chance)),
            service=ServiceId(new_id(now, desk.chance)),
        )
        rows.add(desk, order, one, _Begin(book=book, now=now))
        made.append(one)
    await rows.write(tx)
    await desk.work.mark(tx, "settle", [one.account for one in made])
    await take_waiting(desk, tx, now, [one.contract for one in made])
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begin:
    """When what an order names begins to cost something."""

    book: PriceBook
    now: datetime

    def charged_from(self, order: SignUp, code: str) -> date:
        """Tell the first day that is charged: behind what another system billed, and a trial."""
        day = _charged_from(order, self.now)
        terms = self.book.offering(code).terms
        if not terms.trial_days:
            return day
        starts_on = _starts_on(order, self.now)
        is_now = starts_on == local_date(self.now, order.zone)
        began_at = self.now if is_now else start_of_day(starts_on, order.zone)
        trial = Trial(started_at=began_at, days=terms.trial_days, clock=terms.trial_clock)
        return max(day, trial.charged_from(order.zone))

    def activation(self, order: SignUp, code: str) -> Activation:
        """Tell when it goes live: who tries it has it at once, and owes when the trial is over."""
        return Activation.OPEN if self.book.offering(code).terms.trial_days else order.activation


class _Rows:
    """Rows of six tables on their way."""

    def __init__(self) -> None:
        self.customers: list[dict[str, Any]] = []
        self.accounts: list[dict[str, Any]] = []
        self.services: list[dict[str, Any]] = []
        self.subscriptions: list[dict[str, Any]] = []
        self.methods: list[dict[str, Any]] = []
        self.terms: list[dict[str, Any]] = []

    def add(self, desk: Desk, order: SignUp, ids: SignedUp, begin: _Begin) -> None:
        now = begin.now
        starts_on = _starts_on(order, now)
        owner = new_id(now, desk.chance)
        self.customers.append(_customer(order, owner, now))
        self.accounts.append(
            {
                "id": ids.account,
                "number": order.contract,
                "customer_id": owner,
                "currency": order.currency,
                "zone": order.zone,
                "locale": order.locale,
                "bill_day": order.bill_day or starts_on.day,
                "terms_days": order.terms_days,
                "jurisdiction": order.jurisdiction,
                "segment": order.segment,
                "created_at": now,
            }
        )
        self.services.append(
            {
                "id": ids.service,
                "account_id": ids.account,
                "contract": order.contract,
                "label": order.label or order.name,
                "streams": order.streams,
                "devices": order.devices,
                "revision": 0,
                "billed_until": order.billed_until,
                "created_at": now,
            }
        )
        for offering in (order.plan, *order.addons):
            self.subscriptions.append(
                {
                    "id": new_id(now, desk.chance),
                    "service_id": ids.service,
                    "offering": offering,
                    "from_on": starts_on,
                    "until_on": None,
                    "charged_from": begin.charged_from(order, offering),
                    "activation": begin.activation(order, offering).value,
                    "created_at": now,
                }
            )
        found = finding.terms(
            contract=order.contract, name=order.name, phone=order.phone, email=order.email
        )
        self.terms += [{"service_id": ids.service, "term": term} for term in sorted(found)]
        if order.method:
            self.methods.append(_method(order.method, ids.account, new_id(now, desk.chance), now))

    async def write(self, tx: Tx) -> None:
        await tx.insert(customer, self.customers)
        await tx.insert(account, self.accounts)
        await tx.insert(service, self.services)
        await tx.insert(subscription, self.subscriptions)
        await tx.insert(payment_method, self.methods)
        await tx.insert(search_term, self.terms)


async def _check_contracts(tx: Tx, contracts: Sequence[str]) -> None:
    twice = sorted(_twice(contracts))
    if not twice:
        query = select(service.c.contract).where(among(tx.engine, service.c.contract))
        found = await tx.rows(query, {KEYS: packed(tx.engine, contracts)})
        twice = sorted(row.contract for row in found)
    if twice:
        shown = ", ".join(twice[:SHOWN_MAX])
        more = f" and {len(twice) - SHOWN_MAX} more" if len(twice) > SHOWN_MAX else ""
        raise Duplicate(f"exists already: {shown}{more}", field="contract")


def _twice(contracts: Sequence[str]) -> Iterator[str]:
    seen: set[str] = set()
    for contract in contracts:
        if contract in seen:
            yield contract
        seen.add(contract)


def _check(order: SignUp, book: PriceBook, now: datetime) -> None:
    for name in ("contract", "name"):
        if not getattr(order, name):
            raise Invalid(name, "must not be empty")
    if len(set(order.addons)) < len(order.addons):
        raise Invalid("addons", "names an add-on twice")
    day = _charged_from(order, now)
    check_offering(book, order.plan, OfferingKind.PLAN, "plan")
    for code in order.addons:
        check_offering(book, code, OfferingKind.ADDON, "addons")
    for code in (order.plan, *order.addons):
        book.price_on(code, order.currency, day)


def check_offering(book: PriceBook, code: str, kind: OfferingKind, field: str) -> None:
    """Raise NotFound for an unknown offering, Invalid for one of another kind."""
    found = book.offering(code)
    fits = found.kind.is_extra if kind is OfferingKind.ADDON else found.kind is kind
    if not fits:
        raise Invalid(field, f"{code} is of kind {found.kind}, not {kind}")


def _starts_on(order: SignUp, now: datetime) -> date:
    return order.starts_on or local_date(now, order.zone)


def _charged_from(order: SignUp, now: datetime) -> date:
    starts_on = _starts_on(order, now)
    return max(starts_on, order.billed_until or starts_on)


def _customer(order: SignUp, key: str, now: datetime) -> dict[str, Any]:
    return {
        "id": key,
        "name": order.name,
        "phone": order.phone,
        "email": order.email,
        "created_at": now,
    }


def _method(ref: MethodRef, owner: AccountId, key: str, now: datetime) -> dict[str, Any]:
    return {
        "id": key,
        "account_id": owner,
        "provider": ref.provider,
        "customer_ref": ref.customer,
        "method_ref": ref.method,
        "stopped": "",
        "created_at": now,
    }
