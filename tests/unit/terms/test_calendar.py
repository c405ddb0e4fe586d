"""Periods are half-open, contiguous and counted from the anchor day."""

from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terms.calendar import (
    Period,
    anchored,
    local_date,
    period_after,
    period_containing,
    start_of_day,
    wall_clock,
    zone,
)

days = st.dates(date(1999, 1, 1), date(2101, 1, 1))
anchors = st.integers(1, 31)


@given(days, anchors, st.sampled_from([1, 3, 12]))
def test_a_day_lies_in_its_period_and_the_next_begins_where_it_ends(day, anchor, months):
    """No gap, no overlap, whatever the anchor."""
    period = period_containing(day, anchor, months)
    following = period_after(period, anchor, months)
    assert day in period
    assert following.start == period.end
    assert period.end not in period


@given(days, anchors)
def test_the_anchor_is_never_lost_in_a_short_month(day, anchor):
    """After February the period starts on the anchor again."""
    period = period_containing(day, anchor)
    for _ in range(13):
        assert period.start == anchored(period.start.year, period.start.month, anchor)
        period = period_after(period, anchor)


@pytest.mark.parametrize(
    ("anchor", "starts"),
    [
        (31, ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]),
        (30, ["2028-01-30", "2028-02-29", "2028-03-30"]),
        (1, ["2027-12-01", "2028-01-01"]),
    ],
)
def test_month_ends_are_clamped_but_not_inherited(anchor, starts):
    """Anchor 31 gives 31 January, 28 February, 31 March."""
    period = period_containing(date.fromisoformat(starts[0]), anchor)
    for expected in starts:
        assert period.start == date.fromisoformat(expected)
        period = period_after(period, anchor)


@given(days, days, days, days)
def test_an_overlap_lies_in_both(a, b, c, d):
    """The shared days are exactly those contained in both periods."""
    if a >= b or c >= d:
        return
    one, other = Period(a, b), Period(c, d)
    both = one.overlap(other)
    assert both == other.overlap(one)
    if both is None:
        assert b <= c or d <= a
    else:
        assert both.start in one
        assert both.start in other
        assert both.days <= min(one.days, other.days)


def test_an_empty_period_is_refused():
    """A period has at least one day."""
    with pytest.raises(ValueError, match="empty period"):
        Period(date(2027, 1, 1), date(2027, 1, 1))


@pytest.mark.parametrize(
    ("zone", "instant", "day"),
    [
        ("Asia/Kolkata", datetime(2027, 1, 31, 18, 30, tzinfo=UTC), "2027-02-01"),
        ("America/Bogota", datetime(2027, 2, 1, 4, 59, tzinfo=UTC), "2027-01-31"),
        ("Europe/Paris", datetime(2027, 6, 30, 22, 0, tzinfo=UTC), "2027-07-01"),
    ],
)
def test_an_instant_falls_on_the_customers_own_day(zone, instant, day):
    """Midnight is local."""
    assert local_date(instant, zone) == date.fromisoformat(day)


@given(days, st.sampled_from(["America/Sao_Paulo", "Europe/Kyiv", "Pacific/Apia", "UTC"]))
def test_a_day_begins_on_that_day(day, zone):
    """Also where daylight saving skips midnight."""
    if (zone, day) == ("Pacific/Apia", date(2011, 12, 30)):
        return  # Samoa skipped this whole day
    assert local_date(start_of_day(day, zone), zone) == day


def test_an_unknown_zone_is_named():
    """The error says what was not understood."""
    with pytest.raises(ValueError, match="Mars/Base"):
        local_date(datetime(2027, 1, 1, tzinfo=UTC), "Mars/Base")


@given(days, st.times().map(lambda at: at.replace(microsecond=0)))
def test_clocks_show_what_was_asked_for(day, at):
    """At the instant of a local time clocks show it, or an hour more where they skip it."""
    tz = "Europe/Vienna"
    shown = wall_clock(day, at, tz).astimezone(zone(tz)).replace(tzinfo=None)
    late = shown - datetime.combine(day, at)
    assert late.total_seconds() in {0, 3600}


def test_a_time_that_is_skipped_or_comes_twice_is_one_instant():
    """In New York 02:30 is no time on 9 March 2025, and 01:30 is two on 2 November."""
    tz = "America/New_York"
    assert wall_clock(date(2025, 3, 9), time(2, 30), tz) == datetime(2025, 3, 9, 7, 30, tzinfo=UTC)
    assert wall_clock(date(2025, 11, 2), time(1, 30), tz) == datetime(
        2025, 11, 2, 5, 30, tzinfo=UTC
    )


@given(days, anchors)
def test_the_last_day_is_in_and_the_next_is_not(day, anchor):
    """Those who count the last day in see the same period."""
    period = period_containing(day, anchor)
    assert period.last_day in period
    assert period_after(period, anchor).start == period.end > period.last_day
