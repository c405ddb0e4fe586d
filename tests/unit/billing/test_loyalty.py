"""Points: what is earned, kept and gone, for any payments whatever."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.loyalty.model import Lot, Program, Tier, expired, kept
from terms.errors import Invalid
from terms.money import Money, Rate

TIERS = (
    Tier(name="Bronze", from_minor=0, earns=Rate.parse("1%")),
    Tier(name="Silver", from_minor=5_000, earns=Rate.parse("2.5%")),
    Tier(name="Gold", from_minor=20_000, earns=Rate.parse("10%")),
)
PROGRAM = Program(months=12, tiers=TIERS)
amounts = st.integers(1, 10**9)
days = st.dates(date(2020, 1, 1), date(2035, 12, 31))


@given(paid=amounts, more=amounts, amount=amounts)
def test_who_has_paid_more_earns_no_less(paid, more, amount):
    """A higher tier brings at least as many points, and none more than was paid."""
    assert PROGRAM.earns(paid, amount) <= PROGRAM.earns(paid + more, amount) <= amount


@given(amount=amounts, back=st.lists(st.integers(0, 10**9), max_size=5), earned=amounts)
def test_what_goes_back_takes_its_points_and_no_others(amount, back, earned):
    """The more goes back, the fewer stay; nothing back leaves all, all back leaves none."""
    steps = sorted(min(part, amount) for part in back)
    stays = [kept(earned, amount, part) for part in (0, *steps, amount)]
    assert stays == sorted(stays, reverse=True)
    assert (stays[0], stays[-1]) == (earned, 0)


@given(
    lots=st.lists(st.builds(Lot, points=amounts, expires_on=days), max_size=8),
    used=st.integers(0, 10**10),
    today=days,
)
def test_never_more_expires_than_is_left(lots, used, today):
    """What is gone is what was earned too long ago and not used, and a second look finds none."""
    over = expired(lots, used, today)
    assert 0 <= over <= max(sum(lot.points for lot in lots) - used, 0)
    assert expired(lots, used + over, today) == 0


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        ({"referral": Money(0, "EUR")}, "loyalty.referral"),
        ({"months": 0}, "loyalty.months"),
        ({"months": 121}, "loyalty.months"),
        ({"tiers": TIERS[1:]}, "loyalty.tiers"),
        ({"tiers": TIERS[::-1]}, "loyalty.tiers"),
        ({"tiers": (Tier(name="A", from_minor=0, earns=Rate(1_000_001)),)}, "loyalty.tiers"),
    ],
)
def test_a_program_that_makes_no_sense_is_refused(given_, field):
    """Whatever is wrong with it, its field is named."""
    with pytest.raises(Invalid) as refused:
        Program(**given_)
    assert refused.value.field == field


def test_points_last_to_the_same_day_of_the_month():
    """From the 31st of a month they last to the last day of a shorter one."""
    assert Program(months=1).expires_on(date(2026, 1, 31)) == date(2026, 2, 28)
    assert PROGRAM.expires_on(date(2028, 2, 29)) == date(2029, 2, 28)
