"""Chance is given, repeatable where a seed is, and what ids are made of."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.chance import Chance, SeededChance, SystemChance, new_id

INSTANT = datetime(2026, 3, 31, 12, 0, 0, 1_999, tzinfo=UTC)
MOMENT = timedelta(seconds=7, microseconds=1)


def drawn(chance: Chance) -> list[object]:
    """Some of everything."""
    return [chance.bits(80), chance.fraction(), chance.token(16), chance.bits(1)]


def test_a_seed_repeats_itself():
    """The same seed gives the same chance, another seed another one."""
    assert drawn(SeededChance(7)) == drawn(SeededChance(7))
    assert drawn(SeededChance(7)) != drawn(SeededChance(8))


def test_the_system_does_not_repeat_itself():
    """Two draws of the system's chance differ."""
    assert drawn(SystemChance()) != drawn(SystemChance())


@pytest.mark.parametrize("chance", [SystemChance(), SeededChance(1)])
def test_chance_keeps_its_bounds(chance: Chance):
    """Bits fit, fractions lie below one, a token holds its bytes and is safe in a URL."""
    for _ in range(200):
        assert 0 <= chance.bits(5) < 32
        assert 0 <= chance.fraction() < 1
        token = chance.token(32)
        assert len(token) == 43
        assert token.replace("-", "").replace("_", "").isalnum()


@given(
    st.integers(min_value=0, max_value=10**9).map(lambda n: INSTANT + n * MOMENT),
    st.integers(min_value=1, max_value=10**12),
)
def test_ids_sort_by_their_instant(instant, milliseconds):
    """An id made a millisecond later sorts behind, whatever chance says."""
    chance = SeededChance(milliseconds)
    later = instant + timedelta(milliseconds=milliseconds)
    assert new_id(instant, chance) < new_id(later, chance)


def test_an_id_is_of_an_instant_not_of_a_zone():
    """The same instant in two zones makes the same id from the same chance."""
    there = INSTANT.astimezone(timezone(timedelta(hours=13)))
    assert new_id(INSTANT, SeededChance(3)) == new_id(there, SeededChance(3))


def test_a_naive_time_makes_no_id():
    """A time without a zone is refused."""
    with pytest.raises(TypeError):
        new_id(INSTANT.replace(tzinfo=None), SeededChance(1))
