"""Money is an exact integer with a currency; splitting conserves and rounding happens once."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terms.errors import Invalid
from terms.money import Money, Rate, Rounding, at_places, divide_half_up, exponent, nearest, total

amounts = st.integers(-(10**12), 10**12)
currencies = st.sampled_from(["EUR", "USD", "JPY", "KWD", "CLF"])


@given(amounts, st.integers(1, 10**6))
def test_rounding_is_half_up_away_from_zero(numerator, denominator):
    """The quotient is the nearest integer, and a tie goes away from zero."""
    rounded = divide_half_up(numerator, denominator)
    exact = Fraction(numerator, denominator)
    assert abs(exact - rounded) <= Fraction(1, 2)
    if abs(exact - rounded) == Fraction(1, 2):
        assert abs(rounded) > abs(exact)


@given(amounts, st.integers(1, 10**6))
def test_a_credit_mirrors_its_charge(amount, denominator):
    """Rounding the negative gives the exact negative: a reversal nets zero."""
    assert divide_half_up(-amount, denominator) == -divide_half_up(amount, denominator)


@given(amounts, currencies, st.lists(st.integers(0, 10**6), min_size=1).filter(any))
def test_allocated_parts_sum_to_the_whole(amount, currency, weights):
    """Largest remainder: parts add up, and none is a minor unit away from its exact share."""
    whole = Money(amount, currency)
    parts = whole.allocate(weights)
    assert total(parts, currency) == whole
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.amount_minor - Fraction(amount * weight, sum(weights))) < 1


@given(amounts, currencies)
def test_text_and_back_is_the_same_money(amount, currency):
    """What is printed is read back to the minor unit."""
    money = Money(amount, currency)
    text, code = str(money).split()
    assert Money.parse(text, code) == money


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("19.90", "EUR", 1990),
        ("19.9", "EUR", 1990),
        ("1200", "JPY", 1200),
        ("0.005", "KWD", 5),
        ("-3", "USD", -300),
        ("12.00", "JPY", 12),
    ],
)
def test_amounts_are_read_exactly(text, currency, minor):
    """The currency's own exponent decides how many minor units there are."""
    assert Money.parse(text, currency).amount_minor == minor


@pytest.mark.parametrize(
    "text", ["", "1,5", "1e3", "NaN", "0.001", "٣", "1_000", " 1", "+1", "1.", "9" * 30]
)
def test_anything_else_is_not_an_amount(text):
    """No exponent, no foreign digits, nothing finer than the minor unit."""
    with pytest.raises(ValueError, match=r"not an amount|finer"):
        Money.parse(text, "EUR")


@pytest.mark.parametrize("wrong", [1.0, True, "1", None])
def test_an_amount_that_is_not_an_integer_is_refused(wrong):
    """No float, no bool, no text ever becomes money."""
    with pytest.raises(TypeError):
        Money(wrong, "EUR")


@pytest.mark.parametrize(
    ("minor", "currency", "read"),
    [
        (123_456_789, "EUR", "1,234,567.89 EUR"),
        (-123_450, "EUR", "-1,234.50 EUR"),
        (-50, "EUR", "-0.50 EUR"),
        (99_999, "EUR", "999.99 EUR"),
        (1_446, "JPY", "1,446 JPY"),
        (1_000_000, "KWD", "1,000.000 KWD"),
    ],
)
def test_in_a_sentence_thousands_stand_apart(minor, currency, read):
    """People read 1,234.50 EUR, in an error as on a page; what a program reads has no commas."""
    amount = Money(minor, currency)
    assert f"{amount}" == read
    assert f"{amount:>20}" == read.rjust(20)
    assert str(Invalid("amount", f"at most {amount}")) == f"amount: at most {read}"
    assert str(amount) == read.replace(",", "")


def test_two_currencies_never_mix():
    """Adding yen to euros is an error, not a number."""
    with pytest.raises(ValueError, match="cannot mix"):
        Money(1, "EUR") + Money(1, "JPY")


@pytest.mark.parametrize(("code", "digits"), [("EUR", 2), ("JPY", 0), ("KWD", 3), ("XOF", 0)])
def test_exponents_are_those_of_iso_4217(code, digits):
    """Most currencies have hundredths; some have none, a few have thousandths."""
    assert exponent(code) == digits


@pytest.mark.parametrize(
    ("text", "ppm"), [("20%", 200_000), ("8.875%", 88_750), ("0%", 0), ("5.5%", 55_000)]
)
def test_rates_are_read_exactly(text, ppm):
    """A percentage has at most four decimals and prints as it was written."""
    assert Rate.parse(text) == Rate(ppm)
    assert str(Rate(ppm)) == text


@pytest.mark.parametrize("text", ["20", "-1%", "1e1%", "0.00001%", "%"])
def test_anything_else_is_not_a_rate(text):
    """A rate says that it is one."""
    with pytest.raises(ValueError, match="percentage"):
        Rate.parse(text)


@given(st.integers(0, 10**9), st.integers(0, 10**6))
def test_a_rate_of_an_amount_is_rounded_once(amount, ppm):
    """20 % of 2.99 is 0.60: one multiplication, one rounding."""
    share = Rate(ppm).of(Money(amount, "EUR")).amount_minor
    assert abs(share - Fraction(amount * ppm, 1_000_000)) <= Fraction(1, 2)


exacts = st.fractions(-(10**6), 10**6, max_denominator=1000)


@given(exacts, st.sampled_from(Rounding))
def test_a_rule_of_rounding_decides_over_halves_alone(exact, rounding):
    """Every rule gives the nearest integer; of two that are as near it takes the one it names."""
    rounded = nearest(exact, rounding)
    assert abs(exact - rounded) <= Fraction(1, 2)
    if abs(exact - rounded) == Fraction(1, 2):
        is_up = abs(rounded) > abs(exact)
        assert is_up if rounding is Rounding.HALF_UP else rounded % 2 == 0
    assert nearest(-exact, rounding) == -rounded


@given(exacts, st.integers(0, 9), st.sampled_from(Rounding))
def test_decimals_are_as_many_as_asked_for(exact, places, rounding):
    """Rounded to so many decimals a number has no more, and is within half of the last."""
    rounded = at_places(exact, places, rounding)
    assert (rounded * 10**places).denominator == 1
    assert abs(exact - rounded) * 10**places <= Fraction(1, 2)
    assert at_places(rounded, places, rounding) == rounded


@given(exacts, currencies, st.sampled_from(Rounding))
def test_an_exact_amount_becomes_money_of_its_currency(units, currency, rounding):
    """It is rounded once, at the decimals that the currency has."""
    money = Money.of(units, currency, rounding)
    assert Fraction(money.amount_minor, 10 ** exponent(currency)) == at_places(
        units, exponent(currency), rounding
    )
