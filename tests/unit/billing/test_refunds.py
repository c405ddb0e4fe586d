"""Refunds: each step of the table and no other; how much one person gives back alone."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.payments.refunds import (
    ALLOWED,
    LEAVES,
    UNDECIDED,
    Alone,
    RefundState,
    check_second,
    step,
)
from terms.errors import Forbidden, Invalid, InvalidTransition
from terms.money import Money

AMOUNTS = st.builds(Money, st.integers(1, 10**9), st.just("EUR"))


def test_a_refund_takes_no_step_but_those_of_the_table():
    """What waits goes or is declined; what was declined, refused or bounced stays so."""
    for state, to in product(RefundState, RefundState):
        if to in ALLOWED[state]:
            assert step(state, to) is to
            continue
        with pytest.raises(InvalidTransition):
            step(state, to)
    assert {state for state in RefundState if not ALLOWED[state]} == {
        RefundState.DECLINED,
        RefundState.REFUSED,
        RefundState.BOUNCED,
    }
    assert RefundState.WAITING not in UNDECIDED | LEAVES


@given(AMOUNTS, st.lists(AMOUNTS), st.integers(0, 10**10))
def test_who_gives_alone_never_comes_above_the_limit(amount, before, limit):
    """Allowed is exactly what fits with all that was given before; elsewhere it is any amount."""
    alone = Alone(up_to_minor={"EUR": limit})
    given_minor = sum(one.amount_minor for one in before)
    assert alone.allows(amount, before) is (given_minor + amount.amount_minor <= limit)
    assert Alone().allows(amount, before)
    assert alone.allows(Money(amount.amount_minor, "CZK"), [])


def test_a_limit_is_an_amount_and_a_second_person_another_one():
    """Nothing at least; whoever has asked for a refund is no second person of it."""
    for minor in (-1, 10**14):
        with pytest.raises(Invalid) as caught:
            Alone(up_to_minor={"EUR": minor})
        assert caught.value.field == "alone_up_to.EUR"
    assert Alone(up_to_minor={"EUR": 0}).limit("EUR") == Money(0, "EUR")
    assert Alone(up_to_minor={"EUR": 0}).limit("CZK") is None
    with pytest.raises(Forbidden, match="second person"):
        check_second("anna", "anna")
    check_second("anna", "bert")
