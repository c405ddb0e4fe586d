"""Calendar: on which days periods begin."""

from __future__ import annotations

from datetime import date
from itertools import islice

from terms.calendar import Period, anchored
from terms.schedule import MONTHLY, Interval, Schedule, Unit
from tests.vectors.reading import Vector, day, few, interval, some, text, whole
from tests.vectors.registry import Found, maps

COMMON, LEAP = 2023, 2024
NAMES = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
MONTHS = {name: n for n, name in enumerate(NAMES.split(), start=1)}


def own(vector: Vector) -> Schedule:
    """Lay out periods that begin on the day of the month on which something began."""
    start = vector.given.read("start", day)
    return Schedule(vector.given.read("period", interval), start.day, start)


def walk(schedule: Schedule, count: int) -> list[Period]:
    """List the first periods of a schedule."""
    return list(islice(schedule.periods(schedule.origin, date.max), count))


@maps("anchor.first_cycle", "start bill_cycle_day period")
def first_cycle(vector: Vector) -> Found:
    """The first cycle begins on the anchor on or after the start."""
    start = vector.given.read("start", day)
    anchor = vector.given.read("bill_cycle_day", whole)
    schedule = Schedule(vector.given.read("period", interval), anchor, start)
    return {"first_cycle_date": schedule.first_begin(start)}


@maps("anchor.thirty_days", "start period")
def thirty_days(vector: Vector) -> Found:
    """Periods of days follow one another, whatever the months do."""
    wanted = vector.expected.read("next", some(day))
    return {"next": [period.end for period in walk(own(vector), len(wanted))]}


@maps("anchor.iteration", "start target bill_cycle_day")
def iteration(vector: Vector) -> Found:
    """Whole periods have begun from a start up to a day."""
    start, target = (vector.given.read(name, day) for name in ("start", "target"))
    schedule = Schedule(MONTHLY, vector.given.read("bill_cycle_day", whole), start)
    begun = schedule.periods(schedule.first_begin(start), target)
    return {"whole_periods": len(list(begun))}


@maps("anchor.month_end", "start period")
def month_end(vector: Vector) -> Found:
    """Of the days that are asked for, these are bill days."""
    schedule = own(vector)
    asked = vector.expected.read("bill_dates_include", some(day))
    return {"bill_dates_include": [schedule.first_begin(each) for each in asked]}


@maps("anchor.month_end", "anchor period")
def month_end_of_any_year(vector: Vector) -> Found:
    """The bill days that follow an anchor such as "Jan 31", in common and in leap years."""
    month, anchor = vector.given.read("anchor", _month_and_day)
    count = len(vector.expected.read("bills", some(text)))

    def begins(year: int) -> list[date]:
        schedule = Schedule(
            vector.given.read("period", interval), anchor, anchored(year, month, anchor)
        )
        return [period.end for period in walk(schedule, count)]

    return {"bills": [_named(*pair) for pair in zip(begins(COMMON), begins(LEAP), strict=True)]}


def _month_and_day(value: object) -> tuple[int, int]:
    name, _, number = text(value).partition(" ")
    return MONTHS[name], int(number)


def _named(common: date, leap: date) -> str:
    """Name a day of any year: "Feb 28 (29 leap)"."""
    plain = f"{common:%b} {common.day}"
    return plain if common.day == leap.day else f"{plain} ({leap.day} leap)"


@maps("anchor.boundaries", "start period")
def boundaries(vector: Vector) -> Found:
    """The first and last day of each period, and the day on which it is over."""
    found = walk(own(vector), len(vector.expected.read("periods", some(list))))
    return {
        "periods": [[period.start, period.last_day] for period in found],
        "billed_on": [period.end for period in found],
    }


@maps("anchor.drift", "start step_days n")
def drift(vector: Vector) -> Found:
    """So many months end with a year; so many times 31 days do not."""
    start, count = vector.given.read("start", day), vector.given.read("n", few)
    days = Interval(vector.given.read("step_days", whole), Unit.DAY)
    naive, ours = (walk(Schedule(each, start.day, start), count) for each in (days, MONTHLY))
    return {"naive_next": naive[-1].end, "ours_next": ours[-1].end}
