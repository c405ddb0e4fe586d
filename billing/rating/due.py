"""What has become due of an offering by a day, and when more of it does. Pure.

Most subjects of a bill run ask the same: what was found for one is kept for all others, as long as
the edition of the catalogue lasts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from billing.catalog.model import PriceBook
from billing.catalog.terms import Measure, Terms, Timing
from billing.rating.coverage import less, within
from billing.rating.measure import OURS, Leading, Manner, share
from billing.rating.model import Charge, LineKind
from billing.rating.situation import ALONE, Situations, cut, on
from terms.calendar import Period
from terms.errors import Invalid
from terms.money import Money
from terms.schedule import Schedule

PERIODS_MAX = 600  # fifty years of months: more is a broken date, not a debt
KNOWN_MAX = 20_000


class Wish(NamedTuple):
    """An offering from the first day on that is not charged yet, up to `until`, less the `rests`.

    `began_on` is where its periods are counted from; it and `zone` are left out where the terms of
    the offering do not ask for them, so that more wishes are alike; so are the situations.
    """

    kind: LineKind
    offering: str
    currency: str
    bill_day: int
    first: date
    until: date | None
    began_on: date | None = None
    zone: str = ""
    quantity: int = 1
    rests: tuple[Period, ...] = ()
    situations: Situations = ()


class Due(NamedTuple):
    """The charges of a wish that are due by a day, and the next day on which one is."""

    charges: tuple[Charge, ...]
    next_on: date | None


class Rates:
    """A price book that is asked the same again and again."""

    def __init__(self, book: PriceBook) -> None:
        self.book = book
        self._known: dict[tuple[Wish, date], Due] = {}
        self._periods: dict[tuple[str, int, date, date], Period] = {}

    def due(self, wish: Wish, today: date) -> Due:
        """Tell what is due of a wish by a day. Raises NotFound where a price is missing."""
        asked = wish, today
        found = self._known.get(asked)
        if found is None:
            if len(self._known) >= KNOWN_MAX:
                self._known.clear()
            found = self._known[asked] = due(self.book, wish, today)
        return found

    def period_of(self, offering: str, bill_day: int, began_on: date, day: date) -> Period:
        """Find the whole period of an offering that contains a day."""
        terms = self.book.offerings[offering].terms
        asked = offering, bill_day, began_on if terms.counts_from_its_begin else day, day
        found = self._periods.get(asked)
        if found is None:
            if len(self._periods) >= KNOWN_MAX:
                self._periods.clear()
            schedule = terms.schedule(bill_day, asked[2])
            found = self._periods[asked] = schedule.containing(day)
        return found


def due(book: PriceBook, wish: Wish, today: date, manner: Manner = OURS) -> Due:
    """Tell what is due of a wish by a day.

    Raises NotFound where a price is missing, Invalid for more than PERIODS_MAX periods.
    """
    terms = book.offering(wish.offering).terms
    charges: list[Charge] = []
    for part, whole in _parts(wish, terms):
        if _due_on(part, whole, wish, terms) > today:
            return Due(tuple(charges), _due_on(part, whole, wish, terms))
        charges.append(_charge(book, wish, manner, part, whole))
    return Due(tuple(charges), None)


def schedule_of(wish: Wish, terms: Terms) -> Schedule:
    """Lay out the periods of a wish."""
    return terms.schedule(wish.bill_day, wish.began_on or wish.first)


def _parts(wish: Wish, terms: Terms) -> Iterator[tuple[Period, Period]]:
    """Walk the parts of a wish, each with the period it belongs to, as long as it lasts."""
    schedule = schedule_of(wish, terms)
    whole = schedule.containing(wish.first)
    for _ in range(PERIODS_MAX):
        part = within(wish.first, wish.until, whole)
        if part is None:
            return
        if terms.measure is Measure.WHOLE:
            yield Period(part.start, whole.end), whole
        else:
            pieces: Iterable[Period] = less([part], wish.rests) if wish.rests else (part,)
            for piece in cut(pieces, wish.situations) if wish.situations else pieces:
                yield piece, whole
        whole = schedule.after(whole)
    raise Invalid("start", f"{wish.offering} would be charged for more than {PERIODS_MAX} periods")


def _due_on(part: Period, whole: Period, wish: Wish, terms: Terms) -> date:
    if terms.timing is Timing.ADVANCE:
        return part.start
    return part.end if part.end == wish.until else whole.end


def _charge(book: PriceBook, wish: Wish, manner: Manner, part: Period, whole: Period) -> Charge:
    price = book.price_on(wish.offering, wish.currency, part.start)
    terms = book.offering(wish.offering).terms
    schedule = schedule_of(wish, terms)
    if manner.leading is Leading.STEPPED and whole.start < part.start and part.end == whole.end:
        whole = schedule.stepped_back(whole.end)
    measured = share(part, whole, terms.measure, schedule, wish.zone)
    here = on(wish.situations, part.start) if wish.situations else ALONE
    rate = price.rate(terms, wish.quantity, here.boxes, is_bundled=here.is_bundled)
    return Charge(
        kind=wish.kind,
        offering=wish.offering,
        price_from=price.effective_from,
        period=part,
        measure=terms.measure,
        share=measured,
        quantity=wish.quantity,
        rate=rate,
        amount=Money(measured.part(rate.amount_minor, manner.cut), wish.currency),
        tax=book.offering(wish.offering).tax,
        included=price.included,
    )
