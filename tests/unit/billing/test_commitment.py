"""Minimums and usage rated in pieces: nothing is charged twice, nothing before its time."""

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from billing.catalog.usage_price import Tier
from billing.equipment.subsidy import Month, Subsidy
from billing.rating import pricing
from billing.rating.commitment import missing, missing_by
from billing.rating.increments import beyond, further, outstanding
from billing.rating.measure import WHOLE, Cut, Share
from terms.money import Money

NOTHING = Money(0, "EUR")
amounts = st.integers(0, 10**8).map(lambda minor: Money(minor, "EUR"))


@st.composite
def parts(draw):
    """Draw a part of a period."""
    of = draw(st.integers(1, 366))
    since, until = sorted(draw(st.tuples(st.integers(0, of), st.integers(0, of))))
    return Share(since, until, of)


@given(amounts, amounts, parts(), st.sampled_from(Cut))
def test_a_minimum_is_reached_and_not_exceeded(minimum, spent, covered, cut):
    """What was spent and what is missing come to the promise of the covered part, or were more."""
    promised = Money(covered.part(minimum.amount_minor, cut), "EUR")
    rest = missing(minimum, spent, covered, cut)
    assert spent + rest == max(promised, spent)


@given(amounts, amounts, parts(), parts())
def test_nothing_is_missing_before_the_end(minimum, spent, rated, covered):
    """While a part of the promise is still to come nothing is charged for it."""
    found = missing_by(minimum, spent, rated, covered)
    is_over = Fraction(rated.until, rated.of) >= Fraction(covered.until, covered.of)
    assert found == (missing(minimum, spent, covered) if is_over else NOTHING)
    assert missing_by(minimum, spent, WHOLE, covered) == missing(minimum, spent, covered)


quantities = st.lists(st.fractions(0, 1000, max_denominator=8), min_size=1, max_size=6)
TIERS = [
    Tier(upto=Fraction(10), unit=Fraction(3), flat=Fraction(1)),
    Tier(upto=Fraction(50), unit=Fraction(1, 3)),
    Tier(unit=Fraction(1, 7)),
]


@given(quantities)
def test_usage_in_pieces_costs_what_it_costs_at_once(found):
    """However a period is cut, its pieces cost the whole, on top of what nothing costs."""
    for cost in (
        lambda units: pricing.graduated(units, TIERS),
        lambda units: pricing.volume(units, TIERS),
        lambda units: pricing.package(units, size=7, price=5, free=3),
    ):
        charged, before = cost(0), Fraction(0)
        for more in found:
            charged += further(cost, before, more)
            before += more
        assert charged == cost(before)


@given(st.integers(0, 100), quantities)
def test_free_units_are_free_once(free, found):
    """However usage is cut, as many units are free in all as are free at once."""
    billable, before = Fraction(0), Fraction(0)
    for more in found:
        billable += beyond(free, before, more)
        before += more
    assert billable == max(before - free, 0)


@given(st.fractions(0, 10**6, max_denominator=1000))
def test_what_is_rated_again_is_no_correction(cost):
    """P3: the same usage, rated again, adds nothing; what is below a minor unit never does."""
    billed = Money.of(cost, "EUR")
    assert outstanding(Money.of(cost, "EUR"), billed) is None
    assert outstanding(billed + Money(1, "EUR"), billed) == Money(1, "EUR")
    assert outstanding(billed - Money(1, "EUR"), billed) == Money(-1, "EUR")


@given(amounts, st.integers(1, 120), st.lists(st.sampled_from(Month), max_size=200))
def test_a_device_is_paid_off_month_by_month(amount, months, passed):
    """The fee falls with each month that is paid, stays in one that is paused, and ends at zero."""
    device = Subsidy(amount=amount, months=months)
    fees = [device.termination_fee(passed[:n]) for n in range(len(passed) + 1)]
    assert fees[0] == amount
    for month, (before, after) in zip(passed, pairwise(fees), strict=True):
        assert NOTHING <= after <= before
        assert month is Month.PAID or after == before
    assert (passed.count(Month.PAID) < months) or fees[-1] == NOTHING
