"""The adapters of boxes against programs that others wrote: OpenSSH, Dropbear, net-snmp's agent."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from gateway.adapters import registry
from gateway.adapters.sdk import Access, Action, BoxAdapter, Operable
from gateway.adapters.state import ViewerState
from runtime.http import HttpDoor
from terms.errors import Permanent, TargetError, Unreachable
from terms.ids import TargetName
from tests.conftest import missing
from tests.fixtures.papers import Papers
from tests.services import peers

SERIAL = "RB00000018"
NEEDED = {
    "openssh": ("sshd", "ssh-keygen", "libnss_wrapper.so"),
    "dropbear": ("dropbear", "dropbearkey", "libnss_wrapper.so"),
    "net-snmp": ("snmpd",),
}
AUTH_KEY, PRIV_KEY = bytes(range(32)), bytes(range(16))
STARTS_MAX = 40


@dataclass(frozen=True, kw_only=True)
class Real:
    """One running program: which kind of adapter speaks to it, and with what."""

    kind: str
    options: Mapping[str, Any]
    access: Access


def ssh(stack: ExitStack, make: str, folder: Path) -> Real:
    """Run an SSH server with a forced command."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    line = key.export_public_key("openssh").decode().strip()
    run = {"openssh": peers.openssh, "dropbear": peers.dropbear}[make]
    peer = stack.enter_context(run(folder, line))
    return Real(
        kind="ssh",
        options={"models": ["RB-1"], "private_key": key.export_private_key("openssh").decode()},
        access=Access(address=f"127.0.0.1:{peer.port}", host_key=peer.host_key),
    )


def snmp(stack: ExitStack, folder: Path) -> Real:
    """Run an agent that has the objects of a box passed on."""
    engine_id = bytes.fromhex("80007ed90300163e0000ff")
    agent = peers.snmpd(
        folder, user="boxoffice", auth_key=AUTH_KEY, priv_key=PRIV_KEY, engine_id=engine_id
    )
    peer = stack.enter_context(agent)
    secrets = {
        "username": "boxoffice",
        "auth_key": AUTH_KEY.hex(),
        "priv_key": PRIV_KEY.hex(),
    }
    return Real(
        kind="snmp",
        options={"models": ["RB-1"]},
        access=Access(address=f"127.0.0.1:{peer.port}", secrets=secrets),
    )


@pytest.fixture(scope="module", params=["openssh", "dropbear", "net-snmp"])
def real(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Real]:
    """Return a running program of each make."""
    lacking = peers.missing(NEEDED[request.param])
    if lacking:
        missing(lacking)
    folder = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        is_agent = request.param == "net-snmp"
        yield snmp(stack, folder) if is_agent else ssh(stack, request.param, folder)


@asynccontextmanager
async def opened(
    real: Real, papers: Papers | None = None, **changes: Any
) -> AsyncIterator[BoxAdapter[ViewerState]]:
    """Open the adapter; an agent that is still starting is waited for."""
    cls = registry.adapter_class(real.kind)
    options = cls.options_type.model_validate({**real.options, **changes})
    door = HttpDoor(networks=["127.0.0.0/8"])
    boxes = papers or Papers({SERIAL: real.access})
    adapter: Any = registry.make(cls, TargetName("real"), options, door, boxes=boxes)
    try:
        for _ in range(STARTS_MAX if papers is None else 0):
            with contextlib.suppress(Unreachable):
                await adapter.observe(SERIAL)
                break
        yield adapter
    finally:
        await adapter.drop()
        await door.aclose()


async def converge(adapter: BoxAdapter[ViewerState], wish: ViewerState) -> ViewerState:
    """Do what the queue does, and insist on an empty plan."""
    wanted = adapter.express(wish)
    held = await adapter.observe(SERIAL)
    await adapter.apply(wanted, held)
    held = await adapter.observe(SERIAL)
    assert held == wanted
    return held


async def test_every_field_there_and_back(real: Real) -> None:
    """A real server holds each wish as it was written, revision included, and twice is once."""
    async with opened(real) as adapter:
        for number, (is_on, codes) in enumerate(
            [(True, {"basic"}), (True, {"basic", "sport"}), (False, {"sport"}), (True, set())], 1
        ):
            wish = ViewerState(
                ref=SERIAL, enabled=is_on, packages=frozenset(codes), revision=number
            )
            held = await converge(adapter, wish)
            assert held.revision == number
            await adapter.apply(wish, held)
        await adapter.remove(SERIAL)
        assert await adapter.observe(SERIAL) == ViewerState(ref=SERIAL, enabled=False)


async def test_an_unknown_package_lights_nothing(real: Real) -> None:
    """A code the box lacks is named, and the picture does not come on for it."""
    async with opened(real) as adapter:
        await adapter.remove(SERIAL)
        held = await adapter.observe(SERIAL)
        wish = ViewerState(ref=SERIAL, enabled=True, packages=frozenset({"no-such-code"}))
        with pytest.raises(Permanent, match="no-such-code"):
            await adapter.apply(wish, held)
        after = await adapter.observe(SERIAL)
        assert after is not None
        assert not after.enabled


async def test_who_we_are_not_is_told(real: Real) -> None:
    """Wrong credentials are Permanent for this box where it says so, else silence, told as such."""
    wrong = Access(
        address=real.access.address,
        secrets={**real.access.secrets, "priv_key": "ff" * 16},
        host_key=real.access.host_key,
    )
    changes: dict[str, Any] = {"deadline_s": 1.0}
    if real.kind == "ssh":
        stranger = asyncssh.generate_private_key("ssh-ed25519")
        changes = {"private_key": stranger.export_private_key("openssh").decode()}
    async with opened(real):
        pass
    async with opened(real, Papers({SERIAL: wrong}), **changes) as adapter:
        with pytest.raises(TargetError) as caught:
            await adapter.observe(SERIAL)
    expected = {"ssh": Permanent, "snmp": Unreachable}
    assert type(caught.value) is expected[real.kind]


async def test_words_of_others_stay_words(real: Real) -> None:
    """A message with every mark of a shell is one word to a server that has one."""
    if real.kind == "snmp":
        pytest.skip("this agent passes no message on")
    async with opened(real) as adapter:
        assert isinstance(adapter, Operable)
        await converge(adapter, ViewerState(ref=SERIAL, enabled=True, revision=3))
        text = 'get active; id "$(set active 0)" `set active 0` \\ \' && set active 0'
        await adapter.perform(SERIAL, Action(name="message", params={"text": text}))
        held = await adapter.observe(SERIAL)
        assert held is not None
        assert held.enabled


async def test_another_host_key_blocks_the_box(real: Real) -> None:
    """A key that is not the pinned one, of whatever kind, is told as a changed key."""
    if real.kind == "snmp":
        pytest.skip("an agent has no host key")
    for algorithm in ("ssh-ed25519", "ecdsa-sha2-nistp256"):
        other = asyncssh.generate_private_key(algorithm).export_public_key("openssh").decode()
        pinned = Access(address=real.access.address, host_key=" ".join(other.split()[:2]))
        async with opened(real, Papers({SERIAL: pinned})) as adapter:
            with pytest.raises(Permanent, match="another host key"):
                await adapter.observe(SERIAL)


async def test_a_first_key_is_pinned_inside_a_claim_window(real: Real) -> None:
    """The key of a real server is pinned as its owner would write it down."""
    if real.kind == "snmp":
        pytest.skip("an agent has no host key")
    papers = Papers({SERIAL: Access(address=real.access.address, may_pin=True)})
    async with opened(real, papers) as adapter:
        assert await adapter.observe(SERIAL) is not None
    assert papers.known[SERIAL].host_key == real.access.host_key
