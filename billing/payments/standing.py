"""How an invoice stands, by what is owed of it and what a person has decided about it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
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


class InvoiceState(StrEnum):
    """How far an invoice is. A draft is what a preview shows: it is not written down."""

    DRAFT = "draft"
    FINALISED = "finalised"  # nothing of it is paid yet
    PARTLY_PAID = "partly_paid"
    PAID = "paid"
    VOID = "void"  # a person has called it so: all of it is given back
    UNCOLLECTIBLE = "uncollectible"  # what was left of it is written off


# Money that goes back opens an invoice again; nothing leads away from void.
_MONEY = {InvoiceState.FINALISED, InvoiceState.PARTLY_PAID, InvoiceState.PAID}
_DECIDED = {InvoiceState.VOID, InvoiceState.UNCOLLECTIBLE}
MAY_FOLLOW: Mapping[InvoiceState, frozenset[InvoiceState]] = {
    # One of nothing, or that is covered by what stands to credit, is paid as it is written.
    InvoiceState.DRAFT: frozenset(_MONEY),
    InvoiceState.FINALISED: frozenset(_MONEY | _DECIDED),
    InvoiceState.PARTLY_PAID: frozenset(_MONEY | _DECIDED),
    InvoiceState.PAID: frozenset(_MONEY | {InvoiceState.VOID}),
    InvoiceState.UNCOLLECTIBLE: frozenset(_MONEY | _DECIDED),
    InvoiceState.VOID: frozenset({InvoiceState.VOID}),
}


def state_of(
    total: Money, owed: Money, *, is_void: bool, is_written_off: bool = False
) -> InvoiceState:
    """Tell how far a written invoice is.

    Written off is only what nothing is owed of any more: money that went back opens it again.
    """
    if is_void:
        return InvoiceState.VOID
    if is_written_off and owed.amount_minor <= 0:
        return InvoiceState.UNCOLLECTIBLE
    return _STATES[standing(total, owed)]


_STATES = {
    Standing.OPEN: InvoiceState.FINALISED,
    Standing.PARTLY_PAID: InvoiceState.PARTLY_PAID,
    Standing.PAID: InvoiceState.PAID,
}
