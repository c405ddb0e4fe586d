"""A catalogue as a document: plain words in tables, as files and callers tell it. Pure.

It says the same of equal catalogues, so that two editions can be compared word by word. Promotions
and loyalty are tables of their own, written where they are known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.catalog.model import Offering, Price, PriceBook
from billing.catalog.tiers import write_tiers
from billing.tax.model import TaxRate, TaxTable
from terms.money import Money

Row = Mapping[str, Any]  # a text, or a list of texts, by column
Document = Mapping[str, Sequence[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One publication that changed the catalogue, and the catalogue since then."""

    edition: int
    name: str
    published_at: datetime
    document: Document


def written(book: PriceBook, table: TaxTable) -> Document:
    """Write a catalogue, sorted, without what is as usual."""
    codes = sorted(book.offerings)
    prices = [price for code in codes for price in book.all_prices(code)]
    prices.sort(key=lambda one: (one.offering, one.amount.currency, one.effective_from))
    return {
        "taxes": [_rate(rate) for rate in table],
        "offerings": [_offering(book.offerings[code]) for code in codes],
        "prices": [_price(price) for price in prices],
    }


def _rate(one: TaxRate) -> Row:
    row = {
        "tax": one.tax,
        "effective_from": one.effective_from.isoformat(),
        "rate": str(one.rate),
        "jurisdiction": one.jurisdiction,
    }
    return told(row)


def _offering(one: Offering) -> Row:
    row: dict[str, Any] = {
        "code": one.code,
        "kind": one.kind.value,
        "name": one.name,
        "grants": list(one.grants),
        "tax": one.tax,
        "model": list(one.models),
    }
    return told(row | one.terms.unusual())


def _price(one: Price) -> Row:
    row = {
        "offering": one.offering,
        "effective_from": one.effective_from.isoformat(),
        "currency": one.amount.currency,
        "amount": one.amount.plain,
        "deposit": one.deposit.plain if one.deposit_minor else "",
        "lost_fee": one.lost_fee.plain if one.lost_fee_minor else "",
        "includes_tax": one.included.value if one.included else "",
        "tiers": write_tiers(one.tiers, one.amount.currency),
        "usage": str(one.usage) if one.usage else "",
        "minimum": _minor(one.minimum_minor, one) if one.minimum_minor else "",
        "bundled": "" if one.bundled_minor is None else _minor(one.bundled_minor, one),
    }
    return told(row)


def _minor(amount_minor: int, one: Price) -> str:
    return Money(amount_minor, one.amount.currency).plain


def told(row: Mapping[str, Any]) -> Row:
    """Leave out what is as usual."""
    return {name: value for name, value in row.items() if value}
