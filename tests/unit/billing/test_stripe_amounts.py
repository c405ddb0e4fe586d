"""Amounts as Stripe words them: docs.stripe.com/currencies, with its own examples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.payments.providers.stripe.amounts import decimals, read, worded
from terms.errors import Invalid
from terms.money import Money, exponent


@pytest.mark.parametrize(
    ("owed", "currency", "asked"),
    [
        ("10.00", "USD", "1000"),
        ("500", "JPY", "500"),
        ("10", "KRW", "10"),
        ("5.120", "KWD", "5120"),
        ("5.124", "KWD", "5130"),
        ("0.001", "BHD", "10"),
        ("5", "ISK", "500"),
        ("5", "UGX", "500"),
        ("10.45", "HUF", "1045"),
        ("800.45", "TWD", "80045"),
        ("100.00", "MGA", "100"),
        ("100.20", "MGA", "101"),
    ],
)
def test_an_amount_is_worded_as_the_provider_counts(owed: str, currency: str, asked: str):
    """Without decimals, with two or three of them, and never less than is owed."""
    assert worded(Money.parse(owed, currency)) == int(asked)


@pytest.mark.parametrize(("units", "currency"), [(550, "ISK"), (1, "UGX"), (99, "ISK")])
def test_a_part_of_what_has_none_is_not_guessed(units: int, currency: str):
    """A fraction of a króna or of a shilling is no amount."""
    with pytest.raises(Invalid, match="finer than"):
        read(units, currency)


CURRENCIES = ("EUR", "JPY", "KWD", "TND", "ISK", "UGX", "HUF", "MGA", "XOF", "IQD", "CLF")


@given(st.integers(1, 10**9), st.sampled_from(CURRENCIES))
def test_what_is_asked_for_pays_what_is_owed(minor: int, currency: str):
    """Read back it is what is owed, or more by less than the provider's smallest step."""
    owed = Money(minor, currency)
    paid = read(worded(owed), currency)
    step = 10 if decimals(currency) == 3 else 10 ** max(exponent(currency) - decimals(currency), 0)
    assert 0 <= (paid - owed).amount_minor < step
    assert worded(paid) == worded(owed)
