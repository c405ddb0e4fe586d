"""Our box and net-snmp's agent answer one script of exchanges alike, to two kinds of manager."""

import os
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import missing
from tests.services import peers
from tests.simulators.managers import BOX, OIDS, Manager, NotDoneError, knowledge_of, manager
from tests.simulators.process import start_simulator

TOOLS = ("snmpget", "snmpset", "snmpwalk")

Knowledge = Mapping[str, Any]


@pytest.fixture(scope="module", params=["ours", "net-snmp"])
def agent(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Knowledge]:
    """Return what to know of an agent of each make."""
    with ExitStack() as stack:
        if request.param == "ours":
            yield knowledge_of(stack.enter_context(start_simulator("snmp")))
            return
        lacking = peers.missing(["snmpd"])
        if lacking:
            missing(lacking)
        folder = tmp_path_factory.mktemp("snmpd")
        known: dict[str, Any] = {
            "user": "boxoffice",
            "auth_key": bytes(range(32)),
            "priv_key": bytes(range(16)),
            "engine_id": bytes.fromhex("80007ed90300163e0000ff"),
        }
        peer = stack.enter_context(peers.snmpd(folder, **known))
        yield {"port": peer.port, **known}


@asynccontextmanager
async def awake(known: Knowledge) -> AsyncIterator[Manager]:
    """Give a manager once the agent answers; datagrams are lost while it starts."""
    async with manager(known, timeout_s=0.5, retries=40) as patient:
        await patient.get("serial")
    async with manager(known) as made:
        yield made


async def refused(known: Manager, **values: str | int) -> str:
    """Write, insist on a refusal and tell it."""
    with pytest.raises(NotDoneError) as told:
        await known.put(**values)
    return str(told.value)


async def test_the_script(agent: Knowledge) -> None:
    """Reads, walks, writes and refusals are the same, down to the index of a variable."""
    async with awake(agent) as known:
        assert await known.get("sysDescr", "model") == ["RB-1 1.4.2", "RB-1"]
        await known.put(active=1, packages="sport,basic", revision="r-1")
        assert await known.get("active", "packages", "revision") == [1, "basic,sport", "r-1"]
        await known.put(active=1)
        await known.put(packages="", revision="")
        assert await known.get("packages", "revision") == ["", ""]
        await known.put(pin="1234")
        assert await known.get("pin") == [""]
        assert await refused(known, serial="RB1") == "notWritable 1"
        assert await refused(known, active="1") == "wrongType 1"
        assert await refused(known, packages="basic,unheard") == "wrongValue 1"
        walked = await known.next(BOX, f"{BOX}.2.1.0")
        assert [oid for oid, _ in walked] == [OIDS["serial"], OIDS["packages"]]
        many = await known.bulk(1, 3, BOX, f"{BOX}.2")
        assert [oid for oid, _ in many] == [
            OIDS[name] for name in ("serial", "active", "packages", "revision")
        ]


async def test_half_a_set_is_left_behind(agent: Knowledge) -> None:
    """A refused value of the second variable leaves the first one written."""
    async with awake(agent) as known:
        await known.put(active=0, packages="basic")
        assert await refused(known, active=1, packages="unheard") == "wrongValue 2"
        assert await known.get("active", "packages") == [1, "basic"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"user": "stranger"}, "Unknown USM user"),
        ({"auth_key": bytes(32)}, "Wrong SNMP PDU digest"),
        ({"priv_key": bytes(16), "timeout_s": 0.3}, "No SNMP response received"),
    ],
)
async def test_wrong_secrets(agent: Knowledge, changes: dict[str, Any], words: str) -> None:
    """A stranger and a wrong key are told so; a wrong privacy key meets silence."""
    async with awake(agent), manager(agent, **changes) as wrong:
        with pytest.raises(NotDoneError, match=words):
            await wrong.get("serial")


def test_the_tools_of_net_snmp(agent: Knowledge, tmp_path: Path) -> None:
    """What net-snmp's own tools write they read again, and walk over."""
    lacking = peers.missing(TOOLS)
    if lacking:
        missing(lacking)

    def tool(name: str, *words: str) -> str:
        auth, priv, engine_id = (
            f"0x{agent[n].hex()}" for n in ("auth_key", "priv_key", "engine_id")
        )
        command = [
            *(str(peers.find(name)), "-v3", "-l", "authPriv", "-u", agent["user"], "-Oqn"),
            *("-a", "SHA-256", "-3k", auth, "-x", "AES", "-3K", priv, "-r", "9", "-t", "1"),
            *("-e", engine_id, f"127.0.0.1:{agent['port']}", *words),
        ]
        environment = {**os.environ, "MIBS": "", "SNMP_PERSISTENT_DIR": str(tmp_path)}
        return subprocess.run(
            command, capture_output=True, text=True, check=True, env=environment
        ).stdout

    tool("snmpset", OIDS["active"], "i", "1", OIDS["revision"], "s", "r-9")
    assert tool("snmpget", OIDS["revision"]).split() == [f".{OIDS['revision']}", '"r-9"']
    walk = [line.split()[0] for line in tool("snmpwalk", f"{BOX}.2").splitlines()]
    assert walk == [f".{OIDS[name]}" for name in ("active", "packages", "revision", "pin")]
