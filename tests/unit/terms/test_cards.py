"""Numbers of payment cards: those that schemes publish for tests are found, others are not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terms.cards import HIDDEN, holds_card, without_cards, without_cards_in_json
from terms.luhn import passes_luhn

CARDS = (
    *("4242424242424242", "4111111111111111", "4000056655665556", "4222222222222"),
    *("5555555555554444", "5105105105105100", "2223003122003222", "2720999999999996"),
    *("378282246310005", "371449635398431", "6011111111111117", "6500000000000002"),
    *("30569309025904", "36227206271667", "3566002020360505", "6200000000000005"),
)
OTHERS = (
    "4242424242424241",  # a wrong check digit
    "1234567812345670",  # a right one, of no scheme
    "AT611904300234573201",
    "DE89 3704 0044 0532 0130 00",
    "200001",
    "INV-00000012",
    "2026-11-28T04:33:47.123456Z",
    "00:1A:79:42:42:42",
    "pi_4242424242424242",
    "42424242424242424242",
)


@pytest.mark.parametrize("number", CARDS)
def test_a_card_is_found_however_it_is_written(number: str):
    """Alone, in a sentence, in groups of four with blanks or dashes."""
    groups = [number[at : at + 4] for at in range(0, len(number), 4)]
    for written in (number, " ".join(groups), "-".join(groups)):
        assert holds_card(written)
        assert without_cards(f"It is {written}, thanks.") == f"It is {HIDDEN}, thanks."
        assert without_cards(f"12 {written} 100-{written}") == f"12 {HIDDEN} 100-{HIDDEN}"


@pytest.mark.parametrize("text", OTHERS)
def test_other_digits_stay(text: str):
    """What is no number of a card is left as it is."""
    assert not holds_card(text)
    assert without_cards(text) == text


@given(st.from_regex(r"4[0-9]{14}", fullmatch=True), st.integers(0, 9))
def test_one_of_ten_check_digits_is_right(body: str, last: int):
    """Of the ten numbers with one beginning one is a card."""
    found = [digit for digit in range(10) if holds_card(f"{body}{digit}")]
    assert len(found) == 1
    assert passes_luhn(f"{body}{last}") == (found == [last])


@given(st.text(), st.sampled_from(CARDS))
def test_no_text_brings_a_card_along(text: str, number: str):
    """Whatever stands around it, and no other mark is lost."""
    told = without_cards(f"{text} \n{number}\n {text}")
    assert number not in told
    assert told.startswith(without_cards(text).rstrip(" -")[:1])


def test_documents_lose_the_cards_in_their_texts_alone():
    """Numbers, keys and the rest stay; one without a card stays to the byte, so does nonsense."""
    document = {"n": 4242424242424242, "deep": [{"text": f"{CARDS[0]} ä"}], "id": "evt_1"}
    hidden = {"n": 4242424242424242, "deep": [{"text": f"{HIDDEN} ä"}], "id": "evt_1"}
    assert json.loads(without_cards_in_json(json.dumps(document).encode())) == hidden
    for body in (b'{ "id" : "evt_1" }', b"\xff", b"4242424242424242 is no document"):
        assert without_cards_in_json(body) == body
