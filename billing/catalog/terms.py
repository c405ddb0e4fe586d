"""The terms an offering is sold on: its periods, when they are due, what a change of mind costs.

Part of the offering, so that they never change once it is sold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from typing import Any

from billing.catalog.window import Window
from terms.calendar import days_after
from terms.errors import Invalid
from terms.schedule import MONTHLY, Interval, Schedule

TRIAL_DAYS_MAX = 366
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,39}")
_METER = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,39}")


class Timing(StrEnum):
    """When a period is charged."""

    ADVANCE = "advance"  # on its first day
    ARREARS = "arrears"  # when it is over


class Alignment(StrEnum):
    """On which day periods begin."""

    ACCOUNT = "account"  # on the bill day of whoever pays
    OWN = "own"  # on the day of the month on which it began


class Measure(StrEnum):
    """What parts of a period are counted in."""

    DAY = "day"  # local calendar days
    THIRTY = "thirty"  # days of months that have thirty each
    SECOND = "second"  # seconds between local midnights: a day of summer time may be an hour short
    WHOLE = "whole"  # nothing: what has begun costs the whole period


class When(StrEnum):
    """When a change takes effect."""

    NOW = "now"
    PERIOD_END = "period_end"  # when what is charged for is over


class Days(StrEnum):
    """What becomes of days that are not had."""

    FREE = "free"  # they are not charged, or given back
    BILLED = "billed"


class TrialClock(StrEnum):
    """What the days of a trial are."""

    LOCAL = "local"  # local days: over when clocks show the same time of day again
    HOURS = "hours"  # 24 hours each, to the second


class Counts(StrEnum):
    """What the tiers of a price count, besides the quantity that it is multiplied by."""

    NOTHING = "nothing"
    STREAMS = "streams"  # the quantity is how many may watch at once; nothing is multiplied
    BOXES = "boxes"  # the boxes that the household rents


class Billed(StrEnum):
    """When something that is bought once is billed."""

    AT_ONCE = "at_once"  # by an invoice of its own, paid from credit or charged
    CREDIT = "credit"  # at once, and sold only to who has the credit for it
    NEXT_INVOICE = "next_invoice"  # with the next invoice, at the latest on the next bill day


class SalesChannel(StrEnum):
    """Who sells something that is bought once."""

    SELF_SERVICE = "self_service"  # the subscriber itself may buy it, at the portal
    STAFF = "staff"  # nobody but staff, and programs of the operator


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """By default a calendar month in advance, from bill day to bill day, by the day.

    `last_day` is the day on which something ends: for a change of plan, `billed` lets the old plan
    have it. `unused` are charged days behind an end, `paused` those of a pause. `billed`, `window`
    and `sales_channel` are of what is bought once; `meter` counts what is used. `bundle_with` are
    offerings: while a household has one of them too, the price is the bundled one.
    """

    interval: Interval = MONTHLY
    timing: Timing = Timing.ADVANCE
    alignment: Alignment = Alignment.ACCOUNT
    measure: Measure = Measure.DAY
    upgrade: When = When.NOW
    downgrade: When = When.PERIOD_END
    cancellation: When = When.PERIOD_END
    last_day: Days = Days.FREE
    unused: Days = Days.FREE
    paused: Days = Days.FREE
    trial_days: int = 0
    trial_clock: TrialClock = TrialClock.LOCAL
    counts: Counts = Counts.NOTHING
    bundle_with: tuple[str, ...] = ()
    billed: Billed = Billed.AT_ONCE
    window: Window | None = None
    meter: str = ""
    sales_channel: SalesChannel | None = None

    @property
    def counts_from_its_begin(self) -> bool:
        """Whether it matters for the periods when something began."""
        return self.alignment is Alignment.OWN or self.interval != MONTHLY

    @property
    def depends(self) -> bool:
        """Whether what it costs depends on what else the household has."""
        return bool(self.bundle_with) or self.counts is Counts.BOXES

    def multiple(self, quantity: int) -> int:
        """Tell how often the price is charged for a quantity."""
        return 1 if self.counts is Counts.STREAMS else quantity

    def counted(self, quantity: int, boxes: int) -> int:
        """Tell which count decides about the tier."""
        if self.counts is Counts.NOTHING:
            return 1
        return quantity if self.counts is Counts.STREAMS else boxes

    def schedule(self, bill_day: int, began_on: date) -> Schedule:
        """Lay out the periods of something that began on a day."""
        is_own = self.alignment is Alignment.OWN
        return Schedule(self.interval, began_on.day if is_own else bill_day, began_on)

    def uncharged_from(self, last: date) -> date:
        """Return the first day that is not charged of what ends on a day."""
        return days_after(last, 1) if self.last_day is Days.BILLED else last

    @classmethod
    def read(cls, words: Mapping[str, str]) -> Terms:
        """Read terms by their names; what is not named is as usual. Raises Invalid."""
        given: dict[str, Any] = {}
        for name, word in words.items():
            if name not in _READERS:
                raise Invalid(name, "there is no such term")
            try:
                given[name] = read_term(name, word)
            except ValueError as error:
                raise Invalid(name, str(error)) from error
        return cls(**given)

    def unusual(self) -> dict[str, str]:
        """Write the terms that are not as usual, as `read` reads them."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            name: ";".join(value) if isinstance(value, tuple) else str(value)
            for name, value in values.items()
            if value != getattr(USUAL, name)
        }


def read_term(name: str, word: str) -> Any:
    """Read the value of one term. Raises ValueError with what it may be."""
    return _READERS[name](word)


def _one_of(kind: type[StrEnum]) -> Callable[[str], StrEnum]:
    def read(word: str) -> StrEnum:
        if word not in list(kind):
            raise ValueError(f"must be {' or '.join(kind)}")
        return kind(word)

    return read


def _trial_days(word: str) -> int:
    if not (word.isascii() and word.isdigit() and int(word) <= TRIAL_DAYS_MAX):
        raise ValueError(f"needs 0 to {TRIAL_DAYS_MAX} days")
    return int(word)


def _codes(word: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in word.split(";") if part.strip())
    if not all(_CODE.fullmatch(code) for code in found):
        raise ValueError("must be codes of offerings, separated by ;")
    return tuple(sorted(set(found)))


def _meter(word: str) -> str:
    if not _METER.fullmatch(word):
        raise ValueError("needs up to 40 letters, digits, '_', '-' or '.'")
    return word


_READERS: Mapping[str, Callable[[str], Any]] = {
    "interval": Interval.parse,
    "timing": _one_of(Timing),
    "alignment": _one_of(Alignment),
    "measure": _one_of(Measure),
    "upgrade": _one_of(When),
    "downgrade": _one_of(When),
    "cancellation": _one_of(When),
    "last_day": _one_of(Days),
    "unused": _one_of(Days),
    "paused": _one_of(Days),
    "trial_days": _trial_days,
    "trial_clock": _one_of(TrialClock),
    "counts": _one_of(Counts),
    "bundle_with": _codes,
    "billed": _one_of(Billed),
    "window": Window.parse,
    "meter": _meter,
    "sales_channel": _one_of(SalesChannel),
}
TERMS = tuple(_READERS)
USUAL = Terms()
