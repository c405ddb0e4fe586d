"""Reading a portal's answers, recorded ones first, and wording what is sent."""

import json
import tracemalloc
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.middleware.ministra.rest import ERRORS, form_of, opened, told, typed
from gateway.adapters.middleware.ministra.rows import (
    NO_ONE_DATE,
    check_code,
    label_of,
    mac_of,
    state_of,
    states_in,
)
from gateway.adapters.state import ViewerState
from terms.errors import Conflict, Permanent, Retryable, Unauthorized, Unsupported

EXCHANGES = {
    one["name"]: one
    for one in json.loads(Path("tests/facts/stalker-exchanges.json").read_text())["exchanges"]
}


def recorded(name: str) -> bytes:
    """Give the body of a recorded answer."""
    return json.dumps(EXCHANGES[name]["response"]["body"]).encode()


def row(**fields: Any) -> dict[str, Any]:
    """Make a row as the portal would show it."""
    return {
        "login": "1001",
        "full_name": "Ada",
        "account_number": "1001",
        "tariff_plan": "basic",
        "stb_mac": "00:1A:79:00:00:01",
        "status": 1,
        "comment": "r7",
        "end_date": "0000-00-00 00:00:00",
        "subscribed": [],
        **fields,
    }


def whole(*rows: dict[str, Any]) -> bytes:
    """Make the list of all accounts."""
    return json.dumps({"status": "OK", "results": rows}).encode()


@pytest.mark.parametrize("name", EXCHANGES)
def test_every_recorded_answer_opens(name: str) -> None:
    """Each recorded body is either results or an error text, as its status says."""
    body = EXCHANGES[name]["response"]["body"]
    results, error = opened(recorded(name))
    assert bool(error) == (body["status"] == "ERROR")
    assert results == (body["results"] if body["status"] == "OK" else None)
    if error:
        assert isinstance(told(error), Conflict | Permanent)


def test_a_recorded_account_is_read() -> None:
    """The recorded account 1001 becomes the state it stands for."""
    rows, _ = opened(recorded("accounts_get"))
    state = state_of("1001", rows, has_end_date=True)
    assert state == ViewerState(
        ref="1001",
        enabled=True,
        tariff="basic",
        devices=frozenset({"00:1A:79:00:00:01"}),
        expires_on=date(2027, 1, 31),
        label="Ivan Petrov",
    )
    assert state.revision == 0
    assert state.vendor == {"user1": "00:1A:79:00:00:01"}
    assert state_of("1001", rows, has_end_date=False).expires_on is None


def test_a_recorded_account_of_two_boxes_shows_that_they_differ() -> None:
    """Two rows with other tariff and status are one state that cannot be wished."""
    rows, _ = opened(recorded("accounts_get_two_devices"))
    state = state_of("1001", rows, has_end_date=True)
    assert state.enabled
    assert state.tariff == "basic | premium"
    assert state.devices == {"00:1A:79:00:00:01", "00:1A:79:00:00:02 (off)"}
    assert state.label == " | Ivan Petrov"
    assert state.expires_on == NO_ONE_DATE
    assert state.vendor == {"user1": "00:1A:79:00:00:01", "user1b": "00:1A:79:00:00:02"}


def test_the_recorded_list_becomes_one_state_per_account() -> None:
    """Rows of one account are put together even when others stand between them."""
    states = list(states_in(recorded("accounts_get_list"), has_end_date=True))
    assert sorted(state.ref for state in states) == ["1001", "1003"]
    assert list(states_in(recorded("accounts_list_empty"), has_end_date=True)) == []


def test_rows_without_an_account_number_never_look_like_ours() -> None:
    """A row that is nobody's goes by its box or by a marked login."""
    rows = [
        row(account_number="", login=""),
        row(account_number=None, login="1001", stb_mac=""),
        row(account_number="", login=None, stb_mac=None, comment=None, subscribed=None),
    ]
    refs = [state.ref for state in states_in(whole(*rows), has_end_date=True)]
    assert refs == ["00:1A:79:00:00:01", "@1001", "@"]


def test_what_breaks_off_is_no_list() -> None:
    """A list that is cut anywhere, or is no list, gives an error and not fewer accounts."""
    text = whole(row(), row(account_number="1002"))
    for size in range(1, len(text)):
        with pytest.raises(Retryable):
            list(states_in(text[:size], has_end_date=True))
    for body in (b"", b"<html>", b"[]", b'{"status":"MAYBE","results":[]}', b"[" * 100_000):
        with pytest.raises(Retryable):
            list(states_in(body, has_end_date=True))
    nested = b'{"status":"OK","results":[' + b"[" * 100_000
    with pytest.raises((Retryable, Permanent)):
        list(states_in(nested, has_end_date=True))
    with pytest.raises(Permanent):
        list(states_in(b'{"status":"OK","results":[{"login":"x"}]}', has_end_date=True))
    half = whole(row(stb_mac="HALF")).replace(b"HALF", b"\\ud800")
    for body in (b'{"status":"OK","results":true}', half):
        with pytest.raises(Permanent):
            list(states_in(body, has_end_date=True))
    with pytest.raises(Permanent, match="no reason"):
        list(states_in(b'{"status":"ERROR","results":null}', has_end_date=True))


def test_the_list_may_be_worded_otherwise() -> None:
    """Blanks, the order of the envelope and text that looks like a list are no matter."""
    body = (
        b'{ "output":"\\"results\\":[", "results" : [ '
        + json.dumps(row(full_name='x","account_number":"9')).encode()
        + b' ] , "status":"OK" }'
    )
    (state,) = states_in(body, has_end_date=True)
    assert state.label == 'x","account_number":"9'


def test_a_long_list_never_stands_in_memory_as_a_whole() -> None:
    """Reading 5,000 accounts takes little more memory than the text itself."""
    body = whole(
        *(row(login=f"u{n}", account_number=f"{n}", full_name="N" * 40) for n in range(5000))
    )
    tracemalloc.start()
    try:
        count = sum(1 for _ in states_in(body, has_end_date=True))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 5000
    assert peak < 2.5 * len(body)


@pytest.mark.parametrize(
    ("text", "error", "shows"),
    [
        ("Account not found", Conflict, "no longer"),
        ("Login already in use", Conflict, "login is taken"),
        ("MAC address already in use", Conflict, "bound to another account"),
        ("Stb already exists", Conflict, "bound to another account"),
        ("STB not found", Permanent, "no box"),
        ("Empty stb list", Permanent, "no box"),
        ("401 Unauthorized request", Unauthorized, "credentials"),
        ("Not valid mac address", Permanent, "Not valid mac address"),
        ("Only one identifier allowed", Permanent, "Only one identifier allowed"),
        ("x" * 5000, Permanent, "x" * 100),
        ("bell \x07 and\nline", Permanent, "bell   and line"),
    ],
)
def test_error_texts_have_classes(text: str, error: type[Exception], shows: str) -> None:
    """Known texts become our words, unknown ones are quoted in one short line."""
    translated = told(text)
    assert type(translated) is error
    assert shows in str(translated)
    assert len(str(translated)) < 200
    assert str(translated).isprintable()


def test_no_error_text_is_listed_for_nothing() -> None:
    """Every text of the table is known to the test above or to a recorded exchange."""
    assert len(ERRORS) == 7


def test_results_of_another_type_are_refused() -> None:
    """A success with the wrong type of results is none."""
    assert typed([1], list) == [1]
    for results, expected in ((None, list), (True, list), ({}, list), ([], dict), ("1", bool)):
        with pytest.raises(Permanent):
            typed(results, expected)


def test_stray_output_beside_the_results_is_ignored() -> None:
    """PHP notices in `output` do not spoil an answer."""
    body = b'{"status":"OK","results":true,"output":"<br>Notice: /var/www"}'
    assert opened(body) == (True, "")


@pytest.mark.parametrize(
    "fields",
    [
        {"account_number": "1002"},
        {"account_number": "100A", "login": "x"},
    ],
)
def test_rows_of_another_account_are_a_conflict(fields: dict[str, Any]) -> None:
    """A row under another number than the one asked for is never read as ours."""
    with pytest.raises(Conflict):
        state_of("1001", [row(), row(**fields)], has_end_date=True)


@pytest.mark.parametrize("missing", ["login", "status", "subscribed", "tariff_plan", "comment"])
def test_a_row_that_lacks_a_field_is_refused(missing: str) -> None:
    """A portal whose rows lack a known field is not written to."""
    broken = row()
    del broken[missing]
    with pytest.raises(Permanent, match=missing):
        state_of("1001", [broken], has_end_date=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2027-01-31 00:00:00", date(2027, 1, 31)),
        ("0000-00-00 00:00:00", None),
        ("", None),
        (None, None),
        ("2027-02-30 00:00:00", NO_ONE_DATE),
        ("soon", NO_ONE_DATE),
    ],
)
def test_end_dates(text: str | None, expected: date | None) -> None:
    """A zero date is none, and an unreadable one equals no wish."""
    state = state_of("1001", [row(end_date=text)], has_end_date=True)
    assert state.expires_on == expected


@pytest.mark.parametrize(
    "text", ["r", "r-1", "R7", "r7 ", "7", "r7x", "r\u0667", None, "r" + "9" * 19]
)
def test_foreign_comments_are_revision_zero(text: str | None) -> None:
    """Only a comment of exactly our form carries a revision."""
    assert state_of("1001", [row(comment=text)], has_end_date=True).revision == 0


def test_what_rows_do_not_share_equals_no_wish() -> None:
    """Packages on one box only, a box without MAC and the same box twice are all marked."""
    rows = [
        row(subscribed=["sport", "kids"]),
        row(login="1001-2", stb_mac="", subscribed=["sport"]),
        row(login="1001-3"),
    ]
    state = state_of("1001", rows, has_end_date=True)
    assert state.packages == {"sport (not for every box)", "kids (not for every box)"}
    assert state.devices == {"00:1A:79:00:00:01 (2 times)", "no box at '1001-2'"}
    for code in state.packages:
        assert "(" in code


@given(st.text())
def test_labels_are_one_storable_line(text: str) -> None:
    """Whatever the name, what is sent can be encoded, is short, and is its own fixed point."""
    label = label_of(text)
    assert label_of(label) == label
    assert len(label) <= 64
    assert label == label.strip()
    assert label.encode("utf-16-le").decode("utf-16-le") == label
    assert all(ord(char) >= 32 for char in label)


@given(st.binary(min_size=6, max_size=6), st.sampled_from([":", "-", "", "."]), st.booleans())
def test_every_spelling_of_a_mac_is_one_mac(raw: bytes, between: str, upper: bool) -> None:
    """Six octets in any usual spelling are the same address."""
    text = between.join(f"{octet:02x}" for octet in raw)
    normal = mac_of(text.upper() if upper else text)
    assert normal == ":".join(f"{octet:02X}" for octet in raw)
    assert mac_of(normal) == normal


@pytest.mark.parametrize(
    "text", ["", "zz", "00:1A:79:00:00", "00:1A:79:00:00:01:02", "00:1A:79:00:00:0\u0661", "-" * 17]
)
def test_what_is_no_mac_is_refused(text: str) -> None:
    """Anything but twelve hexadecimal digits is Unsupported."""
    with pytest.raises(Unsupported):
        mac_of(text)


@pytest.mark.parametrize("code", ["", " ", "a ", "a|b", "a\n", "a\x00"])
def test_what_is_no_external_id_is_refused(code: str) -> None:
    """A code that the portal would trim, or that could be mistaken, is Unsupported."""
    with pytest.raises(Unsupported):
        check_code(code)


@given(
    st.dictionaries(st.sampled_from(["full_name", "msg"]), st.text(st.characters(codec="utf-8")))
)
def test_forms_are_read_as_they_were_meant(fields: dict[str, str]) -> None:
    """An independent reader of forms finds exactly the fields."""
    assert (
        dict(parse_qsl(form_of(fields), keep_blank_values=True, strict_parsing=bool(fields)))
        == fields
    )
