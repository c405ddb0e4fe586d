"""Offerings and their effective-dated prices, and what a publication may change about them.

Prices are per month. What was effective once stays as it is: a sold period can
always be explained by the price it was sold at.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from fractions import Fraction

from billing.catalog.terms import USUAL, SalesChannel, Terms
from billing.catalog.tiers import Tiers
from billing.catalog.usage_price import UsagePrice
from billing.tax.levels import Inclusive
from terms.errors import Invalid, NotFound
from terms.money import Money
from terms.schedule import Unit

_DAYS_OF = {Unit.MONTH: Fraction(146_097, 4_800), Unit.DAY: Fraction(1)}  # 400 years


class OfferingKind(StrEnum):
    """What is sold."""

    PLAN = "plan"  # a service has one
    ADDON = "addon"  # ... and any number of these
    RENTAL = "rental"  # charged while a household holds a device of one of the models
    USAGE = "usage"  # had like an add-on, and charged by what its meter counts
    ONE_OFF = "one_off"  # bought once: a title for a while, or something that is done or given

    @property
    def is_extra(self) -> bool:
        """Whether a service has any number of these beside its plan."""
        return self in (OfferingKind.ADDON, OfferingKind.USAGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offering:
    """One thing in the catalogue. `grants` are package codes, `models` those a rental is for."""

    code: str
    kind: OfferingKind
    name: str
    grants: tuple[str, ...] = ()
    tax: str
    models: tuple[str, ...] = ()
    terms: Terms = USUAL

    def problems(self) -> Iterator[tuple[str, str]]:
        """Name what does not fit its kind, each with the reason."""
        is_one_off = self.kind is OfferingKind.ONE_OFF
        if is_one_off and self.grants and self.terms.window is None:
            yield "window", "what grants a title says for how long: 48h, 7d or from/to"
        if self.terms.window is not None and not (is_one_off and self.grants):
            yield "window", "only something bought once that grants a title has a window"
        if self.terms.billed is not USUAL.billed and not is_one_off:
            yield "billed", "only something bought once says when it is billed"
        if self.terms.sales_channel is not None and not is_one_off:
            yield "sales_channel", "only something bought once says who sells it"
        if bool(self.terms.meter) is not (self.kind is OfferingKind.USAGE):
            yield "meter", "what is charged by usage, and nothing else, names its meter"

    @property
    def is_self_service(self) -> bool:
        """Whether subscribers may buy it themselves: titles, unless its terms say otherwise."""
        said = self.terms.sales_channel or usual_channel(grants=bool(self.grants))
        return self.kind is OfferingKind.ONE_OFF and said is SalesChannel.SELF_SERVICE


def usual_channel(*, grants: bool) -> SalesChannel:
    """Tell who sells what is bought once where nothing is said: titles sell themselves."""
    return SalesChannel.SELF_SERVICE if grants else SalesChannel.STAFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The monthly amount of an offering from a day on, until the next one of its currency.

    A rental has more: what is held as long as it runs, and what a device costs that is lost.
    `included` says how an amount is taken apart that includes its tax. `tiers` are amounts from a
    count on, `bundled_minor` is what the amount is while something of the bundle is had too.
    `minimum_minor` is what its household spends in a period at least. Of what is charged by `usage`
    the amount is committed: usage costs what goes beyond it.
    """

    offering: str
    effective_from: date
    amount: Money
    deposit_minor: int = 0
    lost_fee_minor: int = 0
    included: Inclusive | None = None
    tiers: Tiers = ()
    bundled_minor: int | None = None
    minimum_minor: int = 0
    usage: UsagePrice | None = None

    def rate(self, terms: Terms, quantity: int, boxes: int, *, is_bundled: bool) -> Money:
        """Tell what a quantity costs for a whole period, by the boxes and in the bundle or not."""
        amount = self.amount.amount_minor
        if self.tiers:
            count = terms.counted(quantity, boxes)
            amount = next((a for since, a in reversed(self.tiers) if since <= count), amount)
        if is_bundled and self.bundled_minor is not None:
            amount = max(amount - (self.amount.amount_minor - self.bundled_minor), 0)
        return Money(amount * terms.multiple(quantity), self.amount.currency)

    @property
    def deposit(self) -> Money:
        """What is held while a rental that begins under this price runs."""
        return Money(self.deposit_minor, self.amount.currency)

    @property
    def lost_fee(self) -> Money:
        """What a device costs that is lost under this price."""
        return Money(self.lost_fee_minor, self.amount.currency)


class Offerings(dict[str, Offering]):
    """Offerings by their codes. Raises NotFound for one that is not there."""

    def __missing__(self, code: str) -> Offering:
        raise NotFound(f"there is no offering {code!r}", field="offering")


@dataclass(frozen=True, slots=True)
class PriceBook:
    """All offerings and prices of one edition of the catalogue, ready to be asked."""

    offerings: Offerings = field(default_factory=Offerings)
    _prices: Mapping[tuple[str, str], Sequence[Price]] = field(default_factory=dict)
    _rentals: Mapping[str, Offering] = field(default_factory=dict)
    committed: frozenset[str] = frozenset()  # offerings with a minimum

    @classmethod
    def of(cls, offerings: Iterable[Offering], prices: Iterable[Price]) -> PriceBook:
        """Sort offerings and prices into a book."""
        by_code = Offerings({offering.code: offering for offering in offerings})
        series: dict[tuple[str, str], list[Price]] = {}
        for price in sorted(prices, key=lambda price: price.effective_from):
            series.setdefault((price.offering, price.amount.currency), []).append(price)
        rentals = {model: offering for offering in by_code.values() for model in offering.models}
        committed = {one.offering for some in series.values() for one in some if one.minimum_minor}
        return cls(by_code, series, rentals, frozenset(committed))

    def offering(self, code: str) -> Offering:
        """Look an offering up. Raises NotFound."""
        return self.offerings[code]

    def price_on(self, offering: str, currency: str, day: date) -> Price:
        """Find the price in force on a day. Raises NotFound where there is none yet."""
        series = self._prices.get((offering, currency), ())
        place = bisect_right(series, day, key=lambda price: price.effective_from)
        if not place:
            raise NotFound(f"{offering} has no price in {currency} on {day}")
        return series[place - 1]

    def cost_of_a_day(self, offering: str, currency: str, day: date, quantity: int) -> Fraction:
        """Tell what a quantity costs a day on average, in minor units: to compare, not to charge.

        Raises NotFound where it has no price.
        """
        terms = self.offering(offering).terms
        interval = terms.interval
        rate = self.price_on(offering, currency, day).rate(terms, quantity, 0, is_bundled=False)
        return Fraction(rate.amount_minor) / (interval.count * _DAYS_OF[interval.unit])

    def rental_of(self, model: str) -> Offering | None:
        """Find the offering under which devices of a model are rented."""
        return self._rentals.get(model)

    def prices_of(self, offering: str, currency: str) -> Sequence[Price]:
        """List the prices of an offering in a currency, the oldest first."""
        return self._prices.get((offering, currency), ())

    def all_prices(self, offering: str) -> list[Price]:
        """List the prices of an offering in every currency."""
        return [one for key, some in self._prices.items() if key[0] == offering for one in some]


def changed_offerings(book: PriceBook, offered: Iterable[Offering]) -> list[Offering]:
    """Those that are new, renamed or sold by somebody else.

    Raises Invalid for anything but that: what was sold keeps its meaning.
    """
    changed = []
    for offering in offered:
        held = book.offerings.get(offering.code)
        if held == offering:
            continue
        if held is not None:
            _keep_meaning(held, offering)
        for name, why in offering.problems():
            raise Invalid(f"offerings.{offering.code}.{name}", why)
        changed.append(offering)
    _one_rental_per_model({**book.offerings, **{o.code: o for o in changed}}.values())
    return changed


def changed_prices(book: PriceBook, offered: Iterable[Price], today: date) -> list[Price]:
    """Those that are new or differ.

    Raises Invalid for a price on or before today where the offering has one in force, and for a
    changed amount of a price that is effective.
    """
    changed = []
    for price in offered:
        where = f"prices.{price.offering}.{price.effective_from}"
        least = min(price.deposit_minor, price.lost_fee_minor, price.minimum_minor)
        if min(price.amount.amount_minor, least) < 0:
            raise Invalid(where, "a price is not negative")
        if not 0 <= (price.bundled_minor or 0) <= price.amount.amount_minor:
            raise Invalid(where, "in a bundle nothing costs more than alone")
        series = book.prices_of(price.offering, price.amount.currency)
        if price in series:
            continue
        in_force = series and series[0].effective_from <= today
        if in_force and price.effective_from <= today:
            raise Invalid(where, f"a price on or before {today} is sold already: date it later")
        changed.append(price)
    return changed


def _keep_meaning(held: Offering, offered: Offering) -> None:
    channel = offered.terms.sales_channel
    held = replace(held, terms=replace(held.terms, sales_channel=channel))
    for name in ("kind", "grants", "tax", "models", "terms"):
        if getattr(held, name) != getattr(offered, name):
            raise Invalid(
                f"offerings.{held.code}.{name}", "is sold already: publish a new offering instead"
            )


def _one_rental_per_model(offerings: Iterable[Offering]) -> None:
    owners: dict[str, str] = {}
    for offering in offerings:
        for model in offering.models:
            owner = owners.setdefault(model, offering.code)
            if owner != offering.code:
                raise Invalid(
                    f"offerings.{offering.code}.models", f"{model} is rented as {owner} already"
                )
