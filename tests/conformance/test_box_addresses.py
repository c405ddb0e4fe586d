"""Where boxes are: over IPv6 as over IPv4, and nowhere outside the networks that are allowed."""

import socket
from collections.abc import Iterator
from typing import Any

import asyncssh
import pytest

from gateway.adapters import registry
from gateway.adapters.conformance import trial
from gateway.adapters.sdk import Access, Action
from gateway.adapters.state import ViewerState
from runtime.http import HttpDoor
from runtime.networks import LOOPBACK
from terms.errors import Permanent, Unreachable
from terms.ids import TargetName
from tests.conformance.boxes import BoxHarness
from tests.conformance.harness_snmp import SnmpHarness
from tests.conformance.harness_ssh import SshHarness
from tests.conftest import missing
from tests.fixtures.papers import Papers

SETTING = "adapter_networks"
REF = "RB00000018"
KEYS = {"username": "ada", "auth_key": "ab" * 32, "priv_key": "cd" * 16}


class SshOverIpv6(SshHarness):
    """A rack on the other loopback."""

    host = "::1"


class SnmpOverIpv6(SnmpHarness):
    """The same, asked by datagrams."""

    host = "::1"


def has_ipv6() -> bool:
    """Tell whether this machine can talk to itself over IPv6."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as one:
            one.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.fixture(scope="module", params=[SshOverIpv6, SnmpOverIpv6])
def rack(request: pytest.FixtureRequest) -> Iterator[BoxHarness]:
    """Start a rack on ::1."""
    if not has_ipv6():
        missing("this machine has no IPv6 loopback")
    harness: BoxHarness = request.param()
    harness.state = {**harness.state, "count": 2}
    harness.start()
    yield harness
    harness.stop()


async def test_a_box_is_reached_over_ipv6(rack: BoxHarness) -> None:
    """Wish, message and restart over ::1, as over IPv4; two boxes are kept apart by their ports."""
    one, other = rack.new_ref(), rack.new_ref()
    assert rack.papers.known[one].address.startswith("[::1]:")
    wish = ViewerState(ref=one, enabled=True, packages=frozenset({"basic", "sport"}), revision=7)
    async with trial(rack) as box:
        await box.converge(wish)
        assert (await box.held(one)).revision == 7
        assert not (await box.held(other)).enabled
        perform: Any = box.adapter.perform  # type: ignore[attr-defined]
        await perform(one, Action(name="message", params={"text": "grün"}))
        assert await rack.heard(one) == ["grün"]
        await perform(one, Action(name="reboot", request="r-1"))
        await rack.settled(one)
        assert await box.held(one) == wish


class Ear:
    """Sockets of one port on both loopbacks, by TCP and UDP; nobody takes what comes."""

    def __init__(self) -> None:
        self.sockets: list[socket.socket] = []
        self.port = 0
        families = [(socket.AF_INET, "127.0.0.1")]
        families += [(socket.AF_INET6, "::1")] if has_ipv6() else []
        for family, host in families:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                one = socket.socket(family, kind)
                one.setblocking(False)  # noqa: FBT003 - socket's own signature
                one.bind((host, self.port))
                self.port = one.getsockname()[1]
                if kind == socket.SOCK_STREAM:
                    one.listen()
                self.sockets.append(one)

    def has_heard(self) -> bool:
        """Tell whether anybody has connected or sent anything; on loopback that is at once."""
        for one in self.sockets:
            try:
                if one.type == socket.SOCK_STREAM:
                    one.accept()[0].close()
                else:
                    one.recv(1)
            except BlockingIOError:
                continue
            return True
        return False

    def close(self) -> None:
        """Listen no more."""
        for one in self.sockets:
            one.close()


@pytest.fixture
def ear() -> Iterator[Ear]:
    """Listen on a port of this machine."""
    one = Ear()
    yield one
    one.close()


def access_to(kind: str, host: str, port: int) -> Access:
    """Describe a box at a host, by what its protocol needs."""
    if kind == "cwmp":
        return Access(address=f"http://{host}:{port}/ring", secrets={"connection_password": "x"})
    pinned = asyncssh.generate_private_key("ssh-ed25519").export_public_key("openssh").decode()
    secrets = KEYS if kind == "snmp" else {}
    return Access(address=f"{host}:{port}", secrets=secrets, host_key=pinned.strip())


def options_of(kind: str) -> dict[str, Any]:
    """Give the options that a target of the kind needs."""
    if kind != "ssh":
        return {"models": ["RB-1"], "deadline_s": 0.5}
    key = asyncssh.generate_private_key("ssh-ed25519").export_private_key("openssh").decode()
    return {"models": ["RB-1"], "private_key": key, "connect_deadline_s": 0.5}


async def looked_at(kind: str, access: Access, networks: tuple[str, ...]) -> Any:
    """Have an adapter ask a box, or ring it, through a door to these networks alone."""
    door = HttpDoor(networks=networks, setting=SETTING)
    adapter: Any = registry.open_adapter(
        kind,
        name=TargetName("other"),
        options=options_of(kind),
        http=door,
        boxes=Papers({REF: access}),
    )
    try:
        if kind == "cwmp":
            return await adapter.apply(ViewerState(ref=REF, enabled=True, revision=1), None)
        return await adapter.observe(REF)
    finally:
        await adapter.drop()
        await door.aclose()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
async def test_a_box_outside_the_networks_is_not_rung(host: str, ear: Ear) -> None:
    """It is served when it calls by itself; why it is not rung names the setting."""
    access = access_to("cwmp", host, ear.port)
    waits = await looked_at("cwmp", access, ("10.0.0.0/8", "public"))
    assert f"outside the allowed networks (setting {SETTING})" in waits.reason
    assert not ear.has_heard()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
@pytest.mark.parametrize("kind", ["snmp", "ssh"])
async def test_a_box_outside_the_networks_is_not_spoken_to(kind: str, host: str, ear: Ear) -> None:
    """Not a packet goes there, however its address is written; the setting is named."""
    with pytest.raises(Permanent, match=f"outside the allowed networks .setting {SETTING}.") as e:
        await looked_at(kind, access_to(kind, host, ear.port), ("10.0.0.0/8", "public"))
    assert e.value.is_untouched
    assert not ear.has_heard()


@pytest.mark.parametrize("kind", ["snmp", "ssh"])
async def test_a_box_inside_them_is(kind: str, ear: Ear) -> None:
    """The same box is spoken to where its network is allowed, so that the ear can hear."""
    with pytest.raises(Unreachable):
        await looked_at(kind, access_to(kind, "127.0.0.1", ear.port), LOOPBACK)
    assert ear.has_heard()


@pytest.mark.parametrize("kind", ["snmp", "ssh"])
async def test_a_name_is_judged_by_where_it_leads(
    kind: str, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a name's addresses one that is allowed is taken; where none is, the box is not asked."""
    places = ["192.0.2.1", "127.0.0.1"]

    def resolve(_host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in places]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    access = access_to(kind, "box.example", ear.port)
    with pytest.raises(Permanent, match=r"box\.example is outside"):
        await looked_at(kind, access, ("10.0.0.0/8",))
    assert not ear.has_heard()
    with pytest.raises(Unreachable):
        await looked_at(kind, access, LOOPBACK)
    assert ear.has_heard()


@pytest.mark.parametrize("kind", ["snmp", "ssh"])
async def test_a_name_that_nobody_knows_is_unreachable(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be known again in a minute; what can be no name is Permanent."""

    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable, match=r"the name box\.example") as caught:
        await looked_at(kind, access_to(kind, "box.example", 22), LOOPBACK)
    assert caught.value.is_untouched
    monkeypatch.undo()
    with pytest.raises(Permanent, match="not a host"):
        await looked_at(kind, access_to(kind, "a..b", 22), LOOPBACK)
