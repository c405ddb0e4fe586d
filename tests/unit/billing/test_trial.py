"""Trials: over at an instant, charged from the local day of that instant on."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.catalog.terms import TRIAL_DAYS_MAX, TrialClock
from billing.subscriptions.trial import Trial
from terms.calendar import local_date, zone

instants = st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1)).map(  # noqa: DTZ001 - made aware next
    lambda at: at.replace(tzinfo=UTC)
)
zones = st.sampled_from(["UTC", "Europe/Vienna", "America/Los_Angeles", "Asia/Kolkata"])
lengths = st.integers(0, TRIAL_DAYS_MAX)


@given(instants, lengths, zones)
def test_hours_are_hours(start, days, tz):
    """By the hour a trial lasts N times 24 hours wherever somebody lives."""
    assert Trial(started_at=start, days=days, clock=TrialClock.HOURS).ends_at(
        tz
    ) == start + timedelta(hours=24 * days)


@given(instants, lengths, zones)
def test_local_days_are_local_days(start, days, tz):
    """By the local day it ends N days later, at the time of day at which it began.

    Where clocks skip that time, within the hour behind it.
    """
    trial = Trial(started_at=start, days=days)
    assert trial.charged_from(tz) == local_date(start, tz) + timedelta(days=days)
    began, ended = (
        at.astimezone(zone(tz)).replace(tzinfo=None) for at in (start, trial.ends_at(tz))
    )
    late = ended - began - timedelta(days=days)
    assert timedelta(0) <= late <= timedelta(hours=1)


@given(instants, lengths, lengths, zones)
def test_a_change_keeps_the_start(start, days, other, tz):
    """Under another plan the trial lasts as if it had begun under that plan."""
    assert Trial(started_at=start, days=days).under(other) == Trial(started_at=start, days=other)


def test_summer_time_makes_the_clocks_differ():
    """Late in the evening an hour of summer time is a day."""
    start = datetime(2017, 3, 2, 7, 30, tzinfo=UTC)  # 23:30 on 1 March in Los Angeles
    tz = "America/Los_Angeles"
    by_hour = Trial(started_at=start, days=30, clock=TrialClock.HOURS)
    assert by_hour.charged_from(tz) == date(2017, 4, 1)
    by_day = Trial(started_at=start, days=30)
    assert by_day.charged_from(tz) == date(2017, 3, 31)


@pytest.mark.parametrize("days", [-1, TRIAL_DAYS_MAX + 1])
def test_no_trial_lasts_for_ever(days):
    """A trial of less than nothing or more than a year cannot be made."""
    with pytest.raises(ValueError, match="days"):
        Trial(started_at=datetime(2024, 1, 1, tzinfo=UTC), days=days)
