"""What of the amounts of an invoice is net and what is tax, by the operator's level. Pure.

Amounts are rounded before they come here. Each bears a part of the tax, by what is reached with it,
so that all parts sum to what was charged; one that includes its tax is taken apart and stays what
it was. Most invoices are alike: what was found for one is kept as long as an edition lasts.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from billing.tax.levels import Inclusive, Level, Split, reached
from billing.tax.model import HOME, UNTAXED, TaxGroup, TaxTable
from terms.money import Money, Rate

KNOWN_MAX = 20_000


class Taxable(NamedTuple):
    """An amount under a tax; `included` says how it is taken apart where it includes its tax."""

    tax: str
    amount_minor: int
    included: Inclusive | None = None


class Where(NamedTuple):
    """In which currency, in which jurisdiction and on which day something is taxed."""

    currency: str
    day: date
    jurisdiction: str = HOME


@dataclass(frozen=True, slots=True)
class Assessed:
    """Amounts taken apart one by one, their groups by tax, and the sums of all."""

    splits: tuple[Split, ...]
    groups: tuple[TaxGroup, ...]
    net: Money
    tax: Money


class Assessor:
    """Tax rates and the operator's level, asked the same again and again."""

    def __init__(self, table: TaxTable, level: Level = Level.GROUP) -> None:
        self.table = table
        self.level = level
        self._known: dict[tuple[Where, tuple[Taxable, ...]], Assessed] = {}

    def assess(self, amounts: tuple[Taxable, ...], where: Where) -> Assessed:
        """Tax amounts. Raises NotFound where a tax has no rate there on that day."""
        asked = where, amounts
        found = self._known.get(asked)
        if found is None:
            if len(self._known) >= KNOWN_MAX:
                self._known.clear()
            rates = {
                one.tax: self.table.rate_on(one.tax, where.day, where.jurisdiction)
                for one in amounts
                if one.tax != UNTAXED
            }
            found = self._known[asked] = assess(amounts, rates, where, self.level)
        return found

    def gross(self, one: Taxable, where: Where) -> Money:
        """Tell what an amount comes to with its tax where it is taxed by itself.

        Raises NotFound where its tax has no rate there on that day.
        """
        found = self.assess((one,), where)
        return found.net + found.tax


def assess(
    amounts: Sequence[Taxable],
    rates: Mapping[str, Rate],
    where: Where,
    level: Level = Level.GROUP,
) -> Assessed:
    """Tax amounts at the rates of their taxes; what is untaxed is in no group."""
    taxes = [0] * len(amounts)
    for places in _rounded_once(amounts, level):
        pairs = [(rates[amounts[n].tax], amounts[n].amount_minor) for n in places]
        for n, tax in zip(places, reached(pairs, amounts[places[0]].included), strict=True):
            taxes[n] = tax
    splits = tuple(
        Split(
            Money(one.amount_minor - (0 if one.included is None else tax), where.currency),
            Money(tax, where.currency),
        )
        for one, tax in zip(amounts, taxes, strict=True)
    )
    return Assessed(
        splits=splits,
        groups=_groups(amounts, splits, rates, where, level),
        net=Money(sum(one.net.amount_minor for one in splits), where.currency),
        tax=Money(sum(taxes), where.currency),
    )


def _rounded_once(amounts: Sequence[Taxable], level: Level) -> list[list[int]]:
    """List the places of amounts whose tax is rounded once for all of them."""
    together: dict[Hashable, list[int]] = {}
    for n, one in enumerate(amounts):
        if one.tax != UNTAXED:
            what: Hashable = {Level.LINE: n, Level.GROUP: one.tax, Level.DOCUMENT: None}[level]
            together.setdefault((what, one.included), []).append(n)
    return list(together.values())


def _groups(
    amounts: Sequence[Taxable],
    splits: Sequence[Split],
    rates: Mapping[str, Rate],
    where: Where,
    level: Level,
) -> tuple[TaxGroup, ...]:
    groups = []
    for tax in sorted(rates):
        mine = [part for one, part in zip(amounts, splits, strict=True) if one.tax == tax]
        groups.append(
            TaxGroup(
                tax=tax,
                rate=rates[tax],
                net=Money(sum(one.net.amount_minor for one in mine), where.currency),
                amount=Money(sum(one.tax.amount_minor for one in mine), where.currency),
                jurisdiction=where.jurisdiction,
                level=level,
            )
        )
    return tuple(groups)
