"""Amounts as people type them."""

import pytest

from app.desk.typed import plain
from terms.errors import Invalid


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("12", "12"),
        (" 12.50 ", "12.50"),
        ("12,50", "12.50"),
        ("1234,5", "1234.5"),
        ("1,234.50", "1234.50"),
        ("1,481.400", "1481.400"),
        ("12,345,678.90", "12345678.90"),
        ("1,234,567", "1234567"),
        ("-1,50", "-1.50"),
    ],
)
def test_it_is_read_as_it_is_meant(typed, read):
    """As pages show it, and with a comma before the decimals."""
    assert plain(typed) == read


def test_what_can_be_read_in_two_ways_is_asked_again():
    """A thousand to some, little more than one to others: nobody guesses with money."""
    with pytest.raises(Invalid, match=r"two ways: write 1481 or 1\.481") as found:
        plain("1,481", "keep")
    assert found.value.field == "keep"


@pytest.mark.parametrize("typed", ["", "x", "1.2,3", "1,2,3", "1,23.4", "1,234.", "20%"])
def test_what_is_no_amount_stays_as_it_is(typed):
    """It is refused by whoever reads it, in the words that were typed."""
    assert plain(typed) == typed
