"""What usage costs: read from a line of text, rated as a whole."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.catalog.usage_price import PriceModel, Tier, UsagePrice
from billing.rating.usage import beyond, rated
from terms.money import Money

NUMBERS = st.decimals(0, 9_999, places=4).map(Fraction)
ABOVE_ZERO = NUMBERS.filter(bool)
FLATS = st.builds(
    lambda bounds, units, flats: tuple(
        Tier(upto=bound, unit=unit, flat=flat)
        for bound, unit, flat in zip([*sorted(bounds), None], units, flats, strict=False)
    ),
    *(st.sets(ABOVE_ZERO, max_size=4), st.lists(NUMBERS, min_size=5, max_size=5)),
    st.lists(NUMBERS, min_size=5, max_size=5),
)
PRICES = st.one_of(
    st.builds(
        UsagePrice,
        model=st.sampled_from([PriceModel.GRADUATED, PriceModel.VOLUME]),
        tiers=FLATS,
    ),
    st.builds(
        UsagePrice,
        model=st.just(PriceModel.PACKAGE),
        size=ABOVE_ZERO,
        price=NUMBERS,
        free=NUMBERS,
    ),
    st.builds(
        UsagePrice,
        model=st.just(PriceModel.PERCENTAGE),
        share=NUMBERS.map(lambda n: n / 100),
        free=NUMBERS,
        per_event=NUMBERS,
        free_events=st.integers(0, 99),
    ),
)


@given(PRICES)
def test_what_is_written_is_read(price: UsagePrice):
    """Whatever usage costs is written so that it is read as the same price."""
    assert UsagePrice.parse(str(price)) == price


@given(PRICES, NUMBERS, st.integers(0, 1_000))
def test_a_cost_is_never_negative(price: UsagePrice, quantity: Fraction, events: int):
    """No quantity costs less than nothing, and none fails."""
    assert rated(price, quantity, events, "EUR") >= Money(0, "EUR")


@pytest.mark.parametrize(
    ("text", "quantity", "events", "cents"),
    [
        ("graduated 10=0 100=0.10 *=0.05", "10", 1, 0),
        ("graduated 10=0 100=0.10 *=0.05", "10.5", 1, 5),
        ("graduated 10=0 100=0.10 *=0.05", "120", 1, 1000),
        ("graduated *=0.00333333", "3", 3, 1),
        ("volume 100=0.10 *=0.08+1.00", "100", 1, 1000),
        ("volume 100=0.10 *=0.08+1.00", "101", 1, 908),
        ("package 10=1.50", "0", 0, 0),
        ("package 10=1.50 free=20", "21", 1, 150),
        ("package 10=1.50 free=20", "30.000001", 1, 300),
        ("percentage 2.5%", "199.80", 4, 500),
        ("percentage 2.5% free=100 event=0.10 free_events=3", "200", 5, 270),
    ],
)
def test_a_quantity_costs(text: str, quantity: str, events: int, cents: int):
    """Each model comes to the amount that its line says, rounded once."""
    price = UsagePrice.parse(text)
    assert rated(price, Fraction(quantity), events, "EUR") == Money(cents, "EUR")


def test_currencies_without_cents_round_to_their_own_unit():
    """The same price in yen and in dinars is rounded to what these have."""
    price = UsagePrice.parse("graduated *=1.2345")
    assert rated(price, 1, 1, "JPY") == Money(1, "JPY")
    assert rated(price, 1, 1, "BHD") == Money(1235, "BHD")


def test_what_is_committed_is_not_charged_twice():
    """Usage is charged beyond what is committed, and never below zero."""
    assert beyond(Money(900, "EUR"), Money(1000, "EUR")) == Money(0, "EUR")
    assert beyond(Money(1100, "EUR"), Money(1000, "EUR")) == Money(100, "EUR")


@pytest.mark.parametrize(
    "text",
    [
        *("stairs *=1", "graduated", "graduated 10=1", "graduated 10=1 10=2 *=3"),
        *("graduated 0=1 *=1", "graduated *=1 *=2", "graduated *=-1", "graduated *=1e3"),
        *("graduated *=", "graduated *=NaN", "graduated *=1+", "volume x=1 *=1"),
        *(
            "package",
            "package 0=1",
            "package 10",
            "package 10=1 event=2",
            "package 1=1 free=1 free=2",
        ),
        *("percentage", "percentage 2.5", "percentage 2% free_events=1.5", "percentage -1%"),
        "graduated *=" + "9" * 30,
        "graduated " + " ".join(f"{n}=1" for n in range(1, 60)) + " *=1",
        "graduated *=٣",
    ],
)
def test_what_makes_no_sense_is_refused(text: str):
    """A price with a gap, an overlap, a sign or no number is refused with the reason."""
    with pytest.raises(ValueError, match=r"."):
        UsagePrice.parse(text)
