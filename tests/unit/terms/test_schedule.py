"""Schedules: every day lies in one period, no anchor is lost, no interval drifts."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terms.calendar import anchored
from terms.schedule import Interval, Schedule, Unit

DAY = timedelta(days=1)
INTERVALS = ("P1M", "P3M", "P1Y", "P30D")
# With a leap year, with the turn of a century that has one, with one that has not.
SPANS = (
    (date(2023, 3, 1), date(2028, 3, 31)),
    (date(1999, 12, 1), date(2001, 3, 31)),
    (date(2099, 12, 1), date(2100, 4, 30)),
)
days = st.dates(date(1999, 1, 1), date(2101, 1, 1))
schedules = st.builds(
    Schedule,
    st.sampled_from(INTERVALS).map(Interval.parse),
    st.integers(1, 31),
    days,
)


def schedule(interval: str, anchor: int, origin: date) -> Schedule:
    """Make a schedule."""
    return Schedule(Interval.parse(interval), anchor, origin)


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("span", SPANS, ids=str)
def test_every_start_has_contiguous_periods(interval: str, span: tuple[date, date]):
    """Whenever something begins, on whatever anchor, each day lies in one period, with no gap."""
    first, last = span
    for anchor in range(1, 32):
        origin = first
        while origin <= last:
            one = schedule(interval, anchor, origin)
            period = one.containing(origin)
            following = one.after(period)
            assert period.start <= origin < period.end == following.start
            assert one.containing(period.end - DAY) == period
            if interval != "P30D":
                assert period.start == anchored(period.start.year, period.start.month, anchor)
            origin += DAY


@given(schedules, days)
def test_a_day_lies_in_its_period(one: Schedule, day: date):
    """The period before and the period after touch it, wherever the day lies."""
    period = one.containing(day)
    assert day in period
    assert one.after(period).start == period.end
    assert one.before(period).end == period.start
    assert one.before(one.after(period)) == period


@pytest.mark.parametrize(
    ("text", "again"), [("P1M", "P1M"), ("P12M", "P1Y"), ("P2Y", "P2Y"), ("P2W", "P14D")]
)
def test_an_interval_is_read_and_written(text: str, again: str):
    """Years are twelve months, weeks are seven days."""
    assert str(Interval.parse(text)) == again
    assert Interval.parse(again) == Interval.parse(text)


@pytest.mark.parametrize(
    "text", ["", "1M", "P0M", "P1H", "P1M1D", "P-1M", "P121M", "P3661D", "p1m"]
)
def test_what_is_no_interval_is_refused(text: str):
    """Nothing, hours, two units at once, and what is longer than ten years."""
    with pytest.raises(ValueError, match="interval"):
        Interval.parse(text)


@given(schedules, days)
def test_the_first_begin_is_the_next_boundary(one: Schedule, day: date):
    """From a day on, periods begin first where the one it lies in ends, or on the day itself."""
    first = one.first_begin(day)
    assert first >= day
    assert one.containing(first).start == first
    assert all(one.containing(day + n * DAY).start < day for n in range((first - day).days))


@given(schedules, days)
def test_an_interval_back_ends_where_it_is_told(one: Schedule, day: date):
    """Stepping back gives the period itself, unless a short month has clamped its end."""
    end = one.first_begin(day)
    back = one.stepped_back(end)
    assert back.end == end
    if one.interval.unit is Unit.DAY:
        assert back.days == one.interval.count
    elif end.day == one.anchor_day:
        assert back == one.before(one.containing(end))
