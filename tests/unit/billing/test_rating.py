"""Rating: what has become due of an offering, day by day exact, however often it is asked."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.catalog.model import Offering, OfferingKind, Price, PriceBook
from billing.catalog.terms import Alignment, Measure, Terms, Timing
from billing.rating.due import PERIODS_MAX, Due, Rates, Wish, due
from billing.rating.measure import Cut, Leading, Manner, Share, periods_in, units_in
from billing.rating.model import Charge, LineKind
from terms.calendar import Period, period_containing
from terms.errors import Invalid, NotFound
from terms.money import Money
from terms.schedule import Interval

LONG_AGO = date(1990, 1, 1)
MONTHLY = Terms()


def book(*amounts: tuple[str, date], terms: Terms = MONTHLY) -> PriceBook:
    """Make a book of one offering with its prices."""
    sold = Offering(code="PLAN", kind=OfferingKind.PLAN, name="Plan", tax="standard", terms=terms)
    prices = [
        Price(offering="PLAN", effective_from=since, amount=Money.parse(amount, "EUR"))
        for amount, since in amounts
    ]
    return PriceBook.of([sold], prices)


def wish(first: date, until: date | None = None, bill_day: int = 1, **more: Any) -> Wish:
    """Wish for the plan."""
    plain = Wish(
        kind=LineKind.RECURRING,
        offering="PLAN",
        currency="EUR",
        bill_day=bill_day,
        first=first,
        until=until,
        began_on=first,
    )
    return plain._replace(**more)


def charges(amount: str, asked: Wish, today: date, terms: Terms = MONTHLY) -> tuple[Charge, ...]:
    """List what is due at one price."""
    return due(book((amount, LONG_AGO), terms=terms), asked, today).charges


def total(found: tuple[Charge, ...]) -> str:
    """Sum charges as text."""
    return str(Money(sum(one.amount.amount_minor for one in found), "EUR"))


def test_a_leading_part_is_of_the_period_it_lies_in():
    """With anchor 31 the part before 28 February is of 28 days, never of 31 stepped back."""
    asked = wish(date(2011, 2, 14), bill_day=31)
    sold = book(("28.00", LONG_AGO))
    head, full = due(sold, asked, date(2011, 3, 1)).charges
    assert (head.share, head.amount.amount_minor) == (Share(14, 28, 28), 1400)
    stepped = Manner(leading=Leading.STEPPED)
    other, same = due(sold, asked, date(2011, 3, 1), stepped).charges
    assert (other.share, same) == (Share(17, 31, 31), full)


def test_parts_that_are_rounded_apart_may_lose_a_cent():
    """Three parts of 1.00 by themselves are 0.99; by what is reached they are 1.00."""
    thirds = [Share(n, n + 1, 3) for n in range(3)]
    assert [one.part(100) for one in thirds] == [33, 34, 33]
    assert [one.part(100, Cut.APART) for one in thirds] == [33, 33, 33]
    assert periods_in(thirds) == 1
    assert units_in(thirds) == 3


def test_a_price_counts_from_the_day_a_period_begins():
    """The price in force on the first day of a period is the price of that period."""
    prices = book(("10.00", LONG_AGO), ("20.00", date(2024, 2, 15)))
    found = due(prices, wish(date(2024, 1, 1)), date(2024, 3, 1)).charges
    assert [one.rate.amount_minor for one in found] == [1000, 1000, 2000]
    with pytest.raises(NotFound, match="no price in EUR"):
        charges("1.00", wish(date(1980, 1, 1)), date(1980, 1, 1))


def test_a_broken_date_is_no_debt():
    """More than fifty years of months at once are a broken date."""
    with pytest.raises(Invalid, match=str(PERIODS_MAX)):
        charges("1.00", wish(date(1990, 1, 1)), date(2060, 1, 1))


def test_what_is_paid_in_arrears_is_due_when_it_is_over():
    """Nothing is due while a period goes on; an end makes its part due."""
    terms = Terms(timing=Timing.ARREARS)
    asked = wish(date(2024, 1, 11))
    assert due(book(("31.00", LONG_AGO), terms=terms), asked, date(2024, 1, 31)) == Due(
        (), date(2024, 2, 1)
    )
    assert total(charges("31.00", asked, date(2024, 2, 1), terms)) == "21.00 EUR"
    ended = asked._replace(until=date(2024, 1, 21))
    assert total(charges("31.00", ended, date(2024, 1, 21), terms)) == "10.00 EUR"


def test_a_period_of_its_own_begins_on_its_own_day():
    """What is aligned to itself begins its months on the day it began, and never a part."""
    terms = Terms(alignment=Alignment.OWN)
    found = charges("10.00", wish(date(2024, 1, 31), bill_day=1), date(2024, 3, 31), terms)
    assert [one.period.start for one in found] == [
        date(2024, 1, 31),
        date(2024, 2, 29),
        date(2024, 3, 31),
    ]
    assert {one.amount.amount_minor for one in found} == {1000}


def test_what_is_not_cut_costs_all_of_its_period():
    """Without proration whoever has a day pays the whole period, once."""
    terms = Terms(measure=Measure.WHOLE)
    asked = wish(date(2024, 1, 20), date(2024, 2, 10))
    found = charges("10.00", asked, date(2024, 5, 1), terms)
    assert [one.amount.amount_minor for one in found] == [1000, 1000]


def test_days_of_rest_cost_nothing():
    """Days on which something rests are not charged; what comes after them is due on its day."""
    rests = (Period(date(2024, 1, 10), date(2024, 1, 20)),)
    asked = wish(date(2024, 1, 1), rests=rests)
    found = due(book(("31.00", LONG_AGO)), asked, date(2024, 1, 1))
    assert total(found.charges) == "9.00 EUR"
    assert found.next_on == date(2024, 1, 20)
    assert total(charges("31.00", asked, date(2024, 1, 20))) == "21.00 EUR"


def test_many_cost_as_often_as_they_are():
    """The price of three is three times that of one, cut after it was multiplied."""
    asked = wish(date(2024, 1, 11), quantity=3)
    (charge,) = charges("10.00", asked, date(2024, 1, 11))
    assert (charge.rate.amount_minor, charge.amount.amount_minor) == (3000, 2032)


starts = st.dates(date(1999, 1, 1), date(2049, 1, 1))
anchors = st.integers(1, 31)
amounts = st.integers(0, 10_000_000)
measures = st.sampled_from([Measure.DAY, Measure.THIRTY, Measure.SECOND])
intervals = st.sampled_from([Interval.parse(text) for text in ("P1M", "P3M", "P1Y", "P30D")])


def priced(amount: int, terms: Terms = MONTHLY) -> Rates:
    """Make rates with a price in cents."""
    price = Price(offering="PLAN", effective_from=LONG_AGO, amount=Money(amount, "EUR"))
    sold = Offering(code="PLAN", kind=OfferingKind.PLAN, name="Plan", tax="standard", terms=terms)
    return Rates(PriceBook.of([sold], [price]))


@given(starts, anchors, intervals, st.integers(0, 1500))
def test_periods_are_contiguous(start: date, anchor: int, interval: Interval, later: int):
    """Every day from the start is in exactly one charge, and no anchor is lost."""
    today = start + timedelta(days=later)
    terms = Terms(interval=interval)
    found = priced(100, terms).due(wish(start, bill_day=anchor), today).charges
    assert found[0].period.start == start
    assert today in found[-1].period
    for one, after in pairwise(found):
        assert one.period.end == after.period.start
        assert after.share.since == 0
        if interval == MONTHLY.interval:
            assert one.period.end == period_containing(one.period.end, anchor).start


@given(starts, anchors, amounts, st.integers(1, 400), st.data())
def test_runs_in_pieces_charge_the_same(start: date, anchor: int, amount: int, later: int, data):
    """P3: settling often or once charges the same; what is charged is not due again."""
    rates = priced(amount)
    last = start + timedelta(days=later)
    at_once = rates.due(wish(start, bill_day=anchor), last).charges
    cuts = data.draw(st.lists(st.integers(0, later), max_size=6))
    written: list[Charge] = []
    for cut in [*sorted(cuts), later, later]:
        first = written[-1].period.end if written else start
        written += rates.due(wish(first, bill_day=anchor), start + timedelta(days=cut)).charges
    assert tuple(written) == at_once


@given(starts, anchors, amounts, measures, intervals, st.data())
def test_parts_sum_to_the_whole(start, anchor, amount, measure, interval, data):
    """P1, P4, P7: a period that is cut anywhere costs in all its parts what it costs uncut."""
    terms = Terms(interval=interval, measure=measure)
    rates = priced(amount, terms)
    asked = wish(start, bill_day=anchor, zone="Europe/Vienna")
    whole = rates.due(asked, start).charges[0].period
    asked = asked._replace(until=whole.end)
    uncut = rates.due(asked, whole.end).charges
    days = st.integers(0, whole.days)
    cuts = sorted({0, whole.days, *data.draw(st.lists(days, max_size=5))})
    bounds = [whole.start + timedelta(days=cut) for cut in cuts]
    parts = [
        charge
        for since, until in pairwise(bounds)
        for charge in rates.due(asked._replace(first=since, until=until), until).charges
    ]
    assert sum(one.amount.amount_minor for one in parts) == sum(
        one.amount.amount_minor for one in uncut
    )
    assert all(one.amount.amount_minor >= 0 for one in parts)


@given(starts, anchors, amounts, intervals)
def test_a_whole_period_costs_the_whole_price(start, anchor, amount, interval):
    """A full period is charged in full: no daily rounding takes a cent (P7)."""
    rates = priced(amount, Terms(interval=interval))
    first = rates.due(wish(start, bill_day=anchor), start).charges[0]
    following = rates.due(wish(first.period.end, bill_day=anchor), first.period.end).charges[0]
    assert following.amount.amount_minor == amount


@given(starts, anchors, st.integers(0, 800))
def test_the_next_charge_is_the_next_one(start: date, anchor: int, later: int):
    """Nothing becomes due before the day that is foretold, and something does on it."""
    today = start + timedelta(days=later)
    rates, asked = priced(100), wish(start, bill_day=anchor)
    found = rates.due(asked, today)
    assert found.next_on is not None
    assert found.next_on > today
    count = len(found.charges)
    assert len(rates.due(asked, found.next_on - timedelta(days=1)).charges) == count
    assert len(rates.due(asked, found.next_on).charges) == count + 1


def test_what_has_ended_is_charged_no_more():
    """A subject that ends has no next charge behind its end, and none before it began early."""
    rates = priced(100)
    ended = wish(date(2024, 1, 1), date(2024, 2, 1))
    assert rates.due(ended, date(2024, 1, 15)).next_on is None
    early = rates.due(wish(date(2024, 5, 3)), date(2024, 1, 1))
    assert early == Due((), date(2024, 5, 3))
    assert rates.due(wish(date(2024, 1, 5), date(2024, 1, 5)), date(2024, 9, 1)) == Due((), None)


def test_what_was_found_is_found_again():
    """The second who asks the same is given the very same charges."""
    rates, asked = priced(100), wish(date(2024, 1, 1))
    assert rates.due(asked, date(2024, 1, 1)) is rates.due(replace_first(asked), date(2024, 1, 1))


def replace_first(asked: Wish) -> Wish:
    """Make an equal wish."""
    return asked._replace(first=asked.first)


def test_terms_say_whether_the_begin_counts():
    """Months of the account are the same for everybody; all else counts from its begin."""
    assert not Terms().counts_from_its_begin
    assert replace(Terms(), alignment=Alignment.OWN).counts_from_its_begin
    assert Terms(interval=Interval.parse("P3M")).counts_from_its_begin
