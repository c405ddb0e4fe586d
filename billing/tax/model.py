"""Effective-dated tax rates, and the tax of an invoice by EN 16931.

Line amounts are rounded before they come here; each group of one tax and rate is taxed once on
the exact sum of its lines, rounded half up.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from terms.errors import Invalid, NotFound
from terms.money import Money, Rate

UNTAXED = ""  # the tax of what is not taxed at all, such as a deposit


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRate:
    """The rate of one tax from a day on."""

    tax: str
    effective_from: date
    rate: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxGroup:
    """The lines of one tax and rate: their net sum and its tax."""

    tax: str
    rate: Rate
    net: Money
    amount: Money


@dataclass(frozen=True, slots=True)
class TaxTable:
    """All rates, ready to be asked."""

    _series: Mapping[str, Sequence[TaxRate]] = field(default_factory=dict)

    @classmethod
    def of(cls, rates: Iterable[TaxRate]) -> TaxTable:
        """Sort rates into a table."""
        series: dict[str, list[TaxRate]] = {}
        for rate in sorted(rates, key=lambda rate: rate.effective_from):
            series.setdefault(rate.tax, []).append(rate)
        return cls(series)

    @property
    def taxes(self) -> frozenset[str]:
        """The names of all taxes."""
        return frozenset(self._series)

    def rates_of(self, tax: str) -> Sequence[TaxRate]:
        """All rates of a tax, the oldest first."""
        return self._series.get(tax, ())

    def rate_on(self, tax: str, day: date) -> Rate:
        """Find the rate in force on a day. Raises NotFound where there is none yet."""
        series = self._series.get(tax, ())
        place = bisect_right(series, day, key=lambda rate: rate.effective_from)
        if not place:
            raise NotFound(f"the tax {tax!r} has no rate on {day}")
        return series[place - 1].rate


def assess(amounts: Iterable[tuple[str, Money]], table: TaxTable, day: date) -> list[TaxGroup]:
    """Tax rounded net amounts, given with the name of their tax, on a day; sorted by name."""
    return grouped((tax, table.rate_on(tax, day), net) for tax, net in amounts if tax != UNTAXED)


def grouped(amounts: Iterable[tuple[str, Rate, Money]]) -> list[TaxGroup]:
    """Tax rounded net amounts, given with their tax and its rate; sorted by both."""
    sums: dict[tuple[str, Rate], Money] = {}
    for tax, rate, net in amounts:
        sums[tax, rate] = sums[tax, rate] + net if (tax, rate) in sums else net
    return [
        TaxGroup(tax=tax, rate=rate, net=net, amount=rate.of(net))
        for (tax, rate), net in sorted(sums.items(), key=lambda item: item[0])
    ]


def changed_rates(table: TaxTable, offered: Iterable[TaxRate], today: date) -> list[TaxRate]:
    """Those that are new or differ.

    Raises Invalid for a rate on or before today where the tax has one in force.
    """
    changed = []
    for rate in offered:
        series = table.rates_of(rate.tax)
        if rate in series:
            continue
        in_force = series and series[0].effective_from <= today
        if in_force and rate.effective_from <= today:
            raise Invalid(
                f"taxes.{rate.tax}.{rate.effective_from}",
                f"a rate on or before {today} was charged already: date it later",
            )
        changed.append(rate)
    return changed
