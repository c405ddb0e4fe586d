"""Postings and their entries: double entry, summing to zero per currency, never changed.

A debit is positive, a credit negative. The party says whose part of a book an entry is in: the
account that owes, the provider that holds the cash, the tax that is due.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from terms.ids import AccountId
from terms.money import Money

ENTRIES_MIN = 2


class Book(StrEnum):
    """The accounts of the ledger. (The word account is taken by our customers.)"""

    RECEIVABLE = "receivable"  # party: the account that owes us
    CREDIT = "credit"  # party: the account whose money is not used yet
    DEPOSIT = "deposit"  # party: the account whose deposits we hold and will give back
    CLEARING = "clearing"  # party: the provider, or the cash desk, that holds the money
    REVENUE = "revenue"
    DEFERRED = "deferred"  # charged for days to come: revenue once they are over
    WRITE_OFF = "write_off"  # owed, and given up as uncollectible
    LOYALTY = "loyalty"  # party: the account whose points we owe, at their worth
    VOUCHERS = "vouchers"  # party: the batch of what was redeemed, which its dealer owes
    PROMOTION = "promotion"  # given away: points that were earned, credit for a referral
    FEES = "fees"  # party: the provider that kept them, for disputes
    TAX = "tax"  # party: the tax
    SUSPENSE = "suspense"  # party: our bank account; money that is nobody's yet
    BANK_CHARGES = "bank_charges"  # party: the provider `bank`; what a bank takes for its work
    OVER_SHORT = "over_short"  # party: the till whose drawer had more or less in it than it should
    OUTSIDE = "outside"  # passes over our bank account, and is no customer's


class PostingKind(StrEnum):
    """What happened."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    PAYMENT = "payment"
    REVERSAL = "reversal"
    FEE = "fee"  # a provider kept it
    CREDIT_USED = "credit_used"
    EARNED = "earned"  # deferred revenue of a month that is over
    WRITE_OFF = "write_off"
    RECOVERED = "recovered"  # paid after all that it was written off
    POINTS = "points"  # earned, taken back or expired
    DRAWER = "drawer"  # what was over or short in a till's drawer
    BANK = "bank"  # of a bank statement: into suspense, out of it, or no customer's


class Entry(NamedTuple):
    """One side of a posting."""

    book: Book
    party: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One event in money. Its id is derived from its cause, so that it is booked once.

    Raises ValueError when it has fewer than two entries in a currency or does not balance.
    """

    id: str
    kind: PostingKind
    account: AccountId
    on: date
    at: datetime
    entries: Sequence[Entry]

    def __post_init__(self) -> None:
        sums: dict[str, int] = {}
        counts: dict[str, int] = {}
        for entry in self.entries:
            currency = entry.amount.currency
            sums[currency] = sums.get(currency, 0) + entry.amount.amount_minor
            counts[currency] = counts.get(currency, 0) + 1
        if not counts or min(counts.values()) < ENTRIES_MIN:
            raise ValueError(f"posting {self.id} has fewer than {ENTRIES_MIN} entries")
        if any(sums.values()):
            raise ValueError(f"posting {self.id} does not balance")


def entries(*sides: tuple[Book, str, Money]) -> list[Entry]:
    """Make entries of the sides that are not zero."""
    return [Entry(book, party, amount) for book, party, amount in sides if amount.amount_minor]
