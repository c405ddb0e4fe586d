"""The SSH face of the simulated box: its verbs, its power, and every fault it can be given."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from tests.conftest import missing
from tests.services import peers
from tests.simulators.links import Operator, operator_of
from tests.simulators.process import RunningSimulator, start_simulator

BOOT_S = "0.2"


@pytest.fixture(scope="module")
def _process() -> Iterator[RunningSimulator]:
    with start_simulator("ssh", "--count", "2", "--seed", "11", "--boot-s", BOOT_S) as running:
        yield running


@pytest.fixture
def boxes(_process: RunningSimulator) -> RunningSimulator:
    """Return two boxes as they were at the start."""
    _process.admin("/reset", {})
    return _process


@pytest.fixture
def operator(boxes: RunningSimulator) -> Operator:
    """Return the operator of the first of them."""
    return operator_of(boxes)


def serial_of(boxes: RunningSimulator, number: int = 0) -> str:
    """Return the serial of a box."""
    return str(boxes.told["boxes"][number]["serial"])


def shown(boxes: RunningSimulator, number: int = 0) -> dict[str, object]:
    """Return the state of a box as the admin face shows it."""
    found: dict[str, object] = boxes.admin(f"/state?serial={serial_of(boxes, number)}")["boxes"][0]
    return found


def tamper(boxes: RunningSimulator, op: str, **fields: object) -> None:
    """Lay hand on the first box."""
    boxes.admin("/tamper", {"op": op, "serial": serial_of(boxes), **fields})


def await_event(boxes: RunningSimulator, what: str, after: int) -> int:
    """Wait until something happened to a box after that entry, and return the entry's number."""
    while True:
        page = boxes.admin(f"/journal?after={after}&wait_s=30")
        found = [entry["n"] for entry in page["entries"] if entry["call"] == what]
        if found:
            return int(found[0])
        after = int(page["last"])


def state_of(output: object) -> dict[str, str]:
    """Read lines of key=value."""
    return dict(line.split("=", 1) for line in str(output).splitlines())


async def test_what_a_box_tells_of_itself(boxes: RunningSimulator, operator: Operator) -> None:
    """`get state` names everything a manager needs, and nothing secret."""
    paper = boxes.told["boxes"][0]
    told = state_of((await operator.run("get state")).stdout)
    assert list(told) == [
        *("model", "serial", "mac", "firmware", "boot_id", "uptime_s", "active", "packages"),
        *("revision", "last_key", "temperature_c", "free_mb"),
    ]
    assert (told["model"], told["firmware"]) == ("RB-1", "1.4.2")
    assert (told["serial"], told["mac"]) == (paper["serial"], paper["mac"])
    assert (told["active"], told["packages"], told["revision"]) == ("0", "", "")


async def test_messages_and_log(operator: Operator) -> None:
    """A message on the screen is told with its count; the log ends in what was done last."""
    async with operator.link() as link:
        assert (await link.run("get messages")).stdout == ""
        await link.run('show "Pay, please" 60')
        told = state_of((await link.run("get messages")).stdout)
        assert (told["id"], told["shown"]) == ("m-1", "1")
        assert told["until"].endswith("Z")
        await link.run("set pin 4711")
        log = str((await link.run("get log 2")).stdout).splitlines()
        assert [line.split(" ", 1)[1] for line in log] == ["message m-1 shown", "pin changed"]
        assert (await link.run("get log 501")).exit_status == 4
        assert (await link.run("get log many")).exit_status == 4
        assert (await link.run("get log")).exit_status == 2


async def test_effects_are_journalled(boxes: RunningSimulator, operator: Operator) -> None:
    """Every write is an entry with what was and what is; a PIN is in none of them."""
    async with operator.link() as link:
        for line in ("set active 1", "set active 1", "set packages nope", "set pin 4711"):
            await link.run(line)
        await link.run("get state")
    first, again, refused, pin = boxes.journal(face="api")
    assert (first["subject"], first["call"]) == (serial_of(boxes), "SSH set active 1")
    assert (first["before"], first["after"]) == ({"active": False}, {"active": True})
    assert [entry["changed"] for entry in (again, refused, pin)] == [False, False, True]
    assert pin["call"] == "SSH set pin ***"
    assert "4711" not in json.dumps([boxes.journal(), boxes.admin("/state")])
    assert boxes.admin("/counters")["calls"] == {"ssh SET": 4, "ssh GET": 1}


async def test_one_session_at_a_time(boxes: RunningSimulator, operator: Operator) -> None:
    """While one line is being answered a second session is refused, on any connection."""
    boxes.admin("/faults", {"spec": "silent:match=get log"})
    async with operator.link() as one, operator.link() as other:
        waiting = await one.create_process("get log 1")
        for link in (one, other):
            with pytest.raises(asyncssh.ChannelOpenError, match="one session"):
                await link.run("get state")
        waiting.close()
        await waiting.wait_closed()
        assert (await other.run("get state")).exit_status == 0


async def test_five_connections(operator: Operator) -> None:
    """The sixth connection at once is reset; with one less there is room again."""
    links = [await operator.link() for _ in range(5)]
    with pytest.raises((OSError, asyncssh.Error)):
        await operator.link()
    links[0].close()
    await links[0].wait_closed()
    links[0] = await _patient_link(operator)
    for link in links:
        link.close()
        await link.wait_closed()


async def leave_when_struck(boxes: RunningSimulator, operator: Operator, fault: str) -> None:
    """Tell a box something, and wait for no answer once a fault has struck it."""
    async with operator.link() as link:
        told = asyncio.create_task(link.run("set active 1"))
        while fault in str(await asyncio.to_thread(boxes.admin, "/faults")):
            pass  # it is in force until it has struck
        assert not told.done()
        told.cancel()
        await asyncio.gather(told, return_exceptions=True)


async def _patient_link(operator: Operator) -> asyncssh.SSHClientConnection:
    while True:
        try:
            made: asyncssh.SSHClientConnection = await operator.link()
        except (OSError, asyncssh.Error):
            await asyncio.sleep(0.02)
        else:
            return made


async def test_no_subsystem_and_no_terminal(operator: Operator) -> None:
    """There is neither file transfer nor a terminal."""
    async with operator.link() as link:
        with pytest.raises(asyncssh.ChannelOpenError):
            await link.start_sftp_client()
        with pytest.raises(asyncssh.ChannelOpenError):
            await link.create_process("get state", term_type="xterm")


async def test_a_reboot(boxes: RunningSimulator, operator: Operator) -> None:
    """Nothing answers while a box boots; then it tells another boot id and the key."""
    async with operator.link() as link:
        before = state_of((await link.run("get state")).stdout)
        assert (await link.run("reboot k-1")).stdout == "accepted=k-1\n"
        assert (await link.run("get state")).exit_status == 5
        await link.wait_closed()
    with pytest.raises((OSError, asyncssh.Error)):
        await operator.link()
    await asyncio.to_thread(await_event, boxes, "BOX came up", 0)
    after = state_of((await operator.run("get state")).stdout)
    assert (after["last_key"], after["boot_id"] == before["boot_id"]) == ("k-1", False)
    assert int(after["uptime_s"]) < int(before["uptime_s"])
    assert (await operator.run("reboot k-1")).stdout == "accepted=k-1\n"
    assert state_of((await operator.run("get state")).stdout)["boot_id"] == after["boot_id"]


async def test_a_factory_reset(boxes: RunningSimulator, operator: Operator) -> None:
    """A reset forgets what was sent and lets in whom the factory let in."""
    other = asyncssh.generate_private_key("ssh-ed25519")
    line = other.export_public_key("openssh").decode()
    async with operator.link() as link:
        for verb in ("set active 1", "set packages basic", "set revision r-1"):
            await link.run(verb)
    tamper(boxes, "credentials", fields={"ssh_keys": [line]})
    with pytest.raises(asyncssh.PermissionDenied):
        await operator.link()
    async with operator.link(client_keys=[other]) as link:
        await link.run("reset k-2")
    await asyncio.to_thread(await_event, boxes, "BOX came up", 0)
    told = state_of((await operator.run("get state")).stdout)
    assert (told["active"], told["packages"], told["revision"]) == ("0", "", "")
    assert told["last_key"] == "k-2"


async def test_the_plug_is_pulled(boxes: RunningSimulator, operator: Operator) -> None:
    """Pulling the plug breaks the link at once; the other box does not notice."""
    async with operator.link() as link:
        await link.run("set active 1")
        tamper(boxes, "power_off")
        await link.wait_closed()
    with pytest.raises((OSError, asyncssh.Error)):
        await operator.link()
    assert (await operator_of(boxes, 1).run("get state")).exit_status == 0
    assert shown(boxes)["power"] == "off"
    tamper(boxes, "power_on")
    await asyncio.to_thread(await_event, boxes, "BOX came up", 0)
    assert state_of((await operator.run("get state")).stdout)["active"] == "1"


async def test_a_hand_at_the_box(boxes: RunningSimulator, operator: Operator) -> None:
    """What is changed by hand is what the box tells, and stands in the journal."""
    tamper(boxes, "set", fields={"active": True, "packages": ["kids"], "free_mb": 0})
    tamper(boxes, "channel", channel="ch-9")
    told = state_of((await operator.run("get state")).stdout)
    assert (told["active"], told["packages"], told["free_mb"]) == ("1", "kids", "0")
    assert (await operator.run("set active 0")).exit_status == 6
    assert [entry["call"] for entry in boxes.journal(face="admin")] == [
        "TAMPER set",
        "TAMPER channel",
    ]


async def test_a_new_host_key(boxes: RunningSimulator, operator: Operator) -> None:
    """A box with another host key is not the one that was pinned, until it is pinned anew."""
    tamper(boxes, "new_host_key")
    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        await operator.link()
    pinned = asyncssh.import_known_hosts(f"[127.0.0.1]:{operator.port} {shown(boxes)['host_key']}")
    async with operator.link(known_hosts=pinned) as link:
        assert (await link.run("get state")).exit_status == 0


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        ("wrong_host_key", asyncssh.HostKeyNotVerifiable),
        # A client may tell of a key of another type as of a lost connection.
        ("other_host_key", (asyncssh.KeyExchangeFailed, asyncssh.ConnectionLost)),
        ("auth_refused", asyncssh.PermissionDenied),
        ("crowded", (OSError, asyncssh.ConnectionLost)),
        ("banner_silence", asyncssh.ConnectionLost),
        # Either side may be the first to hang up.
        ("legacy", (asyncssh.KeyExchangeFailed, asyncssh.ConnectionLost)),
    ],
)
async def test_connections_that_fail(
    boxes: RunningSimulator, operator: Operator, spec: str, error: type[Exception]
) -> None:
    """A fault of a connection meets its callers and nobody else; the next one comes in."""
    boxes.admin("/faults", {"spec": f"{spec}:count=1:match={serial_of(boxes)}"})
    async with operator_of(boxes, 1).link():
        pass
    patience_s = 0.3 if spec == "banner_silence" else 20
    with pytest.raises(error):
        await operator.link(login_timeout=patience_s)
    async with operator.link():
        pass
    assert boxes.admin("/counters")["faults"] == {spec: 1}


# What is out of date is what this is about.
@pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")
async def test_legacy_algorithms_can_be_spoken(boxes: RunningSimulator, operator: Operator) -> None:
    """A client who allows what is out of date is answered by a box that knows nothing else."""
    boxes.admin("/faults", {"spec": "legacy"})
    old = {
        "kex_algs": ["diffie-hellman-group1-sha1"],
        "encryption_algs": ["aes128-cbc"],
        "mac_algs": ["hmac-md5"],
    }
    async with operator.link(**old) as link:
        assert (await link.run("get state")).exit_status == 0


async def test_a_slow_banner(boxes: RunningSimulator, operator: Operator) -> None:
    """A box that takes its time before its first word answers rightly then."""
    boxes.admin("/faults", {"spec": "slow_banner:300ms"})
    began = asyncio.get_running_loop().time()
    assert (await operator.run("get state")).exit_status == 0
    assert asyncio.get_running_loop().time() - began >= 0.3


@pytest.mark.parametrize(
    ("spec", "is_applied"), [("reset", False), ("lost", True), ("half", True), ("crash", True)]
)
async def test_a_link_that_breaks_in_the_middle(
    boxes: RunningSimulator, operator: Operator, spec: str, is_applied: bool
) -> None:
    """The caller learns no exit code; whether the verb was done only the box knows."""
    boxes.admin("/faults", {"spec": f"{spec}:count=1"})
    async with operator.link() as link:
        done = await link.run("set active 1")
        assert done.exit_status is None
        await link.wait_closed()
    assert shown(boxes)["active"] is is_applied
    (entry,) = boxes.journal(face="api")
    assert (entry["fault"], entry["changed"]) == (spec, is_applied)
    assert done.stdout == ("acti" if spec == "half" else "")


async def test_two_of_three_verbs(boxes: RunningSimulator, operator: Operator) -> None:
    """Three writes are three effects: the link may drop after the second one."""
    boxes.admin("/faults", {"spec": "lost:skip=1:count=1:match=SET"})
    async with operator.link() as link:
        assert (await link.run("set active 1")).exit_status == 0
        assert (await link.run("set packages basic")).exit_status is None
    state = shown(boxes)
    assert (state["active"], state["packages"], state["revision"]) == (True, ["basic"], "")


async def test_an_answer_that_never_comes(boxes: RunningSimulator, operator: Operator) -> None:
    """An exec that is never answered is left by its caller, and nothing was done."""
    boxes.admin("/faults", {"spec": "silent:count=1"})
    await leave_when_struck(boxes, operator, "silent")
    assert shown(boxes)["active"] is False
    async with await _patient_link(operator) as link:
        assert (await link.run("set active 1")).exit_status == 0


async def test_output_without_end(boxes: RunningSimulator, operator: Operator) -> None:
    """Output goes on as long as somebody reads; a caller who stops is not waited for."""
    boxes.admin("/faults", {"spec": "huge:100GB:count=1"})
    async with operator.link() as link:
        process = await link.create_process("get log 500")
        assert len(await process.stdout.read(300_000)) > 0
        link.abort()
    assert (await operator.run("get state")).exit_status == 0


@pytest.mark.parametrize(
    ("spec", "code"), [("error:6", 6), ("conflict", 5), ("refused:no such thing", 4)]
)
async def test_injected_exit_codes(
    boxes: RunningSimulator, operator: Operator, spec: str, code: int
) -> None:
    """A refusal can be injected: storage full, busy, a bad value. Nothing is done."""
    boxes.admin("/faults", {"spec": f"{spec}:count=1"})
    assert (await operator.run("set active 1")).exit_status == code
    assert shown(boxes)["active"] is False


async def test_nonsense(boxes: RunningSimulator, operator: Operator) -> None:
    """An answer may be no answer at all, with an exit code that says otherwise."""
    boxes.admin("/faults", {"spec": "garbage:count=1"})
    done = await operator.run("get state")
    assert (done.exit_status, "serial" in str(done.stdout)) == (0, False)


async def test_a_late_answer_byte_by_byte(boxes: RunningSimulator, operator: Operator) -> None:
    """A slow box does what it was told although nobody waits for it any more."""
    boxes.admin("/faults", {"spec": "slow:400ms:count=1;drip:1ms:count=1"})
    last = boxes.admin("/journal")["last"]
    await leave_when_struck(boxes, operator, "slow")
    await asyncio.to_thread(boxes.admin, f"/journal?after={last}&wait_s=30")
    assert shown(boxes)["active"] is True
    async with await _patient_link(operator) as link:
        assert (await link.run("set active 1")).stdout == "active=1\n"


async def test_a_flapping_box(boxes: RunningSimulator, operator: Operator) -> None:
    """A box may be out of reach for a while without ever having been off."""
    boxes.admin("/faults", {"spec": f"down:300ms:match={serial_of(boxes)}"})
    with pytest.raises((OSError, asyncssh.Error)):
        await operator.link()
    assert (await operator_of(boxes, 1).run("get state")).exit_status == 0
    async with await _patient_link(operator) as link:
        assert (await link.run("get state")).exit_status == 0
    assert shown(boxes)["boots"] == 1


def test_the_tool_of_openssh(boxes: RunningSimulator, operator: Operator, tmp_path: Path) -> None:
    """OpenSSH's own client is let in with the pinned key and ends with the box's exit code."""
    lacking = peers.missing(["ssh"])
    if lacking:
        missing(lacking)
    key = tmp_path / "key"
    key.write_text(boxes.told["user_key"])
    key.chmod(0o600)
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{operator.port} {operator.host_key}\n")
    command = [
        *(str(peers.find("ssh")), "-F", "none", "-i", str(key), "-p", str(operator.port)),
        *("-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=yes"),
        *("-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "oper@127.0.0.1"),
    ]
    good = subprocess.run([*command, "set active 1"], capture_output=True, text=True, check=False)
    assert (good.returncode, good.stdout) == (0, "active=1\n")
    bad = subprocess.run([*command, "get active; id"], capture_output=True, text=True, check=False)
    assert (bad.returncode, bad.stdout) == (3, "")
