"""Drawers: what should be in one is what went in less what went out, in each currency."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.cash.model import (
    ALLOWED,
    Shift,
    ShiftState,
    check_amount,
    check_second,
    compare,
    expected,
    needs_second,
    step,
)
from terms.errors import Forbidden, Invalid, InvalidTransition
from terms.money import Money
from tests.fixtures.clock import FakeMachine

AMOUNTS = st.builds(Money, st.integers(1, 10**9), st.sampled_from(["EUR", "JPY", "KWD"]))


@given(st.lists(AMOUNTS), st.lists(AMOUNTS), st.lists(AMOUNTS), st.data())
def test_what_is_expected_is_what_went_in_less_what_went_out(floats, came, went, data):
    """In any order, however it is cut in two: opening and in less out; nothing is lost between."""
    moved = data.draw(st.permutations([*floats, *came, *(-one for one in went)]))
    cut = data.draw(st.integers(0, len(moved)))
    found = expected(moved)
    assert found == expected([*expected(moved[:cut]).values(), *expected(moved[cut:]).values()])
    for currency in ("EUR", "JPY", "KWD"):
        sums = [
            sum(one.amount_minor for one in each if one.currency == currency)
            for each in (floats, came, went)
        ]
        there = found.get(currency, Money(0, currency))
        assert there.amount_minor == sums[0] + sums[1] - sums[2]


@given(st.lists(AMOUNTS, max_size=6), st.integers(-99, 99))
def test_what_differs_is_what_is_more_or_less(moved, differs):
    """Counted less expected, to the minor unit; the two together are what was counted."""
    drawer = expected(moved)
    counts = [Money(max(one.amount_minor + differs, 0), one.currency) for one in drawer.values()]
    for one in compare(drawer, counts):
        assert one.expected + one.difference == one.counted
    assert needs_second(compare(drawer, counts), abs(differs)) is False
    if drawer and all(one.amount_minor > abs(differs) > 0 for one in drawer.values()):
        assert needs_second(compare(drawer, counts), abs(differs) - 1)


def test_every_currency_is_counted_once():
    """What is left out, counted twice or less than nothing is no count; another may be found."""
    drawer = {"EUR": Money(100, "EUR"), "JPY": Money(0, "JPY")}
    for counts, why in (
        ([Money(100, "EUR")], "count the JPY too"),
        ([Money(100, "EUR"), Money(1, "EUR")], "counted twice"),
        ([Money(-1, "EUR"), Money(0, "JPY")], "nothing at least"),
    ):
        with pytest.raises(Invalid, match=why):
            compare(drawer, counts)
    found = compare(drawer, [Money(5, "USD"), Money(100, "EUR"), Money(0, "JPY")])
    assert [one.difference.amount_minor for one in found] == [0, 0, 5]
    for amount in (0, -1, 10**14):
        with pytest.raises(Invalid):
            check_amount(Money(amount, "EUR"))


def test_shifts_close_for_good_and_by_a_second_person():
    """Open, counted and closed; who sat there and who counted are no second person."""
    for state, to in product(ShiftState, ShiftState):
        if to in ALLOWED[state]:
            assert step(state, to) is to
            continue
        with pytest.raises(InvalidTransition):
            step(state, to)
    assert ALLOWED[ShiftState.CLOSED] == frozenset()
    one = Shift(
        id="1",
        till="main",
        n=1,
        cashier="anna",
        state=ShiftState.COUNTED,
        opened_at=FakeMachine().now,
        entries=0,
        counted_by="bert",
    )
    for name in ("anna", "bert"):
        with pytest.raises(Forbidden, match="second person"):
            check_second(one, name)
    check_second(one, "carla")
