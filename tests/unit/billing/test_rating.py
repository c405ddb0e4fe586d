"""Rating: the lines a subject should have, day by day exact, and what is missing of them."""

from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.catalog.model import Offering, OfferingKind, Price, PriceBook
from billing.rating.model import (
    PERIODS_MAX,
    LineKey,
    LineKind,
    Subject,
    Terms,
    desired,
    missing,
    next_charge,
    sealed_until,
    spans,
)
from terms.calendar import Period, period_containing
from terms.errors import Invalid, NotFound
from terms.ids import ServiceId
from terms.money import Money
from tests.unit.billing.vectors import of_area, vector

SOLD = Offering(code="PLAN", kind=OfferingKind.PLAN, name="Plan", tax="standard")
LONG_AGO = date(1990, 1, 1)


def book(*amounts: tuple[str, date]) -> PriceBook:
    """Make a book of one offering with its prices."""
    prices = [
        Price(offering="PLAN", effective_from=since, amount=Money.parse(amount, "EUR"))
        for amount, since in amounts
    ]
    return PriceBook.of([SOLD], prices)


def subject(start: date, until: date | None = None, open_from: date | None = None) -> Subject:
    """Make a subject."""
    return Subject(
        id="S",
        service=ServiceId("V"),
        kind=LineKind.RECURRING,
        offering=SOLD,
        label="Plan",
        start=start,
        until=until,
        open_from=open_from or start,
    )


def terms(amount: str, bill_day: int) -> Terms:
    """Make the terms of an account in euro."""
    return Terms(book=book((amount, LONG_AGO)), currency="EUR", bill_day=bill_day)


def cycles(start: date, until: date | None, bill_day: int, today: date) -> Fraction:
    """Sum the shares of periods that are owed by a day."""
    parts = spans(subject(start, until), bill_day, today)
    return sum((Fraction(part.days, whole.days) for part, whole in parts), Fraction(0))


def day(text: str) -> date:
    """Read a date."""
    return date.fromisoformat(text)


MONTHLY = [key for key in of_area("proration.day.cycles") if key.startswith("KB-M")]


@pytest.mark.parametrize("key", MONTHLY)
def test_published_shares_of_monthly_cycles(key: str):
    """Monthly cycles owed from start to end are the published ones, by days of their own period."""
    given, expected = vector(key)
    share = sum((Fraction(part) for part in expected["cycles_fraction"].split("+")), Fraction(0))
    end = day(given["end"]) if given["end"] else None
    found = cycles(day(given["start"]), end, given["bill_cycle_day"], day(given["target"]))
    if key == "KB-M08":
        # The vector's denominator comes from a clamped date; a true anchor of 31 has 28 days.
        assert found == Fraction(14, 28) + 1 != share
    else:
        assert found == share


def test_leading_part_then_a_full_period():
    """KB-B01: 10.00 from 1 September with anchor 15, by 3 October, is 14.52."""
    given, expected = vector("KB-B01")
    lines = desired(
        subject(date(2011, 9, 1)),
        terms(given["rate"], given["bill_cycle_day"]),
        date(2011, 10, 3),
    )
    assert str(sum(Fraction(line.amount.amount_minor, 100) for line in lines)) == str(
        Fraction(expected["total"])
    )


def test_a_short_first_period_on_anchor_31():
    """KB-B17: 2 to 31 March of 599.95 with anchor 31 is 561.24; the next ends 30 April."""
    given, expected = vector("KB-B17")
    first = subject(date(2012, 3, 2))
    terms_of = terms(given["rate"], given["bill_cycle_day"])
    lines = desired(first, terms_of, date(2012, 4, 1))
    assert str(lines[0].amount).startswith(expected["charge"])
    assert lines[1].period == Period(date(2012, 3, 31), date(2012, 4, 30))


def test_a_mid_month_start():
    """LG-B08: 60.00 from 8 January to 1 February is 46.45."""
    given, expected = vector("LG-B08")
    lines = desired(
        subject(day(given["start"])), terms(given["rate_incl_tax"], 1), date(2023, 1, 8)
    )
    assert str(lines[0].amount) == f"{expected['total']} EUR"


def test_rent_of_the_days_held():
    """DX-09: 3.00 a month for 11 to 26 March is 1.45."""
    given, expected = vector("DX-09")
    held = subject(day(given["issued"]), day(given["returned"]))
    (line,) = desired(held, terms(given["rent"], 1), date(2025, 3, 31))
    assert str(line.amount) == f"{expected['rent_charge']} EUR"
    assert (line.days, line.of_days) == (15, 31)


def test_a_day_is_a_day_under_summer_time():
    """DX-12: half of a local March costs 16.00 of 31.00, whatever its hours."""
    given, expected = vector("DX-12")
    kept = subject(date(2025, 3, 1), date(2025, 3, 17))
    (line,) = desired(kept, terms(given["rate"], 1), date(2025, 3, 17))
    assert str(line.amount) == f"{expected['day_based_kept']} EUR"


def test_eighteen_months_over_summer_times():
    """KB-T02: over one and a half years on day 1 every charge is a full one."""
    given, expected = vector("KB-T02")
    lines = desired(subject(date(2015, 10, 1)), terms(given["rate"], 1), date(2017, 4, 1))
    assert len(lines) == expected["periods"]
    assert {str(line.amount) for line in lines} == {f"{expected['every_period_charge']} EUR"}


def test_a_price_counts_from_the_day_a_period_begins():
    """The price in force on the first day of a period is the price of that period."""
    prices = book(("10.00", LONG_AGO), ("20.00", date(2024, 2, 15)))
    lines = desired(
        subject(date(2024, 1, 1)),
        Terms(book=prices, currency="EUR", bill_day=1),
        date(2024, 3, 1),
    )
    assert [line.rate.amount_minor for line in lines] == [1000, 1000, 2000]
    with pytest.raises(NotFound, match="no price in EUR"):
        desired(subject(date(1980, 1, 1)), terms("1.00", 1), date(1980, 1, 1))


def test_a_broken_date_is_no_debt():
    """More than fifty years of months at once are a broken date."""
    with pytest.raises(Invalid, match=str(PERIODS_MAX)):
        list(spans(subject(date(1950, 1, 1)), 1, date(2024, 1, 1)))


starts = st.dates(date(1999, 1, 1), date(2099, 1, 1))
anchors = st.integers(1, 31)
amounts = st.integers(0, 10_000_000)


def priced(amount: int, bill_day: int) -> Terms:
    """Make terms with a price in cents."""
    price = Price(offering="PLAN", effective_from=LONG_AGO, amount=Money(amount, "EUR"))
    return Terms(book=PriceBook.of([SOLD], [price]), currency="EUR", bill_day=bill_day)


@given(starts, anchors, st.integers(0, 1500))
def test_periods_are_contiguous(start: date, anchor: int, later: int):
    """Every day from the start is in exactly one period, and no anchor is lost."""
    parts = list(spans(subject(start), anchor, start + timedelta(days=later)))
    assert parts[0][0].start == start
    for (part, whole), (after, _) in pairwise(parts):
        assert part.end == whole.end == after.start
        assert part.end == period_containing(part.end, anchor).start
    assert start + timedelta(days=later) in parts[-1][0]


@given(starts, anchors, amounts, st.integers(0, 400))
def test_a_second_run_finds_nothing(start: date, anchor: int, amount: int, later: int):
    """P3: what was written once is not wanted again, now or in a later run."""
    today = start + timedelta(days=later)
    lines = desired(subject(start), priced(amount, anchor), today)
    keys = {line.key for line in lines}
    assert len(keys) == len(lines)
    assert missing(desired(subject(start), priced(amount, anchor), today), keys) == []
    sealed = sealed_until(subject(start), anchor, today)
    again = desired(subject(start, open_from=sealed), priced(amount, anchor), today)
    assert missing(again, keys) == []
    assert {line.key for line in again} <= keys


@given(starts, anchors, amounts, st.integers(1, 400), st.data())
def test_runs_in_pieces_charge_the_same(start: date, anchor: int, amount: int, later: int, data):
    """Settling often or once writes the same lines; sealing in between changes nothing."""
    last = start + timedelta(days=later)
    at_once = {
        line.key: line.amount for line in desired(subject(start), priced(amount, anchor), last)
    }
    cuts = data.draw(st.lists(st.integers(0, later), max_size=6))
    written: dict[LineKey, Money] = {}
    open_from = start
    for cut in [*sorted(cuts), later]:
        today = start + timedelta(days=cut)
        one = subject(start, open_from=open_from)
        for line in missing(desired(one, priced(amount, anchor), today), set(written)):
            written[line.key] = line.amount
        open_from = sealed_until(one, anchor, today)
    assert written == at_once


@given(starts, anchors, amounts)
def test_a_whole_period_costs_the_whole_price(start: date, anchor: int, amount: int):
    """A full period is charged in full: no daily rounding takes a cent (P7)."""
    whole = period_containing(start, anchor)
    (line,) = desired(subject(whole.start), priced(amount, anchor), whole.start)
    assert (line.period, line.amount.amount_minor) == (whole, amount)


@given(starts, anchors, amounts, st.data())
def test_splitting_conserves(start: date, anchor: int, amount: int, data):
    """P1, P4: a line cut at any day into shares by largest remainder still sums to itself."""
    (line,) = desired(subject(start), priced(amount, anchor), start)
    cut = data.draw(st.integers(0, line.days))
    parts = line.amount.allocate([cut, line.days - cut])
    assert sum(part.amount_minor for part in parts) == line.amount.amount_minor


@given(starts, anchors, st.integers(0, 800))
def test_the_next_charge_is_the_next_line(start: date, anchor: int, later: int):
    """Nothing becomes due before the day that is foretold, and something does on it."""
    today = start + timedelta(days=later)
    one, rates = subject(start), priced(100, anchor)
    day_on = next_charge(one, anchor, today)
    assert day_on is not None
    assert day_on > today
    count = len(desired(one, rates, today))
    assert len(desired(one, rates, day_on - timedelta(days=1))) == count
    assert len(desired(one, rates, day_on)) == count + 1


def test_what_has_ended_is_charged_no_more():
    """A subject that ends has no next charge behind its end, and none before it began early."""
    ended = subject(date(2024, 1, 1), date(2024, 2, 1))
    assert next_charge(ended, 1, date(2024, 1, 15)) is None
    assert next_charge(subject(date(2024, 5, 3)), 1, date(2024, 1, 1)) == date(2024, 5, 3)
    assert list(spans(subject(date(2024, 1, 5), date(2024, 1, 5)), 1, date(2024, 9, 1))) == []
