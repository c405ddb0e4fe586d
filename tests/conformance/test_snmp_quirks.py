"""What is peculiar to boxes over SNMP, and what the adapter makes of it."""

import asyncio
import contextlib
import hashlib
import socket
from typing import Any

import pytest

from gateway.adapters.conformance import Trial
from gateway.adapters.sdk import Access, Action
from gateway.adapters.state import ViewerState
from gateway.adapters.stb.snmp.keys import peer_of
from terms.errors import Conflict, Permanent, Retryable, TargetError, Unreachable
from tests.conformance.harness_snmp import SnmpHarness
from tests.conformance.quirks import described, error_of, harness, lines, lit, opened, suffering

HARNESS = SnmpHarness
HASTY_S = 0.5
KEYS = {"username": "ada", "auth_key": "ab" * 32, "priv_key": "cd" * 16}


async def credentials(box: Trial, ref: str, **fields: Any) -> None:
    """Change what a box knows callers by."""
    await harness(box).admin("/tamper", {"op": "credentials", "serial": ref, "fields": fields})


# -- what is written


async def test_a_box_goes_dark_first_and_lights_up_last(box: Trial) -> None:
    """Each variable has a SET of its own: dark before anything else, the revision at the end."""
    ref = harness(box).new_ref()
    await box.held(ref)
    before, calls = len(await lines(box, ref)), await harness(box).calls()
    await box.converge(lit(ref, "sport", "basic", revision=41))
    assert await harness(box).calls() == calls + 5
    await box.converge(lit(ref, "sport", "basic", revision=42))
    assert await harness(box).calls() == calls + 6
    await box.converge(ViewerState(ref=ref, enabled=False, revision=43))
    assert (await lines(box, ref))[before:] == [
        *("SNMP SET packages=basic,sport", "SNMP SET active=1", "SNMP SET revision=r-0041"),
        *("SNMP SET active=0", "SNMP SET packages=", "SNMP SET revision=r-0043"),
    ]


async def test_a_half_written_box_is_seen_as_such(box: Trial) -> None:
    """Where the second of three writes is refused it is told, and the next turn ends it."""
    ref = harness(box).new_ref()
    wish = lit(ref, "basic", revision=7)
    held = await box.held(ref)
    async with suffering(box, "half_set:match=active:count=1"):
        with pytest.raises(Retryable, match="commitFailed"):
            await box.adapter.apply(wish, held)
    state = await box.held(ref)
    assert (state.enabled, state.packages, state.revision) == (False, wish.packages, 0)
    await box.converge(wish)
    assert (await box.held(ref)).revision == 7


async def test_a_refused_package_lights_nothing(box: Trial) -> None:
    """A box does not light up for packages of which it refuses one, and the codes are named."""
    ref = harness(box).new_ref()
    with pytest.raises(Permanent, match="no-such-code"):
        await box.adapter.apply(lit(ref, "basic", "no-such-code"), await box.held(ref))
    assert not (await box.held(ref)).enabled


async def test_a_write_that_was_done_is_done(box: Trial) -> None:
    """A refusal that follows the effect is no failure: the box itself is asked, and holds it."""
    ref = harness(box).new_ref()
    wish = lit(ref, "basic", revision=9)
    async with suffering(box, "error:5:applied=yes:match=revision:skip=1:count=1"):
        await box.adapter.apply(wish, await box.held(ref))
    assert await box.held(ref) == wish


async def test_a_read_only_box_is_permanent(box: Trial) -> None:
    """What a box does not let be written is no matter of time."""
    ref = harness(box).new_ref()
    held = await box.held(ref)
    async with suffering(box, "read_only:match=SET"):
        with pytest.raises(Permanent, match="noAccess"):
            await box.adapter.apply(lit(ref, "basic"), held)


async def test_nothing_off_the_list_is_written(box: Trial) -> None:
    """The PIN, the serial and whatever else there is are never set."""
    ref = harness(box).new_ref()
    adapter: Any = box.adapter
    before = await harness(box).calls()
    for name in ("serial", "last_key", "boot"):
        with pytest.raises(Permanent, match="not written"):
            await adapter._set(peer_of(harness(box).papers.known[ref]), {name: "x"})
    assert await harness(box).calls() == before


# -- what comes back


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("null_forgery", Retryable),
        ("wrong_request_id", Retryable),
        ("malformed", Unreachable),
        ("truncated", Unreachable),
        ("error:1", Permanent),
        ("error:2", Retryable),
        ("error:13", Retryable),
        ("error:16", Permanent),
        ("error:17", Permanent),
        ("error:18", Conflict),
    ],
)
async def test_what_goes_wrong_is_one_error(
    box: Trial, spec: str, expected: type[TargetError]
) -> None:
    """Each way in which an answer can be none is the error it means."""
    ref = harness(box).new_ref()
    await box.held(ref)
    deadline_s = HASTY_S if expected is Unreachable else 8.0
    async with opened(box, deadline_s=deadline_s) as adapter, suffering(box, spec):
        error = await error_of(adapter, ref)
    assert type(error) is expected, error


async def test_bytes_that_nobody_can_read_disturb_nobody(
    box: Trial, caplog: pytest.LogCaptureFixture
) -> None:
    """A datagram that is no message reaches no handler of the loop, and the next call works."""
    ref = harness(box).new_ref()
    noise: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: noise.append(context))
    async with opened(box, deadline_s=HASTY_S) as adapter, suffering(box, "malformed"):
        assert type(await error_of(adapter, ref)) is Unreachable
    async with opened(box) as adapter:
        assert await adapter.observe(ref) is not None
    assert noise == []
    assert not [one for one in caplog.records if one.name == "asyncio"]


async def test_an_answer_that_comes_twice_is_one(box: Trial) -> None:
    """A duplicate is no second answer, and no answer to the next question."""
    ref = harness(box).new_ref()
    async with suffering(box, "duplicate"):
        await box.converge(lit(ref, "basic"))
        await box.converge(lit(ref, "sport"))


async def test_a_stranger_is_not_heard(box: Trial) -> None:
    """What comes from an address that nobody asked is dropped before it is read."""
    ref = harness(box).new_ref()
    await box.held(ref)
    adapter: Any = box.adapter
    (wire,) = adapter._engines._now._wires.values()
    heard: list[bytes] = []
    wire._callback_function = lambda _, __, datagram: heard.append(datagram)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", 0))
        wire.datagram_received(b"0\x00", stranger.getsockname())
    assert heard == []


async def test_a_lost_read_is_asked_again_and_a_write_is_not(box: Trial) -> None:
    """A read has a few tries within its deadline; a write is sent once."""
    ref = harness(box).new_ref()
    held = await box.held(ref)
    async with opened(box, deadline_s=6.0, retries=4) as adapter:
        assert await adapter.observe(ref) is not None
        async with suffering(box, "reset:match=GET:count=1"):
            assert await adapter.observe(ref) is not None
    async with opened(box, deadline_s=HASTY_S, retries=4) as adapter:
        for _ in range(10):
            with contextlib.suppress(Unreachable):
                await adapter.observe(ref)
                break
        before = await harness(box).calls()
        async with suffering(box, "reset:match=SET"):
            with pytest.raises(Unreachable):
                await adapter.apply(lit(ref, "basic"), held)
        assert await harness(box).calls() == before + 1


async def test_an_answer_that_is_too_big_is_asked_for_in_parts(box: Trial) -> None:
    """A box whose answers hold one variable, or two, is read and written all the same."""
    ref = harness(box).new_ref()
    await box.held(ref)
    for fits, code in ((1, "basic"), (2, "sport")):
        async with suffering(box, f"too_big:{fits}"):
            await box.converge(lit(ref, code, revision=fits))
            assert (await box.held(ref)).revision == fits
    async with suffering(box, "too_big:0"):
        error = await error_of(box.adapter, ref)
    assert type(error) is Permanent
    assert "serial (tooBig)" in str(error)


async def test_how_a_box_words_its_values_makes_no_difference(box: Trial) -> None:
    """Padding and blanks are no part of a value: the box is as wished and restarts once."""
    ref = harness(box).new_ref()
    perform: Any = box.adapter.perform  # type: ignore[attr-defined]
    wish = lit(ref, "basic", "sport", revision=41)
    await box.converge(wish)
    before = len(await lines(box, ref))
    boots = (await harness(box).box(ref))["boots"]
    async with suffering(box, f"odd_values:match={ref}"):
        await box.converge(wish)
        await box.converge(lit(ref, "sport", "hd", revision=42))
        for _ in range(2):
            await perform(ref, Action(name="reboot", request="r-1"))
            await harness(box).settled(ref)
        assert (await box.held(ref)).revision == 42
    assert (await lines(box, ref))[before:][:2] == [
        "SNMP SET packages=hd,sport",
        "SNMP SET revision=r-0042",
    ]
    assert (await harness(box).box(ref))["boots"] == boots + 1


async def test_a_box_in_another_place_is_a_conflict(box: Trial) -> None:
    """Where another box answers, both serials are told."""
    ref, other = harness(box).new_ref(), harness(box).new_ref()
    known = harness(box).papers.known[other]
    described(box, ref, address=known.address, secrets=known.secrets)
    error = await error_of(box.adapter, ref)
    assert type(error) is Conflict
    assert ref in str(error)
    assert other in str(error)


# -- as whom


@pytest.mark.parametrize("name", ["auth_key", "username", "priv_key", "address"])
async def test_a_wrong_key_and_a_silent_box_are_told_honestly(box: Trial, name: str) -> None:
    """What the box says of keys is Permanent for it alone; where it says nothing, that is told."""
    ref = harness(box).new_ref()
    secrets = dict(harness(box).papers.known[ref].secrets)
    secrets |= {"auth_key": "ab" * 32} if name == "auth_key" else {}
    secrets |= {"priv_key": "ab" * 16} if name == "priv_key" else {}
    secrets |= {"username": "nobody-here"} if name == "username" else {}
    described(box, ref, secrets=secrets)
    if name == "address":
        described(box, ref, address="127.0.0.1:1")
    is_told = name in {"auth_key", "username"}
    async with opened(box, deadline_s=8.0 if is_told else HASTY_S) as adapter:
        error = await error_of(adapter, ref)
    if is_told:
        assert type(error) is Permanent
        assert "keys" in str(error)
    else:
        assert type(error) is Unreachable
        assert "look alike" in str(error)
    for secret in secrets.values():
        assert secret not in str(error)


async def test_changed_keys_are_used_from_the_next_call_on(box: Trial) -> None:
    """A box with new keys is met anew by an engine that knew the old ones."""
    ref = harness(box).new_ref()
    await box.held(ref)
    fresh = {"snmp_auth_key": "ef" * 32, "snmp_priv_key": "ba" * 16}
    await credentials(box, ref, **fresh)
    secrets = {"username": "boxoffice", "auth_key": "ef" * 32, "priv_key": "ba" * 16}
    described(box, ref, secrets=secrets)
    try:
        assert await box.adapter.observe(ref) is not None
    finally:
        await harness(box).admin("/reset", {})


NEW = {"next_auth_key": "ef" * 32, "next_priv_key": "ba" * 16}
TAKEN = {"snmp_auth_key": "ef" * 32, "snmp_priv_key": "ba" * 16}


def changing(box: Trial, ref: str, **fresh: str) -> dict[str, str]:
    """Begin to change the secrets of a box in the papers; returns the old ones."""
    old = dict(harness(box).papers.known[ref].secrets)
    described(box, ref, secrets={**old, **fresh})
    return old


@pytest.mark.parametrize("what", [*NEW, "both", "community"])
async def test_a_box_that_took_its_new_secrets_ends_the_change(box: Trial, what: str) -> None:
    """Refused or silent to the old ones, it is asked by the new; they are its own from then on."""
    ref = harness(box).new_ref()
    await box.held(ref)
    if what == "community":
        described(box, ref, secrets={"community": "rack-seven"})
        fresh, taken = {"next_community": "rack-eight"}, {"snmp_community": "rack-eight"}
    else:
        fresh = NEW if what == "both" else {what: NEW[what]}
        taken = {f"snmp_{name.removeprefix('next_')}": value for name, value in fresh.items()}
    old = changing(box, ref, **fresh)
    await credentials(box, ref, **taken)
    try:
        # Half of the time is waited for in silence where a box says nothing of keys.
        async with opened(box, deadline_s=5.0) as adapter:
            assert await adapter.observe(ref) is not None
        await box.converge(lit(ref, "basic"))
    finally:
        await harness(box).admin("/reset", {})
    now = {**old, **{name.removeprefix("next_"): value for name, value in fresh.items()}}
    assert harness(box).papers.known[ref].secrets == now


async def test_a_box_that_has_its_old_secrets_keeps_both(box: Trial) -> None:
    """As long as it knows us by the old ones it is served by them, whichever were tried between."""
    ref = harness(box).new_ref()
    changing(box, ref, **NEW)
    both = harness(box).papers.known[ref].secrets
    await box.converge(lit(ref, "basic"))
    try:
        await credentials(box, ref, snmp_auth_key="12" * 32)
        assert type(await error_of(box.adapter, ref)) is Permanent
        await credentials(box, ref, snmp_auth_key=both["auth_key"])
        await box.converge(lit(ref, "hd"))
        assert harness(box).papers.known[ref].secrets == both
        await credentials(box, ref, **TAKEN)
        await box.converge(lit(ref, "sport"))
    finally:
        await harness(box).admin("/reset", {})
    assert harness(box).papers.known[ref].secrets["auth_key"] == NEW["next_auth_key"]


async def test_secrets_are_refused_where_neither_will_do(box: Trial) -> None:
    """Permanent where both are refused; where the box is silent to one of them, it was silent."""
    ref = harness(box).new_ref()
    await box.held(ref)
    secrets = changing(box, ref, **NEW)
    await credentials(box, ref, snmp_auth_key="12" * 32)
    try:
        error = await error_of(box.adapter, ref)
        assert type(error) is Permanent
        assert "keys" in str(error)
        await credentials(box, ref, snmp_auth_key=secrets["auth_key"], snmp_priv_key="34" * 16)
        async with opened(box, deadline_s=2 * HASTY_S) as adapter:
            assert type(await error_of(adapter, ref)) is Unreachable
    finally:
        await harness(box).admin("/reset", {})
    assert "next_auth_key" in harness(box).papers.known[ref].secrets


async def test_another_box_does_not_end_a_change(box: Trial) -> None:
    """Who answers to the new secrets under another serial is a conflict, and nothing is settled."""
    ref, other = harness(box).new_ref(), harness(box).new_ref()
    there = harness(box).papers.known[other]
    fresh = {f"next_{name}": there.secrets[name] for name in ("auth_key", "priv_key")}
    described(box, ref, address=there.address)
    changing(box, ref, **fresh)
    assert type(await error_of(box.adapter, ref)) is Conflict
    assert fresh.items() <= harness(box).papers.known[ref].secrets.items()


async def test_a_master_key_is_localised_once(box: Trial) -> None:
    """A key that is marked as a master key opens the box whose keys were made of it."""
    ref = harness(box).new_ref()
    told = harness(box).simulator.told["boxes"]
    engine = bytes.fromhex(next(one["engine_id"] for one in told if one["serial"] == ref))
    key = b"\x11" * 32
    localised = hashlib.sha256(key + engine + key).hexdigest()  # RFC 3414, 2.6
    keys = {"snmp_auth_key": localised, "snmp_priv_key": localised[:32]}
    await credentials(box, ref, **keys)
    master = "master:" + "11" * 32
    secrets = {"username": "boxoffice", "auth_key": master, "priv_key": master}
    described(box, ref, secrets=secrets)
    try:
        assert await box.adapter.observe(ref) is not None
    finally:
        await harness(box).admin("/reset", {})


async def test_a_community_is_used_where_the_box_has_no_keys(box: Trial) -> None:
    """v2c is spoken to a box whose papers say so, and to no other."""
    ref = harness(box).new_ref()
    await credentials(box, ref, snmp_community="rack-seven")
    described(box, ref, secrets={"community": "rack-seven"})
    try:
        await box.converge(lit(ref, "basic"))
    finally:
        await harness(box).admin("/reset", {})


@pytest.mark.parametrize(
    "secrets",
    [
        {},
        {"community": "public"},
        {"community": "Private"},
        {**KEYS, "username": ""},
        {**KEYS, "auth_key": "maplesyrup"},
        {**KEYS, "priv_key": ""},
        {**KEYS, "priv_key": "cd" * 32},
        {**KEYS, "auth_key": "master:" + "ab" * 32},
    ],
)
def test_what_is_no_key_is_refused_before_a_call(secrets: dict[str, str]) -> None:
    """No keys, a passphrase, a known community: Permanent, and nothing of it is shown."""
    with pytest.raises(Permanent) as caught:
        peer_of(Access(address="10.0.0.1", secrets=secrets))
    assert "maplesyrup" not in str(caught.value)


def test_no_key_is_shown() -> None:
    """Neither the papers of a box nor who it is asked as print a key."""
    access = Access(address="10.0.0.1", secrets=KEYS)
    peer = peer_of(access)
    assert peer.port == 161
    for secret in ("abab", "cdcd", repr(peer.auth_key), repr(peer.priv_key)):
        assert secret not in repr(access) + repr(peer)


# -- engines


async def test_an_engine_is_replaced_and_drained(box: Trial) -> None:
    """After so many boxes a new engine takes over; the old one ends what was begun, then closes."""
    refs = [harness(box).new_ref() for _ in range(3)]
    async with opened(box, engine_boxes_max=2) as adapter:
        engines: Any = adapter._engines
        await adapter.observe(refs[0])
        first = engines._now
        async with suffering(box, f"slow:200ms:match={refs[0]}:count=1"):
            slow = asyncio.create_task(adapter.observe(refs[0]))
            await adapter.observe(refs[1])
            assert engines._now is first
            await adapter.observe(refs[2])
            assert engines._now is not first
            assert (await slow).ref == refs[0]
        await asyncio.gather(*engines._closing)
        assert [wire.closed.is_set() for wire in first._wires.values()] == [True]
        assert not engines._draining


async def test_a_box_is_asked_one_thing_at_a_time(box: Trial) -> None:
    """Many who want the same box take turns."""
    ref = harness(box).new_ref()
    found = await asyncio.gather(*(box.adapter.observe(ref) for _ in range(10)))
    assert len({state.encode() for state in found if state}) == 1
    counters = await harness(box).admin("/counters")
    assert counters["overlapping_writes"] == 0


async def test_a_dropped_engine_ends_what_is_asked_through_it(box: Trial) -> None:
    """Whoever drops the engines ends the calls under way; the next call opens its own."""
    ref = harness(box).new_ref()
    async with opened(box) as adapter:
        await adapter.observe(ref)
        async with suffering(box, "silent:count=1"):
            before = await harness(box).calls()
            task = asyncio.create_task(adapter.observe(ref))
            while await harness(box).calls() == before:
                assert not task.done()
            await adapter.drop()
            with pytest.raises(Unreachable):
                await task
        assert await adapter.observe(ref) is not None


async def test_a_box_that_booted_is_met_again(box: Trial) -> None:
    """After a restart the engine's boots and time are learned anew, without losing a call."""
    ref = harness(box).new_ref()
    await box.held(ref)
    await box.adapter.perform(ref, Action(name="reboot", request="r-1"))  # type: ignore[attr-defined]
    await harness(box).settled(ref)
    await box.converge(lit(ref, "basic"))


async def test_a_restart_is_proven_by_its_key_and_done_once(box: Trial) -> None:
    """The same request does not restart a box twice; another one does."""
    ref = harness(box).new_ref()
    perform = box.adapter.perform  # type: ignore[attr-defined]
    boots = (await harness(box).box(ref))["boots"]
    for request in ("r-7", "r-7", "r-8"):
        await perform(ref, Action(name="reboot", request=request))
        await harness(box).settled(ref)
    after = await harness(box).box(ref)
    assert after["boots"] == boots + 2
    assert 0 < len(after["last_key"]) <= 32
