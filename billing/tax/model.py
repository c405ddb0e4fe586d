"""Effective-dated tax rates of each jurisdiction, and what of an invoice is taxed by which.

A jurisdiction is named by ISO 3166, such as `DE` or `US-NY`; the operator's own has no name here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from billing.tax.levels import Level
from terms.errors import Invalid, NotFound
from terms.money import Money, Rate

UNTAXED = ""  # the tax of what is not taxed at all, such as a deposit
HOME = ""  # the operator's own jurisdiction


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRate:
    """The rate of one tax in a jurisdiction from a day on."""

    tax: str
    effective_from: date
    rate: Rate
    jurisdiction: str = HOME

    @property
    def name(self) -> str:
        """The tax as people and the books call it, with where it is raised if that is abroad."""
        return named(self.tax, self.jurisdiction)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxGroup:
    """The lines of one tax and rate: their net sum and its tax, rounded once at a level."""

    tax: str
    rate: Rate
    net: Money
    amount: Money
    jurisdiction: str = HOME
    level: Level = Level.GROUP

    @property
    def name(self) -> str:
        """The tax as people and the books call it, with where it is raised if that is abroad."""
        return named(self.tax, self.jurisdiction)


def abroad(jurisdiction: str, country: str) -> str:
    """Name a jurisdiction as it is kept for an operator of a country."""
    return HOME if jurisdiction == country else jurisdiction


def named(tax: str, jurisdiction: str) -> str:
    """Name a tax with where it is raised, if that is abroad."""
    return f"{tax} {jurisdiction}" if jurisdiction else tax


@dataclass(frozen=True, slots=True)
class TaxTable:
    """All rates, ready to be asked."""

    _series: Mapping[tuple[str, str], Sequence[TaxRate]] = field(default_factory=dict)

    @classmethod
    def of(cls, rates: Iterable[TaxRate]) -> TaxTable:
        """Sort rates into a table."""
        series: dict[tuple[str, str], list[TaxRate]] = {}
        for rate in sorted(rates, key=lambda rate: rate.effective_from):
            series.setdefault((rate.tax, rate.jurisdiction), []).append(rate)
        return cls(series)

    def __iter__(self) -> Iterator[TaxRate]:
        for key in sorted(self._series):
            yield from self._series[key]

    @property
    def taxes(self) -> frozenset[str]:
        """The names of all taxes that are raised at home."""
        return frozenset(tax for tax, jurisdiction in self._series if jurisdiction == HOME)

    @property
    def jurisdictions(self) -> frozenset[str]:
        """Where any tax is raised."""
        return frozenset(jurisdiction for _, jurisdiction in self._series)

    def rates_of(self, tax: str, jurisdiction: str = HOME) -> Sequence[TaxRate]:
        """All rates of a tax in a jurisdiction, the oldest first."""
        return self._series.get((tax, jurisdiction), ())

    def gaps(self, taxes: Iterable[str]) -> list[str]:
        """Name the taxes that have no rate in a jurisdiction in which any tax has one."""
        return [
            named(tax, jurisdiction)
            for tax in sorted(taxes)
            for jurisdiction in sorted(self.jurisdictions)
            if not self.rates_of(tax, jurisdiction)
        ]

    def check(self, jurisdiction: str) -> None:
        """Raise Invalid for a jurisdiction in which no tax has a rate."""
        if jurisdiction not in {HOME, *self.jurisdictions}:
            raise Invalid("jurisdiction", f"no tax has a rate in {jurisdiction}")

    def rate_on(self, tax: str, day: date, jurisdiction: str = HOME) -> Rate:
        """Find the rate in force on a day. Raises NotFound where there is none yet."""
        series = self._series.get((tax, jurisdiction), ())
        place = bisect_right(series, day, key=lambda rate: rate.effective_from)
        if not place:
            where = f" in {jurisdiction}" if jurisdiction else ""
            raise NotFound(f"the tax {tax!r} has no rate{where} on {day}")
        return series[place - 1].rate


def changed_rates(table: TaxTable, offered: Iterable[TaxRate], today: date) -> list[TaxRate]:
    """Those that are new or differ.

    Raises Invalid for a rate on or before today where the tax has one in force there.
    """
    changed = []
    for rate in offered:
        series = table.rates_of(rate.tax, rate.jurisdiction)
        if rate in series:
            continue
        in_force = series and series[0].effective_from <= today
        if in_force and rate.effective_from <= today:
            raise Invalid(
                f"taxes.{rate.name}.{rate.effective_from}",
                f"a rate on or before {today} was charged already: date it later",
            )
        changed.append(rate)
    return changed
