"""The ten sheets of an operator folder: what a row of each is made of.

Documented for people in docs/reference/import.md, and compared with it by a test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from app.imports import cells
from app.imports.loyalty_sheets import LOYALTY, LOYALTY_TIERS
from app.imports.sheet import Column, Sheet
from billing.catalog.model import Offering, OfferingKind
from billing.catalog.terms import TERMS, Terms
from billing.catalog.usage_price import UsagePrice
from billing.tax.levels import Inclusive
from gateway.inventory import secrets
from gateway.inventory.model import PLACE_CHARS_MAX
from gateway.inventory.serials import SerialCheck
from terms.money import Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRow:
    """The rate of one tax from a day on, in a jurisdiction or, where none is said, at home."""

    line: int
    tax: str
    effective_from: date
    rate: Rate
    jurisdiction: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferingRow:
    """Something that is sold, for a time, with a box model or once, and on which terms.

    Terms stay text; an empty one is as usual.
    """

    line: int
    code: str
    kind: str
    name: str
    grants: tuple[str, ...]
    tax: str
    model: tuple[str, ...] = ()
    interval: str = ""
    timing: str = ""
    alignment: str = ""
    measure: str = ""
    upgrade: str = ""
    downgrade: str = ""
    cancellation: str = ""
    last_day: str = ""
    unused: str = ""
    paused: str = ""
    trial_days: str = ""
    trial_clock: str = ""
    counts: str = ""
    bundle_with: str = ""
    billed: str = ""
    window: str = ""
    meter: str = ""
    sales_channel: str = ""

    @property
    def terms(self) -> Terms:
        """The terms it is sold on."""
        words = {name: getattr(self, name) for name in TERMS}
        return Terms.read({name: word for name, word in words.items() if word})

    @property
    def offering(self) -> Offering:
        """What is sold."""
        return Offering(
            code=self.code,
            kind=OfferingKind(self.kind),
            name=self.name,
            grants=self.grants,
            tax=self.tax,
            models=self.model,
            terms=self.terms,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """The price of an offering from a day on; of a rental, what else it costs.

    Amounts stay text until the currency is known to be the operator's. `includes_tax` says how they
    are taken apart where they include it.
    """

    line: int
    offering: str
    effective_from: date
    currency: str
    amount: str
    deposit: str = ""
    lost_fee: str = ""
    includes_tax: str = ""
    tiers: str = ""
    bundled: str = ""
    minimum: str = ""
    usage: UsagePrice | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionRow:
    """A discount that is had by a code. Amounts stay text until the currency is known."""

    line: int
    code: str
    name: str
    percent: Rate | None
    amount: str
    scope: str
    limited_to: tuple[str, ...]
    periods: int | None
    group: str
    from_on: date
    until_on: date | None
    ends: date | None = None
    limit: int | None = None
    limit_account: int | None = None
    ahead: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRow:
    """Where a package code of ours is switched."""

    line: int
    code: str
    target: str
    role: str
    target_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriberRow:
    """A household and what it has."""

    line: int
    contract: str
    name: str
    phone: str
    email: str
    locale: str
    plan: str
    addons: tuple[str, ...]
    bill_day: int
    started_on: date
    billed_until: date | None
    payment_provider: str
    payment_customer: str
    payment_method: str
    jurisdiction: str = ""
    segment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """A model of boxes: who makes it, how its serials are checked."""

    line: int
    model: str
    maker: str = ""
    serial_check: str = ""
    serial_prefix: str = ""
    protocol: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxRow:
    """A box in stock, or with a household since a day, and how it is reached."""

    line: int
    serial: str
    mac: str
    model: str
    contract: str
    handed_over_on: date | None
    place: str = ""
    address: str = ""
    host_key: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    auth_key: str = field(default="", repr=False)
    priv_key: str = field(default="", repr=False)
    community: str = field(default="", repr=False)
    connection_username: str = ""
    connection_password: str = field(default="", repr=False)

    @property
    def secrets(self) -> dict[str, str]:
        """Give what is to be sealed, by name."""
        told = {name: str(getattr(self, name)) for name in secrets.KNOWN}
        return {name: value for name, value in told.items() if value}


def _optional(name: str, read: Callable[[str], Any]) -> Column:
    return Column(name=name, read=read, empty="", may_be_missing=True)


def _secret(name: str) -> Column:
    read = cells.text_of(secrets.VALUE_CHARS_MAX)
    return Column(name=name, read=read, empty="", may_be_missing=True, is_secret=True)


TAXES = Sheet(
    file="taxes.csv",
    columns=(
        Column(name="tax", read=cells.code),
        Column(name="effective_from", read=cells.iso_date),
        Column(name="rate", read=cells.rate),
        _optional("jurisdiction", cells.jurisdiction),
    ),
    make=TaxRow,
    key=("tax", "effective_from", "jurisdiction"),
    named=("tax", "jurisdiction"),
)


OFFERINGS = Sheet(
    file="offerings.csv",
    columns=(
        Column(name="code", read=cells.code),
        Column(name="kind", read=cells.one_of(*(kind.value for kind in OfferingKind))),
        Column(name="name", read=cells.text_of(120)),
        Column(name="grants", read=cells.codes, empty=()),
        Column(name="tax", read=cells.code),
        Column(name="model", read=cells.names, empty=(), may_be_missing=True),
        *(
            Column(name=term, read=cells.term(term), empty="", may_be_missing=True)
            for term in TERMS
        ),
    ),
    make=OfferingRow,
    key=("code",),
    named=("code", "model"),
)

PRICES = Sheet(
    file="prices.csv",
    columns=(
        Column(name="offering", read=cells.code),
        Column(name="effective_from", read=cells.iso_date),
        Column(name="currency", read=cells.currency),
        Column(name="amount", read=cells.amount_text),
        Column(name="deposit", read=cells.amount_text, empty="", may_be_missing=True),
        Column(name="lost_fee", read=cells.amount_text, empty="", may_be_missing=True),
        _optional("includes_tax", cells.one_of(*Inclusive)),
        _optional("tiers", cells.text_of(400)),
        Column(name="bundled", read=cells.amount_text, empty="", may_be_missing=True),
        Column(name="minimum", read=cells.amount_text, empty="", may_be_missing=True),
        Column(name="usage", read=UsagePrice.parse, empty=None, may_be_missing=True),
    ),
    make=PriceRow,
    key=("offering", "effective_from", "currency"),
    named=("offering",),
)

PROMOTIONS = Sheet(
    file="promotions.csv",
    columns=(
        Column(name="code", read=cells.promotion_code),
        Column(name="name", read=cells.text_of(120)),
        Column(name="percent", read=cells.rate, empty=None),
        Column(name="amount", read=cells.amount_text, empty=""),
        Column(name="scope", read=cells.one_of("line", "plan", "invoice")),
        Column(name="limited_to", read=cells.codes, empty=()),
        Column(name="periods", read=cells.times, empty=None),
        Column(name="group", read=cells.group, empty=""),
        Column(name="from_on", read=cells.iso_date),
        Column(name="until_on", read=cells.iso_date, empty=None),
        Column(name="ends", read=cells.iso_date, empty=None, may_be_missing=True),
        Column(name="limit", read=cells.times, empty=None, may_be_missing=True),
        Column(name="limit_account", read=cells.times, empty=None, may_be_missing=True),
        Column(name="ahead", read=cells.times, empty=None, may_be_missing=True),
    ),
    make=PromotionRow,
    key=("code",),
    named=("code",),
)

ROUTES = Sheet(
    file="routes.csv",
    columns=(
        Column(name="code", read=cells.code),
        Column(name="target", read=cells.code),
        Column(name="role", read=cells.one_of("tariff", "package")),
        Column(name="target_code", read=cells.vendor_ref),
    ),
    make=RouteRow,
    key=("code", "target"),
    named=("code",),
)

SUBSCRIBERS = Sheet(
    file="subscribers.csv",
    columns=(
        Column(name="contract", read=cells.contract),
        Column(name="name", read=cells.text_of(120)),
        Column(name="phone", read=cells.phone, empty=""),
        Column(name="email", read=cells.email, empty=""),
        Column(name="locale", read=cells.locale, empty=""),
        Column(name="plan", read=cells.code),
        Column(name="addons", read=cells.codes, empty=()),
        Column(name="bill_day", read=cells.bill_day),
        Column(name="started_on", read=cells.iso_date),
        Column(name="billed_until", read=cells.iso_date, empty=None),
        Column(name="payment_provider", read=cells.code, empty=""),
        Column(name="payment_customer", read=cells.vendor_ref, empty=""),
        Column(name="payment_method", read=cells.vendor_ref, empty=""),
        _optional("jurisdiction", cells.jurisdiction),
        _optional("segment", cells.code),
    ),
    make=SubscriberRow,
    key=("contract",),
    named=("contract",),
)

MODELS = Sheet(
    file="models.csv",
    columns=(
        Column(name="model", read=cells.text_of(60)),
        _optional("maker", cells.text_of(80)),
        _optional("serial_check", cells.one_of(SerialCheck.LUHN.value)),
        _optional("serial_prefix", cells.code),
        _optional("protocol", cells.text_of(16)),
    ),
    make=ModelRow,
    key=("model",),
    named=("model",),
)

BOXES = Sheet(
    file="boxes.csv",
    columns=(
        Column(name="serial", read=cells.serial),
        Column(name="mac", read=cells.mac, empty=""),
        Column(name="model", read=cells.text_of(60)),
        Column(name="contract", read=cells.contract, empty=""),
        Column(name="handed_over_on", read=cells.iso_date, empty=None),
        _optional("place", cells.text_of(PLACE_CHARS_MAX)),
        _optional("address", cells.address),
        _optional("host_key", cells.text_of(cells.CELL_CHARS_MAX)),
        _optional("username", cells.text_of(secrets.VALUE_CHARS_MAX)),
        _secret("password"),
        _secret("auth_key"),
        _secret("priv_key"),
        _secret("community"),
        _optional("connection_username", cells.text_of(secrets.VALUE_CHARS_MAX)),
        _secret("connection_password"),
    ),
    make=BoxRow,
    key=("serial",),
    named=(),
)

SHEETS: tuple[Sheet[Any], ...] = (
    TAXES,
    OFFERINGS,
    PRICES,
    PROMOTIONS,
    LOYALTY,
    LOYALTY_TIERS,
    ROUTES,
    SUBSCRIBERS,
    MODELS,
    BOXES,
)
