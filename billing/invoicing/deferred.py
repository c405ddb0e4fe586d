"""What is given back of a line takes what is deferred of it first. Pure.

Whoever settles asks for the newest credit, whoever earns a month for all of it: both are told the
same, since each part follows from those before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from billing.ledger.deferral import Part, left_between, unearned, unearned_part
from billing.rating.coverage import less
from terms.calendar import Period
from terms.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """A line whose net was deferred, by the days of its period, when it was booked."""

    period: Period
    net: Money
    booked_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """What was given back of a line: for days of it, or as goodwill, which is for all it holds.

    `on` is the day on which that took of what is deferred; none where it did not, or where nobody
    asks for its part.
    """

    net: Money
    period: Period
    is_goodwill: bool
    on: date | None


def parts_of(line: Deferred, backs: Iterable[Back]) -> list[Part | None]:
    """Tell of each of these, in the order they were given, what it took of what is deferred.

    Goodwill lowers what is deferred for each day that the line still holds, and is not earned yet,
    by the same. Days that are given back leave nothing deferred.
    """
    gifts: list[Part] = []
    gone: list[Period] = []
    found: list[Part | None] = []
    for back in backs:
        part = _gift(line, back, gifts, gone) if back.is_goodwill else _days(line, back, gifts)
        if back.is_goodwill:
            gifts += [part] if part else []
        else:
            gone.append(back.period)
        found.append(part)
    return found


def _gift(line: Deferred, back: Back, gifts: Sequence[Part], gone: Sequence[Period]) -> Part | None:
    """Of days with a gap between them only those behind it are looked at: others are soon over."""
    held = list(less([line.period], gone))
    if back.on is None or not held:
        return None
    still = unearned(held[-1], line.period.end, line.booked_on, back.on)
    if still is None:
        return None
    share = back.net.portion(still.days, sum(one.days for one in held))
    return _part(min(share, _left(line, gifts, still)), still)


def _days(line: Deferred, back: Back, gifts: Sequence[Part]) -> Part | None:
    if back.on is None:
        return None
    still = unearned(back.period, line.period.end, line.booked_on, back.on)
    if still is None:
        return None
    left = _left(line, gifts, still)
    if not any(gift.period.overlap(still) for gift in gifts):
        left = min(left, unearned_part(back.net, back.period, still))
    return _part(left, still)


def _left(line: Deferred, gifts: Sequence[Part], still: Period) -> Money:
    """Tell what is deferred for days that are not earned yet, of which goodwill took some."""
    return Money(left_between(line.net, line.period, gifts, still), line.net.currency)


def _part(amount: Money, period: Period) -> Part | None:
    return Part(amount, period) if amount.amount_minor > 0 else None
