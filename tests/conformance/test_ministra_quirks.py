"""What is peculiar to a Stalker or Ministra portal, and what the adapter makes of it."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson
import pytest
import pytest_asyncio

from gateway.adapters.conformance import Trial, trial
from gateway.adapters.middleware.ministra import Ministra
from gateway.adapters.sdk import Action, mismatch
from gateway.adapters.state import ViewerState
from runtime.http import HttpDoor
from terms.errors import Conflict, Permanent, Retryable
from terms.ids import TargetName
from tests.conformance.harness_ministra import MinistraHarness

MAC = "02:00:00:00:00:01"


@pytest.fixture(scope="module")
def shared() -> Iterator[MinistraHarness]:
    """Start one portal for all tests of this file."""
    harness = MinistraHarness("4.9.35")
    harness.start()
    yield harness
    harness.stop()


@pytest_asyncio.fixture
async def portal(shared: MinistraHarness) -> AsyncIterator[Trial]:
    """Open the adapter at the portal in its state of the start."""
    await shared.admin("/reset", {})
    async with trial(shared) as t:
        yield t


def harness(portal: Trial) -> MinistraHarness:
    """Give the portal's other side."""
    assert isinstance(portal.harness, MinistraHarness)
    return portal.harness


def ministra(portal: Trial) -> Ministra:
    """Give the adapter by its own class."""
    assert isinstance(portal.adapter, Ministra)
    return portal.adapter


async def rows(portal: Trial, ref: str = "") -> list[dict[str, Any]]:
    """Read the portal's rows on its own side."""
    narrowed = f"?account_number={ref}" if ref else ""
    return (await harness(portal).admin(f"/state{narrowed}"))["accounts"]


async def add(portal: Trial, **fields: Any) -> None:
    """Let somebody else make a row."""
    await harness(portal).admin("/tamper", {"op": "add_account", "fields": fields})


async def set_config(portal: Trial, **settings: Any) -> None:
    """Change the portal's configuration."""
    await harness(portal).admin("/tamper", {"op": "config", "set": settings})


async def counted(portal: Trial) -> dict[str, int]:
    """Tell how many calls of each kind there were."""
    return (await harness(portal).admin("/counters"))["calls"]


async def box(mac: str, portal: Trial, **query: str) -> str:
    """Call the portal as a box does."""
    door = HttpDoor(networks=harness(portal).networks)
    try:
        parameters = "&".join(f"{name}={value}" for name, value in query.items())
        url = f"{harness(portal).simulator.url}/stalker_portal/server/load.php?{parameters}"
        answer = await door.call("GET", url, headers={"Cookie": f"mac={mac}"})
        return answer.body.decode()
    finally:
        await door.aclose()


def live(ref: str = "1001", **fields: Any) -> ViewerState:
    """Wish an account like any other."""
    plain = ViewerState(
        ref=ref, enabled=True, tariff="basic", devices=frozenset({MAC}), label="Ada", revision=1
    )
    return replace(plain, **fields)


async def spent(portal: Trial, wish: ViewerState) -> Mapping[str, int]:
    """Count the calls that one turn of the queue takes."""
    before = await counted(portal)
    await portal.converge(wish)
    after = await counted(portal)
    return {
        name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name)
    }


# -- how many calls a change takes


async def test_a_status_change_takes_three_calls(portal: Trial) -> None:
    """A block and a return are one write between two reads."""
    await portal.converge(live(packages=frozenset({"sport"})))
    for wish in (
        live(enabled=False, packages=frozenset({"sport"})),
        live(packages=frozenset({"sport"})),
    ):
        calls = await spent(portal, wish)
        assert calls == {"GET accounts": 2, "PUT accounts": 1}


async def test_tariff_and_packages_take_five_calls(portal: Trial) -> None:
    """Another tariff with other packages is three writes between two reads."""
    await portal.converge(live(tariff="premium"))
    calls = await spent(portal, live(packages=frozenset({"sport", "kids"})))
    assert calls == {
        "GET accounts": 2,
        "PUT accounts": 1,
        "POST account_subscription": 1,
        "POST send_event": 1,
    }


async def test_an_equal_state_takes_one_call(portal: Trial) -> None:
    """What is as wished is read and left alone."""
    await portal.converge(live())
    assert await spent(portal, live(revision=2)) == {"GET accounts": 1}


async def test_boxes_are_never_created_through_stb(portal: Trial) -> None:
    """The resource that inverts the status of a new box is not used at all."""
    for step in harness(portal).steps("1001"):
        await portal.converge(step)
    assert not [call for call in await counted(portal) if call.endswith(" stb")]


# -- what the boxes see


async def test_a_block_is_seen_at_once_and_told_once(portal: Trial) -> None:
    """A blocked box is denied at its next call; cut_off and cut_on are each queued once."""
    await portal.converge(live())
    assert "News One" in await box(MAC, portal, type="itv", action="get_all_channels")
    await portal.converge(live(enabled=False))
    assert await box(MAC, portal, type="itv", action="get_all_channels") == "Access denied."
    await portal.converge(live(enabled=False, label="Ada L."))
    await portal.converge(live())
    events = [event["event"] for event in (await rows(portal, "1001"))[0]["events"]]
    assert events == ["cut_off", "cut_on"]
    assert "News One" in await box(MAC, portal, type="itv", action="get_all_channels")


async def test_a_new_tariff_is_told_to_the_boxes(portal: Trial) -> None:
    """The portal queues nothing for a new tariff, so the adapter does, softly."""
    await portal.converge(live())
    await portal.converge(live(tariff="premium"))
    events = [event["event"] for event in (await rows(portal, "1001"))[0]["events"]]
    assert events == ["update_subscription"]


async def test_a_message_hides_itself_after_the_time_set(shared: MinistraHarness) -> None:
    """The time to hide reaches the box, which send_event would have lost."""
    await shared.admin("/reset", {})
    async with trial(shared) as t:
        options = t.adapter.options.model_copy(update={"message_hide_s": 25})
        await t.converge(live())
        adapter = Ministra(TargetName("t"), options, t.adapter.http)
        await adapter.perform("1001", Action(name="message", params={"text": "Hello"}))
        told = orjson.loads(await box(MAC, t, type="watchdog", action="get_events"))
    assert told["js"]["data"]["msg"] == "Hello"
    assert told["js"]["data"]["auto_hide_timeout"] == "25"


async def test_a_new_hardware_id_is_let_in(portal: Trial) -> None:
    """Resetting the device ends the conflict of a box whose hardware id changed."""
    await portal.converge(live())
    await box(MAC, portal, type="stb", action="get_profile", device_id="old")
    assert "device conflict" in await box(
        MAC, portal, type="stb", action="get_profile", device_id="new"
    )
    await ministra(portal).perform("1001", Action(name="reset_device"))
    assert "device conflict" not in await box(
        MAC, portal, type="stb", action="get_profile", device_id="new"
    )


async def test_a_box_that_registered_itself_is_taken_into_its_account(portal: Trial) -> None:
    """A row that belongs to nobody but the box gives way to the account the box is given to."""
    await box(MAC, portal, type="stb", action="get_profile")
    assert [(row["login"], row["stb_mac"]) for row in await rows(portal)] == [("", MAC)]
    assert [state.ref async for state in portal.adapter.scan()] == [MAC]
    await portal.converge(live())
    assert [(row["login"], row["stb_mac"]) for row in await rows(portal)] == [("1001", MAC)]
    other = "02:00:00:00:00:02"
    await box(other, portal, type="stb", action="get_profile")
    await portal.converge(live(devices=frozenset({other})))
    assert [(row["login"], row["stb_mac"]) for row in await rows(portal)] == [("1001", other)]


@pytest.mark.parametrize("ours_too", [False, True])
async def test_a_box_bound_twice_is_left_to_people(portal: Trial, ours_too: bool) -> None:
    """Where several rows have the box, none is deleted: one delete would hit them all."""
    other = "02:00:00:00:00:AB"
    await portal.converge(live())
    await add(portal, login="", stb_mac=other)
    if ours_too:
        await add(portal, login="1001-2", account_number="1001")
        stored = {"op": "set", "login": "1001-2", "fields": {"stb_mac": other.lower()}}
        await harness(portal).admin("/tamper", stored)
    else:
        await add(portal, login="eve", account_number="77", stb_mac=other)
    with pytest.raises(Conflict, match=other):
        await portal.converge(live(devices=frozenset({MAC, other})))
    assert len([row for row in await rows(portal) if row["stb_mac"].upper() == other]) == 2


async def test_a_row_that_goes_by_a_shared_box_is_left_to_people(portal: Trial) -> None:
    """A row of ours with an odd login is not written to when its box is another account's too."""
    await add(portal, login="a,b", account_number="1001", tariff_plan="basic", stb_mac=MAC)
    await add(portal, login="eve", account_number="77", tariff_plan="basic", stb_mac=MAC)
    with pytest.raises(Conflict, match="bound to more than account '1001'"):
        await portal.converge(live(devices=frozenset({"02:00:00:00:00:02"})))
    assert [row["stb_mac"] for row in await rows(portal, "77")] == [MAC]


# -- rows that others made


async def test_rows_under_our_number_are_ours_whatever_their_login(portal: Trial) -> None:
    """An account that another system made under the number is adopted, login and all."""
    await add(portal, login="ada", account_number="1001", tariff_plan="basic", stb_mac=MAC)
    await add(portal, login="ada.2", account_number="1001", tariff_plan="premium", status=0)
    held = await portal.held("1001")
    assert held.tariff == "basic | premium"
    assert held.devices == {MAC, "no box at 'ada.2' (off)"}
    assert held.revision == 0
    other = "02:00:00:00:00:02"
    await portal.converge(live(devices=frozenset({MAC, other})))
    assert {row["login"]: row["stb_mac"] for row in await rows(portal)} == {
        "ada": MAC,
        "ada.2": other,
    }


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("status", 0),
        ("tariff_plan", "premium"),
        ("full_name", "Somebody"),
        ("end_date", "2030-01-01"),
        ("subscribed", ["sport"]),
        ("stb_mac", "02000000000a"),
        ("stb_mac", ""),
    ],
)
async def test_one_deviating_row_is_drift(portal: Trial, column: str, value: Any) -> None:
    """A single box that is treated otherwise is seen, and treated alike again."""
    boxes = frozenset({MAC, "02:00:00:00:00:02"})
    for enabled in (True, False):
        wished = await portal.converge(live(devices=boxes, enabled=enabled))
        if (column, value, enabled) == ("status", 0, False):
            value = 1
        await harness(portal).admin(
            "/tamper", {"op": "set", "login": "1001-2", "fields": {column: value}}
        )
        assert await portal.adapter.observe("1001") != wished
        await portal.converge(wished)


async def test_a_login_used_twice_is_left_to_people(portal: Trial) -> None:
    """Two rows that cannot be told apart are drift that names them and is not repaired blindly."""
    wished = await portal.converge(live())
    await add(portal, login="1001", account_number="1001", tariff_plan="basic", full_name="Ada")
    held = await portal.held("1001")
    assert held != wished
    await portal.adapter.apply(wished, held)
    error = mismatch(portal.adapter, wished, await portal.held("1001"))
    assert type(error) is Permanent
    assert "its login is used twice" in str(error)


async def test_a_login_that_fits_in_no_address_is_left_to_people(portal: Trial) -> None:
    """A row with a comma in its login and without a box cannot be addressed, and is named."""
    wished = await portal.converge(live())
    await add(portal, login="a,b", account_number="1001", tariff_plan="basic")
    held = await portal.held("1001")
    await portal.adapter.apply(wished, held)
    error = mismatch(portal.adapter, wished, await portal.held("1001"))
    assert "no usable login" in str(error)
    assert len(await rows(portal, "1001")) == 2


async def test_a_login_that_fits_in_no_address_is_reached_by_its_box(portal: Trial) -> None:
    """A row with an odd login is moved and dropped by its MAC."""
    await add(portal, login="a,b", account_number="1001", tariff_plan="basic", stb_mac=MAC)
    other = "02:00:00:00:00:02"
    await portal.converge(live(devices=frozenset({other})))
    assert [row["stb_mac"] for row in await rows(portal)] == [other]


async def test_letters_of_another_case_are_another_account(portal: Trial) -> None:
    """The portal finds AB1 under ab1; the adapter takes it for a Conflict, whatever the verb."""
    await portal.converge(live("AB1"))
    wish = live("ab1")
    for act in (
        portal.adapter.observe("ab1"),
        portal.adapter.remove("ab1"),
        ministra(portal).perform("ab1", Action(name="message", params={"text": "psst"})),
    ):
        with pytest.raises(Conflict, match="AB1"):
            await act
    with pytest.raises(Conflict):
        await portal.adapter.apply(wish, None)
    assert [row["account_number"] for row in await rows(portal)] == ["AB1"]
    assert (await rows(portal))[0]["events"] == []


async def test_an_account_that_vanished_is_a_conflict(portal: Trial) -> None:
    """Writing to what was deleted since it was read makes the queue look again."""
    await portal.converge(live())
    held = await portal.held("1001")
    await portal.adapter.remove("1001")
    with pytest.raises(Conflict):
        await portal.adapter.apply(live(enabled=False), held)


async def test_creates_run_one_at_a_time(portal: Trial) -> None:
    """The portal checks uniqueness without a lock, so twins at once still make one row each."""
    await set_config(portal, create_gap_ms=30)
    wishes = [live(f"10{n:02}", devices=frozenset()) for n in range(4)]
    await asyncio.gather(*(portal.adapter.apply(wish, None) for wish in wishes * 2))
    assert sorted(row["login"] for row in await rows(portal)) == ["1000", "1001", "1002", "1003"]
    clash = [live("2001"), live("2002")]
    ended = await asyncio.gather(
        *(portal.adapter.apply(wish, None) for wish in clash), return_exceptions=True
    )
    assert sorted(map(type, ended), key=str) == [type(None), Conflict]


# -- what is written


async def test_viewers_get_passwords_of_their_own(portal: Trial) -> None:
    """No row is left without a password, and no two rows share one."""
    await portal.converge(live(devices=frozenset({MAC, "02:00:00:00:00:02"})))
    made = [
        entry["after"]
        for entry in harness(portal).simulator.journal(face="api")
        if entry["before"] is None
    ]
    marks = {row["password_mark"] for row in made if "password_mark" in row}
    assert len(marks) == 2
    assert "" not in marks


async def test_a_comment_of_others_is_no_revision(portal: Trial) -> None:
    """A comment that is not ours counts as revision 0 until we write."""
    await add(portal, login="1001", account_number="1001", tariff_plan="basic", comment="VIP r5")
    assert (await portal.held("1001")).revision == 0
    await portal.converge(live(revision=6))
    assert (await portal.held("1001")).revision == 6


async def test_mandatory_packages_are_not_ours_to_list(portal: Trial) -> None:
    """A package that comes with the tariff can be wished by mistake, and is named."""
    wished = portal.adapter.express(live(packages=frozenset({"base-tv", "sport"})))
    await portal.adapter.apply(wished, None)
    held = await portal.held("1001")
    assert held.packages == {"sport"}
    assert "'base-tv'" in str(mismatch(portal.adapter, wished, held))


async def test_an_end_date_that_the_portal_does_not_keep_is_explained(portal: Trial) -> None:
    """With enable_internal_billing off there is no end date, and the reason says so."""
    await set_config(portal, enable_internal_billing=False)
    wished = harness(portal).steps("1001")[0]
    await portal.adapter.apply(wished, None)
    error = mismatch(portal.adapter, wished, await portal.held("1001"))
    assert "enable_internal_billing" in str(error)


# -- what the portal says of itself


async def test_the_probe_warns_of_an_open_api(shared: MinistraHarness) -> None:
    """A portal that asks for no credentials answers, with a warning."""
    state = {**shared.state, "api": {"basic_auth": ["", ""]}}
    opened = MinistraHarness("4.9.35")
    opened.state = state
    opened.start()
    try:
        async with trial(opened) as t:
            health = await t.adapter.probe()
    finally:
        opened.stop()
    assert [w for w in health.warnings if "without credentials" in w] == list(health.warnings)
    assert health.warnings


async def test_the_probe_warns_of_tariffs_that_cannot_be_sold(portal: Trial) -> None:
    """A tariff without an external id is named, since nothing can refer to it."""
    assert (await portal.adapter.probe()).warnings == ()
    fields = {"external_id": "", "name": "Nameless"}
    await harness(portal).admin("/tamper", {"op": "put_tariff", "fields": fields})
    (warning,) = (await portal.adapter.probe()).warnings
    assert "'Nameless'" in warning


async def test_an_api_that_is_switched_off_is_said_to_be(portal: Trial) -> None:
    """The shipped default, enable_api off, is Permanent and named."""
    await set_config(portal, enable_api=False)
    with pytest.raises(Permanent, match="enable_api"):
        await portal.adapter.probe()


async def test_a_portal_without_its_database_is_tried_again(portal: Trial) -> None:
    """PHP's fatal error comes as 200 with file paths; it is Retryable and shows none."""
    await set_config(portal, database_running=False)
    with pytest.raises(Retryable) as caught:
        await portal.adapter.observe("1001")
    assert "php" not in str(caught.value).lower()


async def test_the_older_path_is_an_equal_alias(portal: Trial) -> None:
    """The address without /v1 serves as well."""
    options = portal.adapter.options.model_copy(update={"api_path": "/stalker_portal/api"})
    older = Ministra(TargetName("older"), options, portal.adapter.http)
    await portal.converge(live())
    assert await older.observe("1001") == await portal.held("1001")
