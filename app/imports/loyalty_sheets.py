"""The two sheets of what is given for loyalty: what a row of each is made of."""

from __future__ import annotations

from dataclasses import dataclass

from app.imports import cells
from app.imports.sheet import Column, Sheet
from billing.loyalty.model import MONTHS_MAX
from terms.money import Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class LoyaltyRow:
    """What is given for bringing a household, and how long points last. There is one such row.

    Amounts stay text until the currency is known.
    """

    line: int
    referral: str
    months: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TierRow:
    """Who has paid so much within a year earns this share of what is paid next."""

    line: int
    name: str
    from_paid: str
    earns: Rate


LOYALTY = Sheet(
    file="loyalty.csv",
    columns=(
        Column(name="referral", read=cells.amount_text, empty=""),
        Column(name="months", read=cells.whole(1, MONTHS_MAX), empty=None),
    ),
    make=LoyaltyRow,
    key=(),
    named=(),
)

LOYALTY_TIERS = Sheet(
    file="loyalty_tiers.csv",
    columns=(
        Column(name="name", read=cells.text_of(40)),
        Column(name="from_paid", read=cells.amount_text, empty=""),
        Column(name="earns", read=cells.rate),
    ),
    make=TierRow,
    key=("name",),
    named=(),
)
