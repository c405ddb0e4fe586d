"""The codes on the cards: chance enough, and mistakes that are told without a look-up."""

from collections import Counter
from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.vouchers import code as codes
from billing.vouchers.code import ALPHABET, BODY_CHARS, CHANCE_BITS, CHANCE_CHARS, PREFIX_CHARS_MAX
from runtime.chance import SystemChance
from terms.errors import Invalid

PREFIXES = st.text(ALPHABET, max_size=PREFIX_CHARS_MAX)
CHANCES = st.integers(min_value=0, max_value=2**CHANCE_BITS - 1)
MADE = st.builds(codes.make, PREFIXES, CHANCES)


def is_told(typed: str) -> bool:
    """Tell whether a mistake is told."""
    try:
        codes.read(typed)
    except Invalid:
        return True
    return False


def test_a_code_has_more_than_sixty_bits_of_chance_and_no_look_alikes():
    """Fifteen of thirty-one characters, none of which is taken for another."""
    assert CHANCE_CHARS * log2(len(ALPHABET)) > 74
    assert not set("01ILO") & set(ALPHABET)
    assert len(set(ALPHABET)) == 31


def test_every_character_is_as_likely_as_any_other():
    """Of many codes each place has each character about as often as the others."""
    chance = SystemChance()
    made = [codes.make("", chance.bits(CHANCE_BITS)) for _ in range(3_100)]
    assert len(set(made)) == len(made)
    for place in range(BODY_CHARS):
        counts = Counter(code[place] for code in made)
        assert set(counts) == set(ALPHABET)
        assert max(counts.values()) < 170


@given(MADE, st.booleans())
def test_a_code_is_read_as_it_is_printed(code, small):
    """With hyphens or blanks, in small letters or large ones."""
    printed = codes.shown(code)
    typed = printed.lower().replace("-", "  ") if small else printed
    assert codes.read(f" {typed} ") == code
    assert printed.replace("-", "") == code


@given(MADE, st.data())
def test_one_wrong_character_is_told(code, data):
    """Whichever it is."""
    place = data.draw(st.integers(min_value=0, max_value=len(code) - 1))
    wrong = data.draw(st.sampled_from(sorted(set(ALPHABET) - {code[place]})))
    assert is_told(code[:place] + wrong + code[place + 1 :])


@given(MADE, st.data())
def test_two_that_changed_places_are_told(code, data):
    """Neighbours or not."""
    one, two = sorted(data.draw(st.sets(st.integers(0, len(code) - 1), min_size=2, max_size=2)))
    swapped = list(code)
    swapped[one], swapped[two] = code[two], code[one]
    assert is_told("".join(swapped)) == (code[one] != code[two])


@pytest.mark.parametrize(
    "typed",
    ["", "-", "2" * 15, "2" * 23, "O" * 16, "\0" * 16, "ß" * 16, "2 " * 5_000, "\uff12" * 16],
)
def test_what_is_no_code_is_told(typed):
    """Too short, too long, of other characters."""
    with pytest.raises(Invalid, match="typing mistake"):
        codes.read(typed)


@given(st.text(max_size=70))
def test_whatever_is_typed_is_a_code_or_is_told(typed):
    """Nothing else ever comes of reading."""
    assert is_told(typed) or len(codes.read(typed)) >= BODY_CHARS


@pytest.mark.parametrize("prefix", ["TOOLONG", "A-B", "O", "é"])
def test_a_prefix_is_of_the_same_characters(prefix):
    """Six at most."""
    with pytest.raises(Invalid, match="prefix"):
        codes.read_prefix(prefix)
