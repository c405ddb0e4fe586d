"""Prices by what else there is: tiers, bundles, and where a period is cut for them."""

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.catalog.model import Offering, OfferingKind, Price, PriceBook
from billing.catalog.terms import Counts, Terms
from billing.catalog.tiers import read_tiers, write_tiers
from billing.rating.due import Wish, due
from billing.rating.model import LineKind
from billing.rating.situation import Situation, cut, on, situations
from terms.calendar import Period
from terms.money import Money

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
PRICE = Price(
    offering="TV",
    effective_from=date(2020, 1, 1),
    amount=Money(3100, "EUR"),
    tiers=((2, 4650), (4, 6200)),
    bundled_minor=2480,
)
days = st.dates(MARCH, date(2026, 3, 31))
spans = st.lists(st.tuples(days, st.none() | st.dates(MARCH, date(2026, 4, 30))), max_size=4)


def charged(found, counts: Counts = Counts.BOXES) -> list[tuple[int, int]]:
    """Charge March in situations: the day each part begins on, and its amount."""
    terms = Terms(counts=counts, bundle_with=("NET",))
    sold = Offering(code="TV", kind=OfferingKind.PLAN, name="TV", tax="t", terms=terms)
    wish = Wish(
        kind=LineKind.RECURRING,
        offering="TV",
        currency="EUR",
        bill_day=1,
        first=MARCH,
        until=APRIL,
        situations=tuple(found),
    )
    charges = due(PriceBook.of([sold], [PRICE]), wish, date(2026, 3, 31)).charges
    return [(one.period.start.day, one.amount.amount_minor) for one in charges]


ALONE = [(0, 3100), (1, 3100), (2, 4650), (3, 4650), (9, 6200)]
BUNDLED = [(0, 2480), (2, 4030), (4, 5580)]


@pytest.mark.parametrize(
    ("boxes", "is_bundled", "amount"),
    [
        *((boxes, False, amount) for boxes, amount in ALONE),
        *((boxes, True, amount) for boxes, amount in BUNDLED),
    ],
)
def test_a_tier_is_reached_and_a_bundle_takes_its_part_off(boxes, is_bundled, amount):
    """The highest count that is reached names the amount for all; the bundle takes 6.20 off it."""
    terms = Terms(counts=Counts.BOXES)
    assert PRICE.rate(terms, 1, boxes, is_bundled=is_bundled).amount_minor == amount
    twice = PRICE.rate(terms, 2, boxes, is_bundled=is_bundled)
    assert twice.amount_minor == 2 * amount


def test_streams_are_counted_and_not_multiplied():
    """Three streams are the price of three, whatever a single one costs."""
    terms = Terms(counts=Counts.STREAMS)
    assert PRICE.rate(terms, 3, 0, is_bundled=False).amount_minor == 4650
    assert PRICE.rate(Terms(), 3, 5, is_bundled=False).amount_minor == 9300


def test_a_period_is_cut_where_a_box_comes():
    """A second box on the 11th: ten days at the old price, twenty-one at the new one."""
    second = situations([(MARCH, None), (date(2026, 3, 11), None)], [], MARCH)
    assert charged(second) == [(1, 1000), (11, 3150)]
    gone = situations([], [(MARCH, date(2026, 3, 16))], MARCH)
    assert charged(gone) == [(1, 1200), (16, 1600)]


@given(spans, spans)
def test_every_day_is_charged_in_one_situation(boxes, bundle):
    """Parts are the whole month, without a gap; a day of each is in the situation it is told by."""
    found = situations(boxes, bundle, MARCH)
    parts = list(cut([Period(MARCH, APRIL)], found))
    assert (parts[0].start, parts[-1].end) == (MARCH, APRIL)
    assert all(left.end == right.start for left, right in itertools.pairwise(parts))
    for part in parts:
        here = on(found, part.start)
        for n in range(part.days):
            day = part.start + timedelta(days=n)
            assert on(found, day) == here
            held = [one for one in boxes if one[0] <= day and (one[1] is None or day < one[1])]
            assert here.boxes == len(held)


@given(spans)
def test_the_price_alone_decides_what_is_the_same(boxes):
    """Where the boxes are within one tier nothing of the sum changes by cutting."""
    few = list(boxes[:1])
    assert sum(amount for _, amount in charged(situations(few, [], MARCH))) == 3100


@pytest.mark.parametrize("text", ["1=2", "2", "2=x", "3=1;2=1", "2=1;2=1", "2=1.001", "2=-1"])
def test_a_tier_that_is_none_is_refused(text: str):
    """Counts rise from two on, and amounts are amounts of the currency."""
    with pytest.raises(ValueError, match=r"like|counts|amount|finer|negative"):
        read_tiers(text, "EUR")


def test_tiers_are_written_as_they_are_read():
    """What is stored of them says the same."""
    assert write_tiers(read_tiers("2=24.90; 3=29.90", "EUR"), "EUR") == "2=24.90;3=29.90"
    assert read_tiers("", "EUR") == ()
    assert Situation(MARCH).boxes == 0
