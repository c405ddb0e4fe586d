"""Tills and shifts: what is in a drawer, what was counted, and whether one person may say so. Pure.

What should be in a drawer is what was put into it less what was taken out, currency by currency;
what is counted besides is over, what is missing is short.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from terms.errors import Forbidden, Invalid, InvalidTransition
from terms.ids import AccountId
from terms.money import Money

CASH = "cash"  # the provider of money that is put on the table
SERIES = "RCT"  # of receipts
NAME_CHARS_MAX = 30
PLACE_CHARS_MAX = 120
REASON_CHARS_MAX = 254
BY_CHARS_MAX = 80
ENTRIES_MAX = 5_000  # of a shift
CURRENCIES_MAX = 10  # in a drawer
AMOUNT_MINOR_MAX = 10**13
PRINTS_MAX = 100  # of a receipt


class NoShift(InvalidTransition):
    """There are tills, and whoever takes or gives cash has no open shift at one."""


class EntryKind(StrEnum):
    """Why money went into a drawer or out of it."""

    FLOAT = "float"  # was in it when the shift began
    TAKEN = "taken"  # paid by a household
    GIVEN = "given"  # given back to a household
    PAID_IN = "paid_in"  # brought from the safe
    PAID_OUT = "paid_out"  # brought to the safe


class ShiftState(StrEnum):
    """What may still be done in a shift."""

    OPEN = "open"  # money is taken and given
    COUNTED = "counted"  # more differs than one person may say: a second one looks
    CLOSED = "closed"  # for good


_S = ShiftState
ALLOWED: Mapping[ShiftState, frozenset[ShiftState]] = {
    _S.OPEN: frozenset({_S.COUNTED, _S.CLOSED}),
    # Open again where it is to be counted again.
    _S.COUNTED: frozenset({_S.OPEN, _S.CLOSED}),
    _S.CLOSED: frozenset(),
}


def step(state: ShiftState, to: ShiftState) -> ShiftState:
    """Take a step of the table. Raises InvalidTransition."""
    if to not in ALLOWED[state]:
        raise InvalidTransition(f"a shift that is {state} does not become {to}")
    return to


@dataclass(frozen=True, slots=True, kw_only=True)
class Till:
    """A place at which cash is taken. One cashier alone may say so much of a difference."""

    name: str
    place: str
    tolerance_minor: int
    is_retired: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One cashier at one till, from opening to closing; the n-th of its till."""

    id: str
    till: str
    n: int
    cashier: str
    state: ShiftState
    opened_at: datetime
    entries: int
    counted_at: datetime | None = None
    counted_by: str = ""
    closed_at: datetime | None = None
    closed_by: str = ""

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.till}-{self.n}"


class Counted(NamedTuple):
    """One currency of a drawer: what should be in it, and what is."""

    expected: Money
    counted: Money

    @property
    def difference(self) -> Money:
        """More than nothing is over, less is short."""
        return self.counted - self.expected


class ReceiptKind(StrEnum):
    """What a receipt is for."""

    PAYMENT = "payment"
    REFUND = "refund"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a household is handed for cash that it has paid, or was given back."""

    number: str
    kind: ReceiptKind
    account: AccountId
    amount: Money
    reference: str
    cashier: str
    shift: str
    issued_on: date
    issued_at: datetime


def expected(entries: Iterable[Money]) -> dict[str, Money]:
    """Add up what went in and out, by currency."""
    sums: dict[str, Money] = {}
    for one in entries:
        sums[one.currency] = sums.get(one.currency, Money(0, one.currency)) + one
    return sums


def compare(drawer: Mapping[str, Money], counts: Sequence[Money]) -> list[Counted]:
    """Set what was counted beside what should be there.

    Raises Invalid where a currency is counted twice, not at all, or as less than nothing.
    """
    found = {one.currency: one for one in counts}
    if len(found) < len(counts):
        raise Invalid("counts", "a currency is counted twice")
    if missing := sorted(set(drawer) - set(found)):
        raise Invalid("counts", f"count the {' and the '.join(missing)} too")
    for one in counts:
        if not 0 <= one.amount_minor <= AMOUNT_MINOR_MAX:
            raise Invalid("counts", "what is counted is an amount, nothing at least")
    return [
        Counted(drawer.get(currency, Money(0, currency)), found[currency])
        for currency in sorted(found)
    ]


def needs_second(counted: Iterable[Counted], tolerance_minor: int) -> bool:
    """Whether more is over or short than one person may say, in any currency."""
    return any(abs(one.difference.amount_minor) > tolerance_minor for one in counted)


def check_second(shift: Shift, by: str) -> None:
    """Raise Forbidden where somebody would say yes to their own count or drawer."""
    if by in (shift.cashier, shift.counted_by):
        raise Forbidden(f"shift {shift.name} needs a second person: not who sat there or counted")


def check_amount(amount: Money, field: str = "amount") -> Money:
    """Return an amount that may go into a drawer or out of it. Raises Invalid."""
    if not 0 < amount.amount_minor <= AMOUNT_MINOR_MAX:
        raise Invalid(field, "must be more than nothing, and not absurdly large")
    return amount
