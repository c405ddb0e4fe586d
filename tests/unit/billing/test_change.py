"""Changes in the middle: no more goes back than is held, and there and back is nothing."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.catalog.terms import Days, Terms
from billing.rating.change import Coming, Cycle, Debit, Leaving, changed, unused, upcoming
from billing.rating.measure import WHOLE, Cut, Share
from terms.calendar import Period
from terms.money import Money
from terms.schedule import MONTHLY, Interval, Schedule

NOTHING = Money(0, "EUR")
YEARLY = Interval.parse("P1Y")
rates = st.integers(0, 10**9).map(lambda minor: Money(minor, "EUR"))


@st.composite
def lefts(draw):
    """Draw the rest of a period of up to 400 units."""
    of = draw(st.integers(1, 400))
    return Share.rest(draw(st.integers(0, of)), of)


def debit(rate: Money, left: Share, adjusted: int = 0) -> Debit:
    """Charge a whole period."""
    return Debit(
        rate=rate, share=Share(0, left.of, left.of), adjusted=Money(adjusted, rate.currency)
    )


@given(rates, rates, lefts(), st.sampled_from(Cut))
def test_there_and_back_at_once_is_nothing(old, new, left, cut):
    """P2: a change that is undone at the same instant costs nothing, to the cent."""
    there = changed([Leaving(debit(old, left), left)], [Coming(new, left)], "EUR", cut)
    charged = Debit(rate=new, share=left, adjusted=NOTHING)
    back = changed([Leaving(charged, left)], [Coming(old, left)], "EUR", cut)
    assert there.net + back.net == NOTHING


@given(rates, lefts(), st.integers(0, 10**9), st.sampled_from(Cut))
def test_no_more_goes_back_than_is_held(rate, left, adjusted, cut):
    """P5: goodwill that was given before is not given again."""
    adjusted = min(adjusted, rate.amount_minor)
    one = debit(rate, left, adjusted)
    back = unused(one, left, cut)
    assert NOTHING <= back.amount <= Money(rate.amount_minor - adjusted, "EUR")
    assert back.amount <= back.uncapped
    assert back.line == -back.amount


@given(rates, lefts())
def test_what_goes_back_and_what_stays_sum(rate, left):
    """P1: what is used and what goes back come to what was charged."""
    used = Share(0, left.since, left.of).part(rate.amount_minor)
    assert unused(debit(rate, left), left).amount.amount_minor + used == rate.amount_minor


@given(st.lists(rates, max_size=5), lefts())
def test_each_debit_has_a_credit_of_its_own(found, left):
    """Several debits give back one by one, and all of it is the sum."""
    change = changed([Leaving(debit(rate, left), left) for rate in found], [], "EUR")
    each = [unused(debit(rate, left), left).amount.amount_minor for rate in found]
    assert [one.amount.amount_minor for one in change.credits] == each
    assert change.back.amount_minor == sum(each) == change.surplus.amount_minor
    assert change.net == -change.back


@given(rates, rates, lefts())
def test_what_exceeds_the_new_is_credit(old, new, left):
    """There is a surplus or something to pay, never both."""
    change = changed([Leaving(debit(old, left), left)], [Coming(new, left)], "EUR")
    assert change.surplus == max(-change.net, NOTHING)
    assert change.net == change.charged - change.back


@pytest.mark.parametrize("left", [Share(4, 10, 10), Share(8, 9, 10), Share(5, 8, 20)])
def test_what_was_not_charged_does_not_go_back(left):
    """Of the days five to eight of ten no others can be left."""
    one = Debit(rate=Money(1000, "EUR"), share=Share(5, 8, 10), adjusted=NOTHING)
    assert unused(one, Share(6, 8, 10)).amount.amount_minor == 200
    with pytest.raises(ValueError, match="charged"):
        unused(one, left)


def test_who_is_charged_for_the_last_day_is_a_term():
    """The day on which something ends is free, or it is billed and what comes has the next."""
    day, following = date(2024, 2, 29), date(2024, 3, 1)
    assert Terms(last_day=Days.FREE).uncharged_from(day) == day
    assert Terms(last_day=Days.BILLED).uncharged_from(day) == following


days = st.dates(date(2000, 1, 1), date(2050, 1, 1))


@given(days, st.integers(1, 31), st.integers(0, 1200), st.sampled_from([MONTHLY, YEARLY]))
def test_a_kept_cycle_ends_on_the_old_anchor(origin, anchor, later, interval):
    """The part ends where a period of the old anchor does; a new cycle is whole from its day on."""
    first = origin + timedelta(days=later)
    old, new = Schedule(MONTHLY, anchor, origin), Schedule(interval, first.day, first)
    part, whole = upcoming(old, new, first, Cycle.KEEP)
    assert part == Period(first, whole.end)
    assert old.first_begin(whole.end) == whole.end
    part, whole = upcoming(old, new, first, Cycle.RESTART)
    assert part == whole
    assert part.start == first


def test_a_restart_charges_the_whole_price():
    """A month that becomes a year in its middle gives half back and costs all of the year."""
    left = Share(15, 30, 30)
    change = changed(
        [Leaving(debit(Money(10_000, "EUR"), left), left)],
        [Coming(Money(100_000, "EUR"), WHOLE)],
        "EUR",
    )
    assert (change.back.amount_minor, change.charged.amount_minor) == (5_000, 100_000)
