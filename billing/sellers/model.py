"""Who sells, by law, from a day on: a document names whoever it was on the day of the document.
Pure.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from terms.calendar import YEARS
from terms.errors import Invalid

ADDRESS_LINES_MAX = 4
ALWAYS = date(YEARS[0], 1, 1)  # the day of whoever has sold since ever


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """A firm, or a person, with the number that its taxes are raised by.

    `register` says where it is entered, and as what; empty where it is nowhere.
    """

    name: str
    address: tuple[str, ...]
    tax_number: str
    register: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """All of it, line by line, as it stands on paper."""
        register = (self.register,) if self.register else ()
        return (self.name, *self.address, f"Tax number {self.tax_number}", *register)


@dataclass(frozen=True, slots=True)
class Sellers:
    """All that were told, by the day from which each sells."""

    by_day: Mapping[date, Seller] = field(default_factory=dict)

    def on(self, day: date) -> Seller | None:
        """Find who sells on a day; None where nobody was told for it."""
        days = sorted(self.by_day)
        place = bisect_right(days, day)
        return self.by_day[days[place - 1]] if place else None


def changed_sellers(known: Sellers, told: Mapping[date, Seller], today: date) -> dict[date, Seller]:
    """Those that are new or differ, by their first day.

    Raises Invalid for one from today or earlier on where somebody sells already.
    """
    changed = {day: one for day, one in told.items() if known.by_day.get(day) != one}
    for day in sorted(changed):
        if day <= today and known.on(today) is not None:
            why = f"documents up to {today} name another seller already: date it later"
            raise Invalid(f"seller.{day}", why)
    return changed
