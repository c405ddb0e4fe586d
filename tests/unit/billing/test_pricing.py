"""Charge models: what a quantity costs. What others publish is run in test_vectors.py."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.catalog.usage_price import Tier
from billing.rating import pricing


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 1000), st.integers(0, 99))
def test_cut_usage_begins_no_package_twice(before: int, more: int, size: int, free: int):
    """Rated together or one after the other, the same packages are begun."""
    first = pricing.packages(before, size=size, free=free)
    both = pricing.packages(before + more, size=size, free=free)
    assert 0 <= both - first <= -(-more // size) + 1
    assert both == pricing.packages(before + more, size=size, free=free)


@given(st.fractions(0, 10**6), st.fractions(0, 10**6))
def test_more_never_costs_less_by_the_unit(one: Fraction, other: Fraction):
    """Graduated prices rise with the quantity, whatever the tiers cost."""
    rows = [
        Tier(upto=Fraction(10), unit=Fraction(3), flat=Fraction(1)),
        Tier(upto=Fraction(50), unit=Fraction(1, 3)),
        Tier(unit=Fraction(0)),
    ]
    less, more = sorted((one, other))
    assert pricing.graduated(less, rows) <= pricing.graduated(more, rows)


def test_what_no_tier_has_a_price_for_is_refused():
    """Beyond the last end, and where there are no tiers at all, there is no price and no zero."""
    with pytest.raises(ValueError, match="no tier"):
        pricing.volume(11, [Tier(upto=Fraction(10))])
    with pytest.raises(ValueError, match="no tier"):
        pricing.top_blocks(1, [])
