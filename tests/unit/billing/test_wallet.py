"""Wallets: when one is low, and which amounts may be put into one."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.payments.wallet import Need, WalletRules, check_amount, is_low, looks_at
from terms.errors import Invalid
from terms.money import Money

RULES = WalletRules(currency="EUR", low_minor=500, renewal_days=3)
MINOR = st.integers(0, 10**6)


@given(MINOR, MINOR, MINOR)
def test_more_money_is_never_lower(unused, asked, more):
    """Who has more is not low, and lacks nothing, where who has less is not and does not."""
    rules = WalletRules(currency="EUR", low_minor=asked)
    need = Need(on=date(2026, 4, 1), amount=Money(asked, "EUR"))
    less, most = Money(unused, "EUR"), Money(unused + more, "EUR")
    assert (is_low(less, rules), need.is_met(less)) == (unused < asked, unused >= asked)
    assert is_low(less, rules) >= is_low(most, rules)
    assert need.is_met(less) <= need.is_met(most)


def test_a_renewal_is_near_so_many_days_before():
    """Three days before the first of April it is looked at; without a renewal never."""
    assert looks_at(RULES, date(2026, 4, 1)) == date(2026, 3, 29)
    assert looks_at(RULES, None) is None
    assert looks_at(None, date(2026, 4, 1)) is None
    assert looks_at(WalletRules(currency="EUR"), date(2026, 4, 1)) is None


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("low", {"low_minor": -1}),
        ("renewal_days", {"renewal_days": 61}),
        ("top_up_min", {"top_up_min_minor": 0}),
        ("top_up_min", {"top_up_min_minor": 9, "top_up_max_minor": 8}),
    ],
)
def test_rules_that_make_no_sense_are_refused_by_name(field, wrong):
    """Each names its field."""
    with pytest.raises(Invalid) as refused:
        WalletRules(currency="EUR", **wrong)
    assert refused.value.field == field


def test_only_what_is_between_goes_in():
    """Bounds belong to the rules' currency alone; nothing and absurd amounts never go in."""
    rules = WalletRules(currency="EUR", top_up_min_minor=500, top_up_max_minor=1000)
    rules.check_top_up(Money(500, "EUR"))
    rules.check_top_up(Money(1000, "EUR"))
    rules.check_top_up(Money(1, "JPY"))
    for minor in (499, 1001):
        with pytest.raises(Invalid, match="must be"):
            rules.check_top_up(Money(minor, "EUR"))
    for minor in (0, -1, 10**14):
        with pytest.raises(Invalid):
            check_amount(Money(minor, "EUR"))
