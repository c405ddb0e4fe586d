"""What else a household has while it has something, where the price of that depends on it. Pure.

A situation lasts from a day on until the next: how many boxes are rented, and whether anything of
the bundle is had. A part of a period is charged by the situation in which it begins, so parts are
cut where situations change, and each costs its share like after any other change.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple

from billing.catalog.model import PriceBook
from billing.rating.model import Charge
from terms.calendar import Period
from terms.money import Money

Span = tuple[date, date | None]


class Situation(NamedTuple):
    """How many boxes there are from a day on, and whether the bundle holds."""

    from_on: date
    boxes: int = 0
    is_bundled: bool = False


Situations = tuple[Situation, ...]
ALONE = Situation(date.min)


def situations(boxes: Sequence[Span], bundle: Sequence[Span], first: date) -> Situations:
    """Lay out the situations from a day on; what was before it is left out."""
    bounds = {day for span in (*boxes, *bundle) for day in span if day and day > first}
    found: list[Situation] = []
    for day in (first, *sorted(bounds)):
        here = Situation(
            date.min if day == first else day,
            sum(_lasts(span, day) for span in boxes),
            any(_lasts(span, day) for span in bundle),
        )
        if not found or found[-1][1:] != here[1:]:
            found.append(here)
    return tuple(found)


def _lasts(span: Span, day: date) -> bool:
    return span[0] <= day and (span[1] is None or day < span[1])


def on(found: Situations, day: date) -> Situation:
    """Find the situation on a day."""
    place = bisect_right(found, day, key=lambda one: one.from_on)
    return found[place - 1] if place else ALONE


def since(found: Situations, first: date) -> Situations:
    """Leave out what is over before a day, so that more wishes are alike."""
    here = on(found, first)
    later = tuple(one for one in found if one.from_on > first)
    return (here._replace(from_on=date.min), *later)


def cut(parts: Iterable[Period], found: Situations) -> Iterator[Period]:
    """Cut parts where situations change."""
    for part in parts:
        start = part.start
        for one in found:
            if start < one.from_on < part.end:
                yield Period(start, one.from_on)
                start = one.from_on
        yield Period(start, part.end)


def rate_in(book: PriceBook, charge: Charge, situation: Situation) -> Money:
    """Tell the rate a charge would have, by its own price, in a situation."""
    price = book.price_on(charge.offering, charge.rate.currency, charge.price_from)
    terms = book.offering(charge.offering).terms
    return price.rate(terms, charge.quantity, situation.boxes, is_bundled=situation.is_bundled)


def charged_rightly(
    book: PriceBook, charge: Charge, held: Iterable[Period], found: Situations
) -> list[Period]:
    """List the days of a charge that were charged by the situation they are in."""
    return [
        part
        for part in cut(held, found)
        if rate_in(book, charge, on(found, part.start)) == charge.rate
    ]
