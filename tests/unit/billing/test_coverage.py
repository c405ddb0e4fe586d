"""Days that are left of periods when others are taken out."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from billing.rating.coverage import less, within
from terms.calendar import Period

FIRST = date(2024, 1, 1)


def period(bounds: tuple[int, int]) -> Period:
    """Make a period of two days' numbers."""
    since, until = sorted(bounds)
    return Period(FIRST + timedelta(days=since), FIRST + timedelta(days=until + 1))


def every_day(found: list[Period]) -> list[date]:
    """List the days of periods, twice where two have them."""
    return [one.start + timedelta(days=n) for one in found for n in range(one.days)]


periods = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(period), max_size=5)


@given(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(period), periods)
def test_what_is_left_is_what_was_not_taken(one: Period, taken: list[Period]):
    """Each day of the period that nobody took is left, once and in order, and no other."""
    left = every_day(list(less([one], taken)))
    assert left == [day for day in every_day([one]) if not any(day in each for each in taken)]


def test_what_begins_later_or_ended_before_has_no_part():
    """The part of a period in which something lasts may be none."""
    whole = Period(date(2024, 1, 1), date(2024, 2, 1))
    assert within(date(2024, 1, 11), None, whole) == Period(date(2024, 1, 11), date(2024, 2, 1))
    assert within(date(2024, 2, 1), None, whole) is None
    assert within(date(2023, 1, 1), date(2024, 1, 1), whole) is None
