"""Discounts: nothing falls below zero, no cent is lost, and the order is the stated one."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.promotions.model import Discount, Item, Scope, Spread, difference, discounted
from terms.errors import Invalid
from terms.money import Money, Rate

amounts = st.integers(0, 10**7).map(lambda minor: Money(minor, "EUR"))
items = st.lists(
    st.builds(
        Item, offering=st.sampled_from("abc"), plan=st.sampled_from(["P", "Q"]), amount=amounts
    ),
    min_size=1,
    max_size=7,
)
offs = st.one_of(amounts, st.integers(0, 1_000_000).map(Rate))
discounts = st.one_of(
    st.builds(Discount, code=st.just("D"), off=offs),
    st.builds(
        Discount,
        code=st.just("L"),
        off=offs,
        scope=st.just(Scope.LINE),
        limited_to=st.sets(st.sampled_from("abc"), min_size=1).map(frozenset),
    ),
    st.builds(
        Discount,
        code=st.just("P"),
        off=offs,
        scope=st.just(Scope.PLAN),
        limited_to=st.sampled_from([frozenset("P"), frozenset("Q")]),
    ),
)
several = st.lists(discounts, max_size=4)


def euro(text: str) -> Money:
    """Read an amount."""
    return Money.parse(text, "EUR")


def item(amount: str, offering: str = "a", plan: str = "P") -> Item:
    """Make a charge."""
    return Item(offering=offering, plan=plan, amount=euro(amount))


@given(items, several, st.sampled_from(Spread))
def test_no_combination_makes_a_line_negative(found, taken, spread):
    """Whatever is taken off, each item keeps something between nothing and its price."""
    result = discounted(found, taken, "EUR", spread)
    for one, net in zip(found, result.nets, strict=True):
        assert 0 <= net <= one.amount.amount_minor


@given(items, several)
def test_what_is_taken_and_what_is_left_sum_to_the_price(found, taken):
    """P1: in whole minor units the parts of every discount sum, item by item and in all."""
    result = discounted(found, taken, "EUR")
    assert all(part.denominator == 1 for part in result.taken)
    for one, off, net in zip(found, result.offs, result.amounts, strict=True):
        assert off + net == one.amount
    assert sum(off.amount_minor for off in result.offs) == result.off.amount_minor
    assert sum(net.amount_minor for net in result.amounts) == result.net.amount_minor


@given(items, amounts)
def test_a_fixed_amount_is_taken_whole_as_far_as_it_goes(found, off):
    """A fixed discount is neither lost nor grows by being spread."""
    whole = sum(one.amount.amount_minor for one in found)
    result = discounted(found, [Discount(code="D", off=off)], "EUR")
    assert result.off.amount_minor == min(off.amount_minor, whole)


@given(items, st.integers(0, 1_000_000))
def test_a_percentage_is_rounded_once(found, ppm):
    """A percentage of all items is that of their sum, within half a minor unit."""
    whole = sum(one.amount.amount_minor for one in found)
    result = discounted(found, [Discount(code="D", off=Rate(ppm))], "EUR")
    assert abs(result.off.amount_minor - Fraction(whole * ppm, 1_000_000)) <= Fraction(1, 2)


@given(items, discounts)
def test_a_part_is_in_proportion(found, one):
    """Spread in whole minor units no item bears a minor unit more or less than its exact part.

    That of a percentage, rounded once, is exact to a half.
    """
    whole, fine = (discounted(found, [one], "EUR", spread) for spread in Spread)
    for rounded, exact in zip(whole.taken, fine.taken, strict=True):
        assert abs(rounded - exact) < Fraction(3, 2)


def test_lines_come_first_then_plans_then_the_invoice():
    """Each discount is taken of what the ones before have left, in whatever order they are told."""
    half, tenth = Rate.parse("50%"), Rate.parse("10%")
    of_line = Discount(code="L", off=euro("4.00"), scope=Scope.LINE, limited_to=frozenset("a"))
    of_plan = Discount(code="P", off=half, scope=Scope.PLAN, limited_to=frozenset("P"))
    of_all = Discount(code="I", off=tenth)
    found = [item("10.00"), item("20.00", "b", "Q")]
    told = discounted(found, [of_all, of_plan, of_line], "EUR")
    assert told == discounted(found, [of_line, of_plan, of_all], "EUR")
    # 10 - 4 = 6, half of it is 3; of 3 + 20 a tenth is 2.30.
    assert str(told.net) == "20.70 EUR"


def test_a_change_discounts_both_totals():
    """Five off two and then off three: the change costs the price of one, not five less."""
    off = Discount(code="D", off=euro("5.00"))
    before, after = [item("20.00")], [item("30.00")]
    assert difference(before, after, [off], "EUR") == euro("10.00")
    assert difference(after, before, [off], "EUR") == -euro("10.00")


@given(items, items, several)
def test_a_change_there_and_back_is_nothing(before, after, taken):
    """P2: what a change costs comes back when it is undone."""
    there, back = (difference(*pair, taken, "EUR") for pair in ((before, after), (after, before)))
    assert there + back == Money(0, "EUR")


def test_a_discount_counts_for_its_periods_and_its_window():
    """The first periods of a subscription that begin in the window; its end is not in it."""
    three = Discount(
        code="D",
        off=euro("1.00"),
        periods_max=3,
        since=date(2025, 1, 1),
        until=date(2025, 3, 1),
    )
    assert three.counts(period=3, begins_on=date(2025, 2, 28))
    assert not three.counts(period=4, begins_on=date(2025, 2, 28))
    assert not three.counts(period=1, begins_on=date(2024, 12, 31))
    assert not three.counts(period=1, begins_on=date(2025, 3, 1))
    assert Discount(code="D", off=euro("1.00")).counts(period=999, begins_on=date(1999, 1, 1))


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"off": Rate(1_000_001)}, "off"),
        ({"off": Money(-1, "EUR")}, "off"),
        ({"scope": Scope.LINE}, "limited_to"),
        ({"limited_to": frozenset("a")}, "limited_to"),
        ({"periods_max": 0}, "periods_max"),
        ({"since": date(2025, 1, 1), "until": date(2025, 1, 1)}, "until"),
    ],
)
def test_what_makes_no_sense_is_refused(more, field):
    """A discount that gives more than all, to nobody, or never, cannot be made."""
    with pytest.raises(Invalid, match=field):
        Discount(**{"code": "D", "off": Rate(1), **more})


def test_what_goes_back_is_not_discounted():
    """Only charges are: a credit has its discount in it."""
    with pytest.raises(ValueError, match="charged"):
        discounted([Item(offering="a", plan="P", amount=Money(-1, "EUR"))], [], "EUR")


def test_another_currency_is_refused():
    """A fixed amount of one currency takes nothing off another."""
    with pytest.raises(ValueError, match="mix"):
        discounted([item("1.00")], [Discount(code="D", off=Money(1, "USD"))], "EUR")
