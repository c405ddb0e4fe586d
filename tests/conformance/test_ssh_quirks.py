"""What is peculiar to boxes over SSH, and what the adapter makes of it."""

import asyncio
import os
from dataclasses import replace
from typing import Any

import asyncssh
import pytest

from gateway.adapters.conformance import Trial
from gateway.adapters.sdk import Action
from gateway.adapters.state import ViewerState
from gateway.adapters.stb.ssh.link import quoted
from gateway.adapters.stb.ssh.options import SshOptions
from terms.errors import Conflict, Permanent, Retryable, TargetError, Unreachable
from tests.conformance.harness_ssh import SshHarness
from tests.conformance.quirks import described, error_of, harness, lines, lit, opened, suffering

HARNESS = SshHarness
HASTY_S = 0.4


# -- who it is


@pytest.mark.parametrize("fault", ["wrong_host_key", "other_host_key"])
async def test_a_changed_host_key_blocks_the_box(box: Trial, fault: str) -> None:
    """Another host key, of the same or of another kind, is Permanent and waits for a person."""
    ref = harness(box).new_ref()
    told = harness(box).papers.other_keys
    told.clear()
    async with suffering(box, fault):
        error = await error_of(box.adapter, ref)
    assert type(error) is Permanent
    assert error.is_untouched
    ((who, shown),) = told
    assert who == ref
    key = asyncssh.import_public_key(shown)
    pinned = asyncssh.import_public_key(harness(box).papers.known[ref].host_key)
    assert (key.algorithm == pinned.algorithm) is (fault == "wrong_host_key")
    assert key.public_data != pinned.public_data
    assert "another host key" in str(error)
    assert "technician" in str(error)
    assert await box.adapter.observe(ref) is not None


async def test_an_unknown_host_key_is_not_trusted(box: Trial) -> None:
    """Without a pinned key and outside a claim window the box is not even called."""
    ref = harness(box).new_ref()
    described(box, ref, host_key="", may_pin=False)
    error = await error_of(box.adapter, ref)
    assert type(error) is Permanent
    assert "claim it again" in str(error)
    assert harness(box).papers.known[ref].host_key == ""


async def test_a_first_key_is_pinned_inside_a_claim_window(box: Trial) -> None:
    """The key a box shows while a technician claims it is kept, and only that one is good later."""
    ref = harness(box).new_ref()
    true_key = harness(box).papers.known[ref].host_key
    described(box, ref, host_key="", may_pin=True)
    assert await box.adapter.observe(ref) is not None
    assert harness(box).papers.known[ref].host_key == true_key
    described(box, ref, may_pin=False)
    async with opened(box) as adapter, suffering(box, "wrong_host_key"):
        assert "another host key" in str(await error_of(adapter, ref))


async def test_a_key_is_not_pinned_to_another_box(box: Trial) -> None:
    """Where another box answers, its key is pinned to nobody, and both serials are told."""
    ref, other = harness(box).new_ref(), harness(box).new_ref()
    there = harness(box).papers.known[other].address
    described(box, ref, address=there, host_key="", may_pin=True)
    error = await error_of(box.adapter, ref)
    assert type(error) is Conflict
    assert ref in str(error)
    assert other in str(error)
    assert harness(box).papers.known[ref].host_key == ""


async def test_a_box_that_does_not_let_us_in_is_parked_alone(box: Trial) -> None:
    """A refused key is Permanent for this box, never Unauthorized for all."""
    ref = harness(box).new_ref()
    async with suffering(box, "auth_refused"):
        error = await error_of(box.adapter, ref)
    assert type(error) is Permanent
    assert error.is_untouched
    assert await box.adapter.probe() is not None


async def test_the_machines_own_keys_are_not_used(
    box: Trial, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither an agent nor a configuration nor a known_hosts of whoever runs us has any effect."""
    ref = harness(box).new_ref()
    access = harness(box).papers.known[ref]
    folder = tmp_path / ".ssh"
    folder.mkdir()
    host, _, port = access.address.partition(":")
    (folder / "known_hosts").write_text(f"[{host}]:{port} {access.host_key}\n")
    (folder / "config").write_text("Host *\n  User root\n  StrictHostKeyChecking no\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    wrong = asyncssh.generate_private_key("ssh-ed25519").export_public_key("openssh").decode()
    described(box, ref, host_key=" ".join(wrong.split()[:2]))
    async with opened(box) as adapter:
        assert "another host key" in str(await error_of(adapter, ref))
    described(box, ref, host_key=access.host_key)
    async with opened(box) as adapter:
        assert await adapter.observe(ref) is not None
    assert os.environ["HOME"] == str(tmp_path)


# -- how it answers


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("crowded", Unreachable),
        ("banner_silence", Unreachable),
        ("slow_banner:5s", Unreachable),
        ("silent", Unreachable),
        ("drip:1s", Unreachable),
        ("half", Unreachable),
        ("huge:1MB", Permanent),
        ("error:5", Retryable),
        ("error:6", Permanent),
        ("error:3", Permanent),
        ("error:255", Retryable),
        ("garbage", Retryable),
    ],
)
async def test_what_goes_wrong_is_one_error(
    box: Trial, spec: str, expected: type[TargetError]
) -> None:
    """Each way in which a box can fail to answer is the error it means, within the deadlines."""
    ref = harness(box).new_ref()
    names = ("connect", "login", "exec")
    waits = "silen" in spec or "slow" in spec or "drip" in spec
    deadlines = {f"{name}_deadline_s": HASTY_S for name in names} if waits else {}
    async with opened(box, **deadlines) as adapter, suffering(box, spec):
        error = await error_of(adapter, ref)
    assert type(error) is expected, error


async def test_old_algorithms_are_not_taken_unasked(box: Trial) -> None:
    """A box that knows nothing else is told so, unless it hangs up before it is understood."""
    ref = harness(box).new_ref()
    async with opened(box) as adapter, suffering(box, "legacy"):
        error = await error_of(adapter, ref)
    assert type(error) in {Permanent, Unreachable}
    assert error.is_untouched


# What is used here is old on purpose.
@pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")
@pytest.mark.filterwarnings("ignore:.*has been moved to cryptography.hazmat.decrepit")
async def test_old_algorithms_are_taken_by_choice_only(box: Trial) -> None:
    """A box that knows nothing else is spoken to where the operator said so."""
    ref = harness(box).new_ref()
    async with opened(box, legacy=True) as adapter, suffering(box, "legacy"):
        assert await adapter.observe(ref) is not None


async def test_a_silent_port_is_unreachable(box: Trial) -> None:
    """Nobody at the address, and no address, are told apart."""
    ref = harness(box).new_ref()
    described(box, ref, address="127.0.0.1:1")
    assert type(await error_of(box.adapter, ref)) is Unreachable
    for address in ("", "box; id", "127.0.0.1:99999", "127.0.0.1:-1", "[::1", "::1%lo", "[]:22"):
        described(box, ref, address=address)
        assert type(await error_of(box.adapter, ref)) is Permanent


# -- what is written


async def test_a_box_goes_dark_first_and_lights_up_last(box: Trial) -> None:
    """The picture goes before the packages are taken, and comes after they are there."""
    ref = harness(box).new_ref()
    before = len(await lines(box, ref))
    await box.converge(lit(ref, "sport", "basic", revision=41))
    await box.converge(ViewerState(ref=ref, enabled=False, revision=42))
    assert (await lines(box, ref))[before:] == [
        *("SSH set packages basic,sport", "SSH set active 1", "SSH set revision r-0041"),
        *("SSH set active 0", 'SSH set packages ""', "SSH set revision r-0042"),
    ]


async def test_a_change_is_one_sign_in(box: Trial) -> None:
    """Look, write and look again go over one link, which is closed when nobody needs it."""
    ref = harness(box).new_ref()
    async with opened(box, keep_s=10.0) as adapter:
        await adapter.observe(ref)
        async with suffering(box, "auth_refused"):
            await adapter.apply(lit(ref, "basic"), await adapter.observe(ref))
            assert (await adapter.observe(ref)).enabled
    async with opened(box, keep_s=0) as adapter, suffering(box, "auth_refused:skip=1"):
        await adapter.observe(ref)
        while adapter._doors._links:  # noqa: ASYNC110 - a timer closes it, and tells nobody
            await asyncio.sleep(0.001)
        assert "let" in str(await error_of(adapter, ref))


async def test_a_box_is_spoken_to_by_one_at_a_time(box: Trial) -> None:
    """Many who want the same box take turns over its one link and one session."""
    ref = harness(box).new_ref()
    found = await asyncio.gather(*(box.adapter.observe(ref) for _ in range(10)))
    assert len({state.encode() for state in found if state}) == 1


async def test_a_dropped_link_ends_what_is_said_on_it(box: Trial) -> None:
    """Whoever drops the links ends the calls under way; the next call opens its own."""
    ref = harness(box).new_ref()
    async with opened(box) as adapter:
        async with suffering(box, "silent:count=1"):
            calls = harness(box).calls
            before = await calls()
            task = asyncio.create_task(adapter.observe(ref))
            while await calls() == before:
                assert not task.done()
            await adapter.drop()
            with pytest.raises(Unreachable):
                await task
        assert await adapter.observe(ref) is not None


async def test_a_half_written_box_is_seen_as_such(box: Trial) -> None:
    """Where the second of three writes never came, the look shows what stands, and it is ended."""
    ref = harness(box).new_ref()
    wish = lit(ref, "basic", revision=7)
    held = await box.held(ref)
    async with suffering(box, "reset:skip=1:count=1"):
        with pytest.raises(Unreachable):
            await box.adapter.apply(wish, held)
    state = await box.held(ref)
    assert state == replace(wish, enabled=False)
    assert state.revision == 0
    await box.converge(wish)
    assert (await box.held(ref)).revision == 7


async def test_a_full_box_is_permanent(box: Trial) -> None:
    """A box without room says so; nothing is gained by asking again."""
    ref = harness(box).new_ref()
    fill = {"op": "set", "serial": ref, "fields": {"free_mb": 0}}
    await harness(box).admin("/tamper", fill)
    with pytest.raises(Permanent, match="room"):
        await box.adapter.apply(lit(ref, "basic"), await box.held(ref))
    await harness(box).admin("/tamper", {**fill, "fields": {"free_mb": 500}})


# -- words are no commands


@pytest.mark.parametrize(
    "text",
    [
        "get active; id",
        "$(reboot k)",
        "`id` && id || id | id",
        'a "quoted" text \\ with \\" both',
        "'single' * ? ~ # ! {a,b}",
        "grün ☂ ÄÖ€",
    ],
)
async def test_text_stays_one_word(box: Trial, text: str) -> None:
    """Whatever stands in a message is shown word for word, and nothing else is done."""
    ref = harness(box).new_ref()
    before = await harness(box).box(ref)
    await box.adapter.perform(ref, Action(name="message", params={"text": text}))  # type: ignore[attr-defined]
    after = await harness(box).box(ref)
    assert after["message"]["text"] == text
    assert after["shown"] == before["shown"] + 1
    for name in ("boots", "active", "packages", "revision"):
        assert after[name] == before[name]


@pytest.mark.parametrize("text", ["two\nlines", "bell\x07", "x" * 201, "\ud800"])
async def test_text_that_no_screen_shows_is_not_sent(box: Trial, text: str) -> None:
    """Control marks, lines and over-length are refused rather than cut."""
    ref = harness(box).new_ref()
    before = await harness(box).calls()
    with pytest.raises(Permanent):
        await box.adapter.perform(ref, Action(name="message", params={"text": text}))  # type: ignore[attr-defined]
    assert await harness(box).calls() == before


def test_a_word_is_quoted_unless_it_is_plain() -> None:
    """Only letters, digits, comma, dot, dash and underscore stand bare."""
    assert quoted("basic,sport") == "basic,sport"
    assert quoted("") == '""'
    assert quoted("get active; id") == '"get active; id"'
    assert quoted('a"b\\c') == '"a\\"b\\\\c"'


# -- restarts


async def test_a_restart_is_proven_by_its_key_and_done_once(box: Trial) -> None:
    """The same request does not restart a box twice; another one does."""
    ref = harness(box).new_ref()
    perform = box.adapter.perform  # type: ignore[attr-defined]
    boots = (await harness(box).box(ref))["boots"]
    once = Action(name="reboot", request="r-1")
    for _ in range(2):
        await perform(ref, once)
        await harness(box).settled(ref)
    after = await harness(box).box(ref)
    assert after["boots"] == boots + 1
    assert 0 < len(after["last_key"]) <= 32
    await perform(ref, Action(name="reboot", request="r-2"))
    await harness(box).settled(ref)
    assert (await harness(box).box(ref))["boots"] == boots + 2


async def test_what_a_box_does_not_offer_is_unsupported(box: Trial) -> None:
    """A factory reset is nobody's automatic act, and a kick means nothing to a box."""
    ref = harness(box).new_ref()
    before = await harness(box).calls()
    for name in ("reset", "factory_reset", "kick", "firmware"):
        with pytest.raises(Permanent):
            await box.adapter.perform(ref, Action(name=name))  # type: ignore[attr-defined]
    assert await harness(box).calls() == before


# -- secrets


def test_no_key_is_shown_by_options(shared: SshHarness) -> None:
    """Options print no key."""
    options = SshOptions.model_validate(shared.options(8.0))
    assert "PRIVATE KEY" not in repr(options)
