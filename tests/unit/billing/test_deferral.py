"""What is deferred is earned by days, month by month, and all of it."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from billing.ledger.deferral import (
    Deferral,
    earned,
    is_deferred,
    left_between,
    month_of,
    unearned,
    unearned_part,
)
from terms.calendar import Period
from terms.ids import AccountId
from terms.money import Money

DAYS = st.dates(date(2019, 1, 1), date(2032, 12, 31))
LENGTHS = st.integers(1, 800)
AMOUNTS = st.integers(-(10**12), 10**12)


def deferral(amount: int, period: Period) -> Deferral:
    """Make a deferral of nobody in particular."""
    return Deferral(
        document="D", n=1, account=AccountId("A"), amount=Money(amount, "EUR"), period=period
    )


def month_ends(first: date, last: date) -> list[date]:
    """List the ends of the months from one day's to another's."""
    ends = [month_of(first).end]
    while ends[-1] <= last:
        ends.append(month_of(ends[-1]).end)
    return ends


@given(AMOUNTS, DAYS, LENGTHS)
def test_the_months_earn_the_whole(amount, start, days):
    """What the months earn one by one is the amount, and none earns against it."""
    one = deferral(amount, Period(start, start + timedelta(days=days)))
    parts = []
    for end in month_ends(start, one.period.end):
        after = one.earned_until(end)
        parts.append(after.earned_minor - one.earned_minor)
        one = after
    assert sum(parts) == amount
    assert one.is_over
    assert one.rest == Money(0, "EUR")
    assert all(part * amount >= 0 for part in parts)


@given(AMOUNTS, DAYS, LENGTHS, st.integers(-400, 1200))
def test_a_part_is_that_of_its_days(amount, start, days, upto):
    """What is earned until a day is the share of the days before it, to half a minor unit."""
    one = deferral(amount, Period(start, start + timedelta(days=days)))
    over = min(max(upto, 0), days)
    earned = one.earned_until(start + timedelta(days=upto)).earned_minor
    assert abs(2 * (earned * days - amount * over)) <= days


@given(st.integers(1, 10**9), DAYS, LENGTHS, st.data())
def test_a_credit_takes_what_is_deferred_first(amount, start, days, data):
    """Whenever days up to the end are given back, what is left to earn is what they leave.

    In the end nothing is deferred, and the months have earned what was charged less what was given
    back; on the way nothing is earned too early, and no month earns less than nothing.
    """
    whole = Period(start, start + timedelta(days=days))
    line = deferral(amount, whole)
    booked_on = data.draw(st.dates(start - timedelta(days=20), start + timedelta(days=40)))
    back = Period(data.draw(st.dates(start, whole.last_day)), whole.end)
    on = data.draw(st.dates(max(booked_on, start), max(booked_on, start) + timedelta(days=days)))
    given_back = amount - line.earned_until(back.start).earned_minor
    still = unearned(back, whole.end, booked_on, on)
    part = unearned_part(Money(given_back, "EUR"), back, still)
    if not is_deferred(whole.end, booked_on):
        assert still is None
        return
    if still:
        part = min(part, Money(left_between(line.amount, whole, [], still), "EUR"))
    taken = replace(deferral(-part.amount_minor, still or back), document="C", taken_of=("D", 1))
    before = line if booked_on in month_of(on) else line.earned_until(month_of(on).start)
    held = before.rest.amount_minor
    assert 0 <= part.amount_minor <= min(given_back, held)
    left = held - part.amount_minor
    for end in month_ends(on, whole.end):
        after = sum(one.rest.amount_minor for one in earned([taken, line], end))
        assert 0 <= after <= left
        left = after
        if end >= whole.end:
            assert left == 0


def test_what_ends_with_its_month_is_not_deferred():
    """The month of an invoice is revenue at once; a day more, and all of it waits."""
    assert not is_deferred(date(2026, 4, 1), date(2026, 3, 11))
    assert is_deferred(date(2026, 4, 2), date(2026, 3, 11))
    assert not is_deferred(date(2026, 2, 1), date(2026, 3, 11))


def test_worked_out_by_hand():
    """A year for 365.00 from 1 January, given back from 15 July: 14 days of July are left."""
    year = Period(date(2026, 1, 1), date(2027, 1, 1))
    line = deferral(36500, year)
    assert line.earned_until(date(2026, 7, 1)).rest == Money(18400, "EUR")
    back = Period(date(2026, 7, 15), year.end)
    still = unearned(back, year.end, year.start, date(2026, 7, 15))
    assert still == back
    assert unearned_part(Money(17000, "EUR"), back, still) == Money(17000, "EUR")
    late = unearned(back, year.end, year.start, date(2026, 9, 20))
    assert late == Period(date(2026, 9, 1), year.end)
    assert unearned_part(Money(17000, "EUR"), back, late) == Money(12200, "EUR")
