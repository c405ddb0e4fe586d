"""What a record of usage may say."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.usage.model import AGE_MAX, AHEAD_MAX, MICRO, Record, read, shown
from terms.errors import Invalid

NOW = datetime(2026, 3, 11, 9, tzinfo=UTC)
GOOD = {
    "id": "r-1",
    "contract": "100001",
    "meter": "hours",
    "quantity": "1.5",
    "at": "2026-03-11T09:30+01:00",
}

SECOND = timedelta(seconds=1)
ODD: list[Any] = [None, True, 1.5, [], {}, 1_700_000_000_000]


def test_a_record_is_read_exactly():
    """Quantities are millionths, instants are of the world, whatever zone they were told in."""
    assert read("rec", GOOD, NOW) == Record(
        source="rec",
        id="r-1",
        contract="100001",
        meter="hours",
        quantity_micro=1_500_000,
        used_at=datetime(2026, 3, 11, 8, 30, tzinfo=UTC),
    )


@given(st.integers(0, 10**12))
def test_a_quantity_is_shown_as_it_is(micro: int):
    """Whatever is counted is written so that it is read as the same."""
    text = shown(micro)
    assert Fraction(text) * MICRO == micro
    assert read("rec", {**GOOD, "quantity": text}, NOW).quantity_micro == micro


BAD: dict[str, list[Any]] = {
    "quantity": [*ODD, "", "-1", "1e9", "NaN", "Infinity", "1,5", "0x1", "٣", "1.0000001"],
    "at": [*ODD, "", "yesterday", "2026-03-11T09:00"],
    "id": [*ODD, "", "a b", "a\x00b", "\ud800", "x" * 81],
    "contract": [*ODD, "", "x" * 41, "é"],
    "meter": [*ODD, "", "-x", "x" * 41, "a/b"],
    "colour": ["red"],
}
BAD["quantity"] += ["1000000001", "9" * 40]
BAD["at"] += [(NOW - AGE_MAX - SECOND).isoformat(), (NOW + AHEAD_MAX + SECOND).isoformat()]


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in BAD.items() for value in values]
)
def test_what_is_wrong_is_named(field: str, value: Any):
    """A record that is negative, huge, no number, too old, still to come or odd names its field."""
    with pytest.raises(Invalid) as caught:
        read("rec", {**GOOD, field: value}, NOW)
    assert caught.value.field == field


@pytest.mark.parametrize("at", [NOW - AGE_MAX, NOW, NOW + AHEAD_MAX])
def test_the_limits_themselves_are_taken(at: datetime):
    """What is just old enough, or just so far ahead as clocks may differ, is taken."""
    assert read("rec", {**GOOD, "at": at.isoformat()}, NOW).used_at == at
