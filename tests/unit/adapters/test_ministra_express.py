"""Wishes as a portal can hold them, plans for boxes, and keys that reach nobody."""

import asyncio
import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.middleware.ministra.boxes import free_logins, moves_for
from gateway.adapters.sdk import Action
from gateway.adapters.state import ViewerState, differences
from terms.errors import TargetError, Unsupported
from tests.unit.adapters.door import Recorder, adapter

MACS = st.integers(0, 9).map(lambda number: f"00:1A:79:00:00:{number:02X}")
WISHES = st.builds(
    ViewerState,
    ref=st.from_regex(r"[0-9A-Za-z]{1,11}", fullmatch=True),
    enabled=st.booleans(),
    tariff=st.sampled_from(["basic", "premium", "тариф 1"]),
    packages=st.frozensets(st.sampled_from(["sport", "kids", "all-tv", "a+b&c"])),
    devices=st.frozensets(st.one_of(MACS, MACS.map(str.lower)), max_size=7),
    streams=st.none() | st.integers(1, 5),
    expires_on=st.none() | st.dates(),
    label=st.text(),
    revision=st.integers(0, 2**60),
)
REF = re.compile(r"[0-9A-Za-z]{1,11}")


@given(WISHES)
def test_express_is_its_own_fixed_point_and_never_cuts(wish: ViewerState) -> None:
    """A wish is refused, or kept but for the stream limit, the expiry and the form of its name."""
    before = wish.encode()
    try:
        held = adapter().express(wish)
    except Unsupported:
        assert len({mac.upper() for mac in wish.devices}) > adapter().options.devices_max
        return
    assert wish.encode() == before
    assert adapter().express(held) == held
    assert (held.ref, held.enabled, held.tariff) == (wish.ref, wish.enabled, wish.tariff)
    assert held.packages == wish.packages
    assert held.devices == {mac.upper() for mac in wish.devices}
    assert held.expires_on is None
    assert held.revision == wish.revision


@given(st.none() | st.dates())
def test_the_expiry_is_kept_where_the_portal_bills(until: date | None) -> None:
    """With internal billing the date itself is held, to the day."""
    wish = ViewerState(ref="1", enabled=True, tariff="basic", expires_on=until)
    assert adapter(internal_billing=True).express(wish).expires_on == until


@pytest.mark.parametrize(
    "ref", ["", " ", "1,2", "1/2", "a b", "123456789012", "é", "\uff11\uff12", "1\n", "-"]
)
def test_a_key_that_is_no_account_number_is_unsupported(ref: str) -> None:
    """Account numbers are 1 to 11 plain letters and digits; twelve would be a MAC."""
    with pytest.raises(Unsupported):
        adapter().express(ViewerState(ref=ref, enabled=True, tariff="basic"))


def test_an_account_without_a_tariff_is_unsupported() -> None:
    """Nobody is put on the default tariff by omission."""
    with pytest.raises(Unsupported, match="default"):
        adapter().express(ViewerState(ref="1", enabled=False))


def test_too_many_boxes_are_unsupported() -> None:
    """One box more than allowed is refused with both numbers."""
    boxes = frozenset(f"00:1A:79:00:00:{number:02X}" for number in range(3))
    wish = ViewerState(ref="1", enabled=True, tariff="basic", devices=boxes)
    assert adapter(devices_max=3).express(wish).devices == boxes
    with pytest.raises(Unsupported, match=r"3 boxes.*2"):
        adapter(devices_max=2).express(wish)


TEXTS = st.one_of(
    st.text(),
    st.from_regex(r"[0-9A-Za-z,/ ]{0,14}", fullmatch=True),
    st.sampled_from(["", ",", " ", "../send_event", "1,2", "123456789012", "00:1A:79:00:00:01"]),
)


@given(TEXTS, st.sampled_from(["message", "reboot", "kick", "refresh", "reset_device"]) | st.text())
def test_no_text_makes_a_broadcast(ref: str, name: str) -> None:
    """Whatever the key and the action, an event goes to one account number or nowhere."""
    door = Recorder()
    action = Action(name=name, params={"text": "hello"})
    try:
        asyncio.run(adapter(door).perform(ref, action))
    except TargetError:
        assert not any("send_event" in url or "stb_msg" in url for _, url in door.calls)
        return
    assert REF.fullmatch(ref)
    *_, (method, url) = door.calls
    assert method in {"POST", "PUT"}
    assert re.fullmatch(
        rf"http://portal/stalker_portal/api/v1/(send_event|stb_msg|stb_auth)/{ref}", url
    )


@given(TEXTS)
def test_no_text_reaches_another_account(ref: str) -> None:
    """Whatever the key, reading and removing call exactly its own address or none."""
    door = Recorder()
    for verb in (adapter(door).observe, adapter(door).remove):
        try:
            asyncio.run(verb(ref))
        except Unsupported:
            assert not REF.fullmatch(ref)
    allowed = {f"http://portal/stalker_portal/api/v1/accounts/{ref}"}
    assert {url for _, url in door.calls} <= allowed
    assert bool(door.calls) == bool(REF.fullmatch(ref))


LOGINS = st.from_regex(r"[a-z0-9]{1,4}(-[0-9])?", fullmatch=True)


@given(
    st.dictionaries(LOGINS, MACS | st.just("") | st.just("garbage"), min_size=1, max_size=5),
    st.frozensets(MACS, max_size=5),
)
def test_moves_lead_to_one_row_per_box(held: dict[str, str], wanted: frozenset[str]) -> None:
    """After the moves every box has one row, nobody else has one, and one row always stays."""
    moves = moves_for("1", held, wanted)
    after = dict(held)
    for login in moves.drops:
        del after[login]
    after.update(moves.binds)
    after |= {f"new{number}": mac for number, mac in enumerate(moves.adds)}
    assert sorted(filter(None, after.values())) == sorted(wanted)
    assert len(after) == max(1, len(wanted))
    for login, mac in held.items():
        if list(held.values()).count(mac) == 1 and mac in wanted:
            assert after[login] == mac, "a bound box was moved"
    assert not moves_for("1", after, wanted)


def test_new_rows_get_the_first_free_login() -> None:
    """The account number comes first, then numbered ones, each a login no other account can get."""
    logins = free_logins("1001", {"1001", "1001-3"})
    assert [next(logins) for _ in range(3)] == ["1001-2", "1001-4", "1001-5"]
    assert next(free_logins("1001", ())) == "1001"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"base_url": "portal"}, "base_url"),
        ({"base_url": "ftp://portal"}, "base_url"),
        ({"base_url": "http://user:pw@portal"}, "base_url"),
        ({"base_url": "http://portal/?x=1"}, "base_url"),
        ({"api_path": "no-slash"}, "api_path"),
        ({"api_path": "/a/../b"}, "api_path"),
        ({"api_path": "/a/"}, "api_path"),
        ({"deadline_s": 9}, "deadline_s"),
        ({"devices_max": 0}, "devices_max"),
        ({"refresh_event": "cut_off"}, "refresh_event"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], named: str) -> None:
    """An option that makes no sense is named at the start, not at the first call."""
    with pytest.raises(ValueError, match=named):
        adapter(**options)


def test_options_never_show_the_password() -> None:
    """Printing an adapter's options shows dots for the secret."""
    assert "s3cret" not in repr(adapter().options)


@pytest.mark.parametrize(
    ("held", "shows"),
    [
        (None, ""),
        ({"tariff": "basic"}, ""),
        ({"tariff": "premium"}, "no tariff 'basic'"),
        ({"tariff": "basic", "packages": frozenset({"kids"})}, "does not offer package 'sport'"),
        ({"tariff": "basic", "enabled": False}, ""),
    ],
)
def test_explanations(held: dict[str, Any] | None, shows: str) -> None:
    """What the portal took and ignored is named; other differences are not explained away."""
    wish = ViewerState(ref="1", enabled=True, tariff="basic")
    if held and "packages" in held:
        wish = ViewerState(
            ref="1", enabled=True, tariff="basic", packages=frozenset({"kids", "sport"})
        )
    seen = None if held is None else ViewerState(**{"ref": "1", "enabled": True, **held})
    told = adapter().explain(wish, seen)
    assert shows in told
    assert bool(told) == bool(shows)
    assert not told or differences(wish, seen)
