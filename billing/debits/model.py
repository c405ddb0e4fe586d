"""Direct debits: a creditor, mandates, debits and batches of them. Pure.

A mandate is a payment method; a debit carries one attempt to the bank. Nothing is sent from here:
a person hands a batch to the bank.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from billing.debits import days
from terms.calendar import days_after
from terms.errors import Invalid, InvalidTransition
from terms.money import Money

CURRENCY = "EUR"
NOTICE_DAYS_MAX, LEAD_DAYS_MAX, CLEAR_DAYS_MAX = 60, 14, 40
UNUSED_MONTHS = 36  # a mandate that was not used for so long is over
EXPIRED, USED = "expired", "used"
MINOR_MAX = 99_999_999_999  # of one debit: 999,999,999.99
LAST_HOUR = 23


class Sequence(StrEnum):
    """Which debit of its mandate one is."""

    FIRST = "FRST"
    AGAIN = "RCUR"
    ONCE = "OOFF"


class DebitState(StrEnum):
    """How far a debit is."""

    ANNOUNCED = "announced"  # the payer knows amount and day; it is in no batch
    DROPPED = "dropped"  # it was paid otherwise, or its mandate ended, before it was in a batch
    PRESENTED = "presented"  # in a batch
    BOOKED = "booked"  # nothing came back in time: the money counts as paid
    RETURNED = "returned"  # it was refused, or went back


_S = DebitState
ALLOWED: Mapping[DebitState, frozenset[DebitState]] = {
    _S.ANNOUNCED: frozenset({_S.DROPPED, _S.PRESENTED}),
    _S.DROPPED: frozenset(),
    # Dropped where its batch is withdrawn before the bank has it.
    _S.PRESENTED: frozenset({_S.BOOKED, _S.RETURNED, _S.DROPPED}),
    _S.BOOKED: frozenset({_S.RETURNED}),
    _S.RETURNED: frozenset(),
}


def step(state: DebitState, to: DebitState) -> DebitState:
    """Take a step of the table. Raises InvalidTransition."""
    if to not in ALLOWED[state]:
        raise InvalidTransition(f"a debit does not go from {state} to {to}")
    return to


@dataclass(frozen=True, slots=True, kw_only=True)
class Creditor:
    """Who collects, and by which rules. Raises Invalid for rules that make no sense.

    A payer is told `notice_days` before. The bank wants a batch `lead_days` business days before,
    until `cut_off_hour`; nothing came back when `clear_days` business days have passed after it.
    `says_first`: the bank wants the first debit of a mandate called so.
    """

    identifier: str
    name: str
    iban: str
    bic: str = ""
    zone: str = "UTC"
    notice_days: int = 14
    lead_days: int = 1
    cut_off_hour: int = 12
    clear_days: int = 5
    says_first: bool = False

    def __post_init__(self) -> None:
        for field, value, least, most in (
            ("notice_days", self.notice_days, 1, NOTICE_DAYS_MAX),
            ("lead_days", self.lead_days, 1, LEAD_DAYS_MAX),
            ("cut_off_hour", self.cut_off_hour, 0, LAST_HOUR),
            ("clear_days", self.clear_days, 0, CLEAR_DAYS_MAX),
        ):
            if not least <= value <= most:
                raise Invalid(field, f"from {least} to {most}")

    def earliest(self, today: date, hour: int) -> date:
        """Tell the first day for which a batch that is handed in now is taken."""
        is_late = hour >= self.cut_off_hour or not days.is_open(today)
        begins = days.first_open(days_after(today, 1) if is_late else today)
        return days.open_after(begins, self.lead_days)

    def announced_for(self, today: date) -> date:
        """Tell the day of a debit that is announced today."""
        least = days.open_after(today, self.lead_days)
        return max(days.first_open(days_after(today, self.notice_days)), least)

    def cleared_on(self, collect_on: date) -> date:
        """Tell the day on which a debit counts as paid."""
        return days.open_after(collect_on, self.clear_days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One debit as it is written into a file. Its `mark` comes back with whatever follows."""

    mark: str
    amount: Money
    reference: str
    signed_on: date
    is_amended: bool
    sequence: Sequence
    holder: str
    iban: str
    text: str


def is_expired(signed_on: date, used_on: date | None, today: date) -> bool:
    """Whether a mandate was not used for too long."""
    last = max(signed_on, used_on or signed_on)
    month = last.month - 1 + UNUSED_MONTHS
    year, month = last.year + month // 12, month % 12 + 1
    # Counted in whole months; a day that a month does not have is its last one.
    return (today.year, today.month, today.day) > (year, month, last.day)


def sequence_of(*, is_once: bool, is_first: bool, says_first: bool) -> Sequence:
    """Tell which debit of its mandate one is."""
    if is_once:
        return Sequence.ONCE
    return Sequence.FIRST if is_first and says_first else Sequence.AGAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """That a debit was refused or went back, or all of a batch: by our mark, with the bank's code.

    Without an amount it is all of it.
    """

    mark: str
    code: str
    amount: Money | None = None
    is_batch: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclear:
    """That a report says of a debit, or of all of a batch, what nobody understands."""

    mark: str
    said: str
    is_batch: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a bank says: what was refused or went back, and what of it is not understood."""

    back: tuple[Back, ...]
    unclear: tuple[Unclear, ...] = ()
