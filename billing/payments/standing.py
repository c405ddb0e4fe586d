"""How an invoice stands, by what is owed of it. Pure."""

from __future__ import annotations

from enum import StrEnum

from terms.money import Money


class Standing(StrEnum):
    """Whether an invoice is paid."""

    OPEN = "open"
    PARTLY_PAID = "partly_paid"
    PAID = "paid"


def standing(total: Money, owed: Money) -> Standing:
    """Tell how an invoice stands. Raises ValueError where more is owed than it came to."""
    if owed > total:
        raise ValueError("more is owed than the invoice came to")
    if owed.amount_minor <= 0:
        return Standing.PAID
    return Standing.OPEN if owed == total else Standing.PARTLY_PAID
