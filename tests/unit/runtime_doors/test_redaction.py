"""Secrets do not come out, whatever holds them; ordinary words do."""

import base64
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from runtime.redaction import HIDDEN, TEXT_CHARS_MAX, _is_plain, is_secret_name, redact, scrub

CANARY = "cAnArY-7731"
BASIC = base64.b64encode(f"api:{CANARY}".encode()).decode()
CARDS = [
    "4242424242424242",
    "4242 4242 4242 4242",
    "4242-4242-4242-4242",
    "5555555555554444",
    "378282246310005",
    "6011111111111117",
    "30569309025904",
    "2223003122003222",
]
# Every text holds a secret, and the word to look for afterwards.
TEXTS = [
    (f"GET http://api:{CANARY}@10.0.0.1/x failed", CANARY),
    (f"postgresql+asyncpg://boxoffice:{CANARY}@db/boxoffice", CANARY),
    (f"redis://:{CANARY}@cache:6379/0", CANARY),
    (f"http://{CANARY}@host/", CANARY),
    (f"Authorization: Bearer {CANARY}", CANARY),
    (f"authorization=Basic {BASIC}", BASIC),
    (f"sent Basic {BASIC} and got 401", BASIC),
    (f"bearer {CANARY}", CANARY),
    (f"v2c with community={CANARY} refused", CANARY),
    (f"auth_key: {CANARY}, priv_key: x", CANARY),
    (f"priv_key = '{CANARY}'", CANARY),
    ("key sk_test_4eC39HqLyjWDarjtT1zdp7dc was refused", "4eC39HqLyjWDarjtT1zdp7dc"),
    ("sk_live_cAnArY7731", "cAnArY7731"),
    ("signed with whsec_cAnArY/77+31=", "cAnArY/77+31"),
    (f"password={CANARY}&login=x", CANARY),
    (f"PASSWORD: {CANARY}", CANARY),
    (f"{{'portal_password': '{CANARY} with blanks'}}", CANARY),
    (f'{{"client_secret": "{CANARY} \\"quoted\\" more"}}', CANARY),
    (f"Options(login='api', password='{CANARY}', base_url='x')", CANARY),
    (f"api_key : {CANARY}", CANARY),
    (f"refresh_token='{CANARY}'", CANARY),
    (f"master-key={CANARY}", CANARY),
    (f"GET /pay?sig={CANARY}&x=1", CANARY),
    (f"/inbound?mac={CANARY}", CANARY),
    ("stb_pin: 9731", "9731"),
    (f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n-----END RSA PRIVATE KEY-----", CANARY),
    (f"-----BEGIN PRIVATE KEY-----\n{CANARY}", CANARY),
    ("box 00:1A:79:AB:CD:EF is taken", "AB:CD:EF"),
    ("box 00-1a-79-ab-cd-ef is taken", "ab-cd-ef"),
    *((f"paid with {card}.", card) for card in CARDS),
    *((f"nr={card}x", card) for card in CARDS),
]
PLAIN = [
    "work.applied",
    "01KAQ5ZK9M2V8X3R7T0P4Q6S1W@ministra-north",
    "the basic package costs 12.00 EUR",
    "Basic tariff and sport package",
    "2026-11-23T01:02:03.123456Z",
    "2026-11-23 01:02:03",
    "http://127.0.0.1:8080/console/?after=12",
    "at 1795399085330 ms, 1795399085330123 us",
    "pinned machine, spinning",
    "invoice 2026-000123, contract 100126",
    "4242424242424241 is no card",
    "host:port [::1]:8080",
    "a user@example.net wrote",
    "fd00::1:2:3:4",
]


@pytest.mark.parametrize(("text", "secret"), TEXTS)
def test_a_secret_in_a_text_is_hidden(text, secret):
    """Credentials, keys, cards and hardware addresses vanish from a text."""
    assert secret not in scrub(text)
    assert HIDDEN in scrub(text)


@pytest.mark.parametrize(("text", "secret"), TEXTS)
def test_a_secret_is_hidden_wherever_it_stands(text, secret):
    """Nesting, bytes, sets, odd objects and keys do not help a secret out."""

    @dataclass
    class Odd:
        inner: str

    held = {
        "list": [{"deep": ({"er": text},)}],
        "bytes": text.encode(),
        "set": frozenset([text]),
        "odd": Odd(text),
        "error": ValueError(text),
        text: 1,
        (text, 1): 2,
    }
    assert secret not in str(redact(held))


@pytest.mark.parametrize("text", PLAIN)
def test_ordinary_text_stays(text):
    """What only looks a little like a secret is left as it is."""
    assert scrub(text) == text


@given(
    st.lists(st.sampled_from([text for text, _ in TEXTS] + PLAIN), max_size=4),
    st.sampled_from(["", " ", "\n", ",", "x"]),
)
def test_the_quick_look_misses_nothing(parts, between):
    """A text that is let through at first sight is one that no rule would change."""
    text = between.join(parts)
    if _is_plain(text):
        hinted = f"{text} ://"  # forces the long way
        assert scrub(hinted) == hinted


@pytest.mark.parametrize(
    "name",
    [
        *("password", "Password", "portalPassword", "api_key", "apiKey", "X-Api-Key", "APIKey"),
        *("Authorization", "token", "access_token", "webhook_secret", "pin", "parentalPin"),
        *("mac", "stb_mac", "stbMac", "macs", "card", "card_number", "cvc", "set-cookie", "iban"),
        *("master_key", "private-key", "clientSecret", "credentials", "otp", "smartCard"),
    ],
)
def test_names_that_tell(name):
    """A value of such a name is hidden unseen, whatever its type."""
    assert is_secret_name(name)
    hidden = redact({name: CANARY, "x": {name: [1, CANARY]}, "y": {name: {"z": 9}}})
    assert hidden == {name: HIDDEN, "x": {name: HIDDEN}, "y": {name: HIDDEN}}


@pytest.mark.parametrize(
    "name",
    ["key", "kind", "machine", "pinned", "spinning", "discard", "keys", "work_key", "author"],
)
def test_names_that_do_not_tell(name):
    """Words that merely contain such a word are no secrets."""
    assert redact({name: "value"}) == {name: "value"}


def test_an_empty_secret_is_shown():
    """That a secret is missing is worth knowing."""
    assert redact({"password": None, "token": ""}) == {"password": None, "token": ""}


@pytest.mark.parametrize("card", CARDS)
def test_a_card_as_a_number_is_hidden(card):
    """A card number that arrives as an integer is hidden; other integers are not."""
    assert redact(int(re.sub(r"\D", "", card))) == HIDDEN
    assert redact(1_795_399_085_330_123) == 1_795_399_085_330_123


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    )
)
def test_what_comes_out_is_plain(value):
    """Any value becomes plain JSON types, and redacting it again changes nothing."""
    once = redact(value)
    assert redact(once) == once
    assert json.loads(json.dumps(once, allow_nan=False)) == once


def test_a_secret_type_keeps_its_dots():
    """A settings secret prints as dots, so nothing of it arrives here."""
    assert CANARY not in str(redact({"given": SecretStr(CANARY), "at": datetime.now(UTC)}))


def test_an_object_that_cannot_be_shown():
    """A value whose text fails does not fail the line."""

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError(CANARY)

    assert redact([Broken()]) == ["<Broken: RuntimeError>"]


def test_endless_values_end():
    """Depth, length and number of items are bounded; both ends of a long text are kept."""
    knot: list[object] = []
    knot.append(knot)
    assert "[deep]" in str(redact(knot))
    assert len(redact(list(range(10_000)))) == 200
    long = scrub("begin " + "word " * 10_000 + f"password={CANARY} end")
    assert len(long) <= TEXT_CHARS_MAX + 10
    assert long.startswith("begin")
    assert long.endswith(f"{HIDDEN} end")


@given(st.integers(min_value=0, max_value=40_000))
def test_a_cut_never_halves_a_secret(before):
    """Wherever a long text is cut, no half of a card stays behind."""
    text = "a " * (before // 2) + "4242424242424242" + " b" * 20_000
    assert not re.search(r"4242", scrub(text))
