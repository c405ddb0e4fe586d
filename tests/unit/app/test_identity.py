"""Passwords, paces, lasting and leading: what holds for any value."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urljoin, urlsplit

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type
from argon2.profiles import CHEAPEST
from hypothesis import example, given
from hypothesis import strategies as st

from app.identity.browser import named
from app.identity.door import Given, Here, Let, TooOften, form_token
from app.identity.guesses import Pace
from app.identity.keeper import OF_AN_ADDRESS, OF_ONE, OF_STRANGERS
from app.identity.passwords import Passwords, check, normal
from app.identity.people import Person, read_display, read_name, read_role
from app.identity.sign_ins import Lasting, SignIn
from app.web.leading import NEXT_CHARS_MAX, local_path, sign_in_url
from runtime.chance import SystemChance
from terms.errors import Invalid
from tests.fixtures.clock import START

HOUR = timedelta(hours=1)
ANN = Person(id="A", name="ann", display="Ann", role="owner", made_at=START, password_at=START)
SIGN_IN = SignIn(
    id="S", person_id="A", label="", made_at=START, last_seen_at=START, ends_at=START + 5 * HOUR
)


async def test_a_password_is_kept_by_the_recommendation_of_rfc_9106():
    """Argon2id, 64 MiB, three passes, a salt of 16 bytes; nobody's password costs the same."""
    passwords = Passwords(SystemChance())
    kept = await passwords.hash("seven-green-boats")
    of_all = [extract_parameters(text) for text in (kept, passwords._nobodys)]
    assert of_all[0] == of_all[1]
    found = of_all[0]
    assert (found.type, found.version) == (Type.ID, 19)
    assert (found.memory_cost, found.time_cost, found.parallelism) == (65_536, 3, 4)
    assert (found.salt_len, found.hash_len) == (16, 32)
    assert await passwords.fits("seven-green-boats", kept)
    assert not await passwords.fits("seven-green-boatz", kept)
    assert not await passwords.fits("", None)


async def test_a_password_is_looked_at_beside_the_loop():
    """Whoever else is served meanwhile goes on."""
    looking = asyncio.create_task(Passwords(SystemChance()).fits("of nobody at all", None))
    turns = 0
    while not looking.done():
        await asyncio.sleep(0)
        turns += 1
    assert not looking.result()
    assert turns > 10


async def test_hashes_differ_and_dated_ones_are_known():
    """Each hash has its own salt; one of another cost is to be made anew, and still fits."""
    cheap, dear = Passwords(SystemChance(), CHEAPEST), Passwords(SystemChance())
    kept = [await cheap.hash("seven-green-boats") for _ in "ab"]
    assert kept[0] != kept[1]
    assert dear.is_dated(kept[0])
    assert not cheap.is_dated(kept[0])
    assert await dear.fits("seven-green-boats", kept[0])
    assert not await cheap.fits("x", "no hash at all")


def test_one_spelling_of_what_looks_alike():
    """A letter with its accent is the same typed at once or in two, and so is any space."""
    assert normal("cafe\u0301 \u00a0x") == normal("caf\u00e9 \u2003x") == "caf\u00e9  x"


@pytest.mark.parametrize(
    "password",
    [
        *("short", "x" * 201, "aaaaaaaaaaaa", "123456789012", "abcdefghijklmnop", "password1234"),
        *("Passwort2026", "qwertyuiop12", "boxoffice-123", "anna.kern-123", "ANNA.KERN!!!"),
        *("tab\tin the middle", "\ud800 half a character"),
    ],
)
def test_a_password_that_is_guessed_first_is_refused(password):
    """Too short, too long, a row of neighbours, a common word, one's own name: with the field."""
    with pytest.raises(Invalid) as refused:
        check(password, "anna.kern", "new")
    assert refused.value.field == "new"
    assert password not in str(refused.value)


@pytest.mark.parametrize(
    "password", ["seven-green-boats", "Käse & Brot um 7", "Tr0ub4dor&3x", "correct horse battery"]
)
def test_other_passwords_are_taken(password):
    """No rule asks for digits or capitals: length is what counts."""
    check(password, "anna.kern")


def test_a_made_password_is_taken():
    """What the product makes keeps its own rules and is never the same."""
    passwords = Passwords(SystemChance())
    made = {passwords.make() for _ in range(50)}
    assert len(made) == 50
    for one in made:
        check(one, "anna.kern")


@given(
    st.sampled_from([OF_ONE, OF_AN_ADDRESS, OF_STRANGERS]),
    st.lists(st.floats(0, 900), min_size=1, max_size=200),
)
def test_a_pace_bounds_what_can_be_guessed(pace: Pace, waits):
    """In any time no more are guessed than at once and one for each `every`."""
    now, fresh_at, guessed = START, START, 0
    for seconds in waits:
        now += timedelta(seconds=seconds)
        if not pace.wait(fresh_at, now):
            fresh_at = pace.guessed(fresh_at, now)
            guessed += 1
        assert guessed <= pace.at_once + (now - START) / pace.every


@given(st.sampled_from([OF_ONE, OF_AN_ADDRESS, OF_STRANGERS]), st.integers(0, 40))
def test_who_waits_as_told_may_guess(pace: Pace, guesses):
    """The wait that is told is enough, and never longer than one `every`."""
    fresh_at = START
    for _ in range(guesses):
        if not pace.wait(fresh_at, START):
            fresh_at = pace.guessed(fresh_at, START)
    wait = pace.wait(fresh_at, START)
    assert wait <= pace.every
    assert not pace.wait(fresh_at, START + wait)


def test_ten_thousand_guesses_are_fewer_than_twenty():
    """Whoever guesses as fast as a machine can is looked at fewer than twenty times."""
    for pace in (OF_ONE, OF_AN_ADDRESS, OF_STRANGERS):
        fresh_at, guessed = START, 0
        for n in range(10_000):
            now = START + timedelta(microseconds=100 * n)
            if not pace.wait(fresh_at, now):
                fresh_at = pace.guessed(fresh_at, now)
                guessed += 1
        assert 0 < guessed < 20


@given(st.integers(0, 10), st.integers(0, 10))
def test_a_sign_in_ends_unused_and_used(unused_h, age_h):
    """It is live while it was used lately and is not too old, and not once it was ended."""
    lasting = Lasting(idle=3 * HOUR, longest=5 * HOUR)
    now = START + age_h * HOUR
    used = SignIn(
        id="S",
        person_id="A",
        label="",
        made_at=START,
        last_seen_at=now - unused_h * HOUR,
        ends_at=START + 5 * HOUR,
    )
    assert lasting.is_live(used, now) == (unused_h < 3 and age_h < 5)


def test_an_ended_sign_in_is_no_more():
    """Ended by hand it opens nothing, however young."""
    lasting = Lasting(idle=3 * HOUR, longest=5 * HOUR)
    ended = replace(SIGN_IN, ended_at=START)
    assert lasting.is_live(SIGN_IN, START)
    assert not lasting.is_live(ended, START)


@given(st.text(max_size=60) | st.from_regex(r"[/\\\t\n .:a-z@%]{1,12}", fullmatch=True))
@example("/\t/evil.example")
@example("/\\evil.example")
@example("//evil.example")
@example("/ /evil.example")
@example("https:/evil.example")
@example("/field/?a=b#c")
def test_a_sign_in_never_leads_to_another_site(text):
    """Whatever is asked for, a browser stays here: as RFC 3986 joins it, and as browsers do."""
    path = local_path(text)
    if not path:
        return
    as_browsers_read = path.replace("\\", "/").replace("\t", "").replace("\n", "").replace("\r", "")
    for one in (path, as_browsers_read, as_browsers_read.strip()):
        joined = urlsplit(urljoin("https://ours.example/sign-in", one))
        assert (joined.scheme, joined.netloc) == ("https", "ours.example")


def test_a_path_of_ours_is_kept_as_it_is():
    """Path, query and fragment survive; what is too long is left out."""
    for path in ("/", "/field/jobs/7?tab=a%20b&x=//y#end", "/me?next=https://x.example"):
        assert local_path(path) == path
    assert local_path("/" + "x" * NEXT_CHARS_MAX) == ""
    assert local_path("/sign-out") == local_path("/sign-in?next=/me") == ""
    assert sign_in_url("/me?a=b&c=d") == "/sign-in?next=/me%3Fa%3Db%26c%3Dd"
    assert sign_in_url("//evil.example") == "/sign-in"


def test_nothing_secret_is_shown():
    """Neither what was typed nor a token is in the text of what carries it."""
    shown = [
        Given(name="n-canary", password="p-canary", address="a", browser="b-canary"),
        Let(person=ANN, sign_in=SIGN_IN, token="t-canary", browser="b-canary"),
        Here(person=ANN, sign_in=SIGN_IN, form_token="f-canary"),
    ]
    assert "canary" not in f"{shown!r}"
    assert form_token("a") != form_token("b")
    assert str(TooOften(timedelta(seconds=299))).endswith("wait 5 minutes, then try again")
    assert str(TooOften(timedelta(seconds=0.1))).endswith("wait 1 s, then try again")


def test_names_and_roles_are_read_strictly():
    """A name is short and plain, what others see can be printed, a role is one there is."""
    assert read_name("  Anna.K ") == "anna.k"
    assert read_display("  Anna   K ", "anna.k") == "Anna K"
    assert read_display("", "anna.k") == "anna.k"
    for wrong in ("", "a", "-a", "a b", "ä" * 3, "a" * 41, "a\n"):
        if wrong.strip() != "a" or wrong == "a":
            with pytest.raises(Invalid):
                read_name(wrong)
    for wrong in ("x" * 81, "a\u202eb"):
        with pytest.raises(Invalid):
            read_display(wrong, "a")
    with pytest.raises(Invalid):
        read_role("king")


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/150 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/150 Safari/537.36 Edg/150.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU like Mac OS X) Version/19 Safari/604", "Safari on iPhone"),
        ("<script>", "A browser"),
        ("", "A browser"),
    ],
)
def test_a_browser_is_told_by_a_few_words(agent, told):
    """Of what a browser says about itself only known words are shown."""
    assert named(agent) == told
