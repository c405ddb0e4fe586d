"""The SNMP face of the simulated box: its variables, its power, and every fault it can be given."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.simulators.managers import (
    BOX,
    OIDS,
    Datagrams,
    Manager,
    NotDoneError,
    knowledge_of,
    manager,
    request_id,
)
from tests.simulators.process import RunningSimulator, start_simulator

SILENCE = "No SNMP response received before timeout"
COMMUNITY = "only-for-this-test"


@pytest.fixture(scope="module")
def _process() -> Iterator[RunningSimulator]:
    with start_simulator("snmp", "--count", "2", "--seed", "11", "--boot-s", "0.2") as running:
        yield running


@pytest.fixture
def boxes(_process: RunningSimulator) -> RunningSimulator:
    """Return two boxes as they were at the start."""
    _process.admin("/reset", {})
    return _process


@pytest.fixture
async def known(boxes: RunningSimulator) -> AsyncIterator[Manager]:
    """Return the manager of the first of them."""
    async with manager(knowledge_of(boxes)) as made:
        yield made


@pytest.fixture
def datagrams(boxes: RunningSimulator) -> Iterator[Datagrams]:
    """Return bare datagrams to the first box, which has been given a community."""
    tamper(boxes, "credentials", fields={"snmp_community": COMMUNITY})
    made = Datagrams(knowledge_of(boxes)["port"], COMMUNITY)
    yield made
    made.close()


def serial_of(boxes: RunningSimulator) -> str:
    """Return the serial of the first box."""
    return str(boxes.told["boxes"][0]["serial"])


def tamper(boxes: RunningSimulator, op: str, **fields: object) -> None:
    """Lay hand on the first box."""
    boxes.admin("/tamper", {"op": op, "serial": serial_of(boxes), **fields})


def fault(boxes: RunningSimulator, spec: str) -> None:
    """Set a fault that strikes once."""
    boxes.admin("/faults", {"clear": True, "spec": f"{spec}:count=1"})


def shown(boxes: RunningSimulator) -> dict[str, Any]:
    """Return the state of the first box as the admin face shows it."""
    found: dict[str, Any] = boxes.admin(f"/state?serial={serial_of(boxes)}")["boxes"][0]
    return found


async def up_again(boxes: RunningSimulator) -> None:
    """Wait until the box has come up after a restart."""
    found: list[Any] = []
    after = 0
    while not found:
        path = f"/journal?after={after}&wait_s=30"
        page = await asyncio.to_thread(boxes.admin, path)
        found = [entry for entry in page["entries"] if entry["call"] == "BOX came up"]
        after = page["last"]


async def refused(known: Manager, **values: str | int) -> str:
    """Write, insist that it was not done, and tell why."""
    with pytest.raises(NotDoneError) as told:
        await known.put(**values)
    return str(told.value)


async def test_what_a_box_tells_of_itself(boxes: RunningSimulator, known: Manager) -> None:
    """Identity, system group and state are there to be read; a write-only variable is empty."""
    paper = boxes.told["boxes"][0]
    assert await known.get("sysDescr", "sysName") == ["RB-1 1.4.2", paper["serial"]]
    assert await known.get("serial", "model", "active", "packages") == [
        paper["serial"],
        "RB-1",
        0,
        "",
    ]
    assert await known.get("pin", "rebootKey", "messageShow", "messageSeconds") == ["", "", 0, 30]
    (ticks,) = await known.get("sysUpTime")
    assert ticks >= 3600 * 100
    assert await known.get(f"{BOX}.2.1.7", f"{BOX}.77.0") == ["NoSuchInstance", "NoSuchObject"]


async def test_a_walk_ends(known: Manager) -> None:
    """A walk sees every variable once, in rising order, and then the end."""
    seen: list[tuple[int, ...]] = []
    oid, value = BOX, ""
    while value != "EndOfMibView":
        seen.append(tuple(map(int, oid.split("."))))
        ((oid, value),) = await known.next(oid)
    assert seen == sorted(set(seen))
    assert len(seen) == 1 + 18


async def test_bulk(known: Manager) -> None:
    """One request reads many: some once, some again and again, never more than fit."""
    some = await known.bulk(1, 2, BOX, f"{BOX}.2", f"{BOX}.4")
    assert [oid for oid, _ in some] == [
        OIDS[name] for name in ("serial", "active", "rebootKey", "packages", "lastKey")
    ]
    many = await known.bulk(0, 1000, BOX)
    assert 18 <= len(many) <= 64
    assert many[-1][1] == "EndOfMibView"


async def test_writes(boxes: RunningSimulator, known: Manager) -> None:
    """What is written is held and journalled; the PIN can be written and never read."""
    await known.put(active=1, packages="sport,basic", revision="r-1", pin="4711")
    assert await known.get("active", "packages", "revision", "pin") == [1, "basic,sport", "r-1", ""]
    (entry,) = boxes.journal(face="api")
    assert entry["call"] == "SNMP SET active=1 packages=sport,basic revision=r-1 pin=***"
    assert (entry["subject"], entry["changed"]) == (serial_of(boxes), True)
    assert entry["after"]["packages"] == ["basic", "sport"]
    assert "4711" not in str(boxes.journal())


async def test_ill_formed_writes(boxes: RunningSimulator, known: Manager) -> None:
    """What is ill-formed is found before anything is written, and its index is told."""
    before = shown(boxes)
    for values, why in (
        ({"serial": "RB1"}, "notWritable 1"),
        ({"active": 1, "lastKey": "k"}, "notWritable 2"),
        ({f"{BOX}.77.0": 1}, "notWritable 1"),
        ({"active": "1"}, "wrongType 1"),
        ({"revision": "r", "packages": 1}, "wrongType 2"),
        ({"active": 1, "revision": "r" * 33}, "wrongLength 2"),
    ):
        assert await refused(known, **values) == why
    assert shown(boxes) == before


async def test_half_a_set(boxes: RunningSimulator, known: Manager) -> None:
    """A value that the box refuses stops a SET; what came before it stays written."""
    for number, (name, value) in enumerate(
        (
            ("packages", "basic,unheard"),
            ("active", 2),
            ("pin", "12"),
            ("messageSeconds", 0),
            ("messageText", "x" * 201),
            ("messageShow", 2),
            ("messageShow", 1),  # there is no text yet
            ("rebootKey", ""),
        )
    ):
        wish: dict[str, Any] = {"revision": f"r-{number}", name: value}
        assert await refused(known, **wish) == "wrongValue 2"
        assert shown(boxes)["revision"] == f"r-{number}"
    assert boxes.journal(face="api")[-1]["after"] == {"revision": "r-7"}


async def test_a_full_storage(boxes: RunningSimulator, known: Manager) -> None:
    """A box without room refuses writes as unable, not as wrong."""
    tamper(boxes, "set", fields={"free_mb": 0})
    assert await refused(known, active=1) == "resourceUnavailable 1"
    assert await known.get("active", "freeMb") == [0, 0]


async def test_a_message(boxes: RunningSimulator, known: Manager) -> None:
    """Text and seconds are laid ready and then shown; the counter proves it."""
    await known.put(messageText="Bitte zahlen", messageSeconds=60)
    assert await known.get("messageText", "messageSeconds", "messageShown") == [
        *("Bitte zahlen", 60, 0),
    ]
    await known.put(messageShow=1)
    await known.put(messageShow=1)
    assert await known.get("messageShown") == [2]
    assert shown(boxes)["message"] == {"id": "m-2", "text": "Bitte zahlen"}


async def test_a_reboot(boxes: RunningSimulator, known: Manager) -> None:
    """Nothing answers while a box boots; then uptime has fallen and engine boots have risen."""
    ticks, boot_id = await known.get("sysUpTime", "bootId")
    await known.put(messageText="laid ready")
    await known.put(rebootKey="k-1")
    with pytest.raises(NotDoneError, match=SILENCE):
        await replace(known, timeout_s=0.1).get("serial")
    await up_again(boxes)
    # The same engine asks on: it has to learn the new boots and time before it is answered.
    now_ticks, now_boot_id, key, text = await known.get(
        "sysUpTime", "bootId", "lastKey", "messageText"
    )
    assert now_ticks < ticks
    assert (now_boot_id == boot_id, key, text) == (False, "k-1", "")
    await known.put(rebootKey="k-1")
    assert await known.get("bootId") == [now_boot_id]
    assert shown(boxes)["boots"] == 2


async def test_a_message_of_an_earlier_boot_is_not_taken(boxes: RunningSimulator) -> None:
    """What was secured for another boot is out of its time window and has no effect."""
    async with manager(knowledge_of(boxes)) as before:
        await before.get("serial")
        tamper(boxes, "crash")
        await up_again(boxes)
        await before.put(active=1)
    # It was answered with a report first, and then secured anew: one write, not two.
    assert [entry["changed"] for entry in boxes.journal(face="api")] == [True]


async def test_keys_can_change(boxes: RunningSimulator, known: Manager) -> None:
    """With other keys at the box the manager's are wrong; a factory reset brings the old back."""
    tamper(boxes, "credentials", fields={"snmp_auth_key": "11" * 32})
    with pytest.raises(NotDoneError, match="Wrong SNMP PDU digest"):
        await known.get("serial")
    tamper(boxes, "factory_reset", key="k-9")
    await up_again(boxes)
    assert await known.get("lastKey", "active") == ["k-9", 0]


async def test_the_plug_is_pulled(boxes: RunningSimulator) -> None:
    """A box without power is silent, and the other one does not notice."""
    tamper(boxes, "power_off")
    async with manager(knowledge_of(boxes), timeout_s=0.2) as alone:
        with pytest.raises(NotDoneError, match=SILENCE):
            await alone.get("serial")
    async with manager(knowledge_of(boxes, 1)) as other:
        assert await other.get("model") == ["RB-1"]


async def test_v2c_is_off_unless_asked_for(boxes: RunningSimulator) -> None:
    """Without a community nobody is answered in clear text; with one only who knows it."""
    port = knowledge_of(boxes)["port"]
    for community in ("public", "private", ""):
        stranger = Datagrams(port, community)
        stranger.ask(1, OIDS["serial"])
        stranger.close()
    async with manager(knowledge_of(boxes)) as known:
        assert await known.get("model") == ["RB-1"]
    assert boxes.admin("/counters")["calls"] == {"snmp GET": 1}


def test_v2c(boxes: RunningSimulator, datagrams: Datagrams) -> None:
    """A community opens the same variables."""
    datagrams.ask(7, OIDS["serial"])
    answer = datagrams.answer()
    assert serial_of(boxes).encode() in answer
    assert request_id(answer) == 7
    datagrams.ask(8, OIDS["revision"], pdu=0xA3, value=b"\x04\x03r-5")
    datagrams.answer()
    assert shown(boxes)["revision"] == "r-5"


# A client may choke on what is no BER, in its event loop, and go on.
@pytest.mark.filterwarnings("ignore")
async def test_writes_without_an_answer(boxes: RunningSimulator, known: Manager) -> None:
    """The manager hears nothing he can use; whether it was done only the box knows."""
    impatient = replace(known, timeout_s=0.3)
    for spec, is_applied in (
        ("silent", False),
        ("reset", False),
        ("lost", True),
        ("truncated", True),
        ("malformed", True),
        ("crash", True),
    ):
        await known.put(active=0)  # engines have met: the fault meets the one write that follows
        fault(boxes, spec)
        last = boxes.admin("/journal")["last"]
        assert await refused(impatient, active=1) == SILENCE
        await asyncio.to_thread(boxes.admin, f"/journal?after={last}&wait_s=30")
        assert (spec, shown(boxes)["active"]) == (spec, is_applied)
        assert boxes.admin("/counters")["faults"][spec] == 1


async def test_an_answer_to_something_else(boxes: RunningSimulator, known: Manager) -> None:
    """An answer under another request id is none, but the write was done."""
    await known.get("serial")
    fault(boxes, "wrong_request_id")
    last = boxes.admin("/journal")["last"]
    assert await refused(replace(known, timeout_s=0.5), active=1) in {"badResponse", SILENCE}
    await asyncio.to_thread(boxes.admin, f"/journal?after={last}&wait_s=30")
    assert shown(boxes)["active"] is True


async def test_injected_errors(boxes: RunningSimulator, known: Manager) -> None:
    """Any error status can be injected, and nothing is done."""
    for spec, why in (
        ("error:5", "genErr 1"),
        ("read_only", "noAccess 1"),
        ("conflict", "inconsistentValue 1"),
        ("unauthorized", "authorizationError 1"),
    ):
        fault(boxes, spec)
        assert await refused(known, active=1) == why
    assert shown(boxes)["active"] is False


async def test_half_a_set_by_fault(boxes: RunningSimulator, known: Manager) -> None:
    """All variables but the last are written, and the manager is told that the commit failed."""
    fault(boxes, "half_set")
    assert await refused(known, active=1, packages="basic", revision="r-1") == "commitFailed 3"
    state = shown(boxes)
    assert (state["active"], state["packages"], state["revision"]) == (True, ["basic"], "")


async def test_a_forged_success(boxes: RunningSimulator, known: Manager) -> None:
    """A reply may say that all is well, with no value in it, and nothing done."""
    fault(boxes, "null_forgery")
    await known.put(active=1)
    assert shown(boxes)["active"] is False
    fault(boxes, "null_forgery")
    assert await known.get("active", "revision") == ["Null", "Null"]


async def test_an_answer_that_is_too_big(boxes: RunningSimulator, known: Manager) -> None:
    """More variables than fit get tooBig without an index, and nothing is written."""
    boxes.admin("/faults", {"clear": True, "spec": "too_big:2"})
    with pytest.raises(NotDoneError, match="tooBig 0"):
        await known.get("serial", "active", "revision")
    assert await refused(known, active=1, revision="r-1", packages="basic") == "tooBig 0"
    assert shown(boxes)["active"] is False
    assert await known.get("serial", "active") == [serial_of(boxes), 0]


async def test_values_in_other_words(boxes: RunningSimulator, known: Manager) -> None:
    """Texts come padded, lists with blanks, the MAC as on a label; what was written is kept."""
    boxes.admin("/faults", {"clear": True, "spec": f"odd_values:match={serial_of(boxes)}"})
    await known.put(packages="basic,sport", revision="r-0042")
    values = await known.get("packages", "revision", "serial", "mac", "active")
    mac = str(shown(boxes)["mac"])
    assert values == [
        "basic, sport   \0",
        "r-0042   \0",
        f"{serial_of(boxes)}   \0",
        f"{mac.upper().replace(':', '-')}   \0",
        0,
    ]
    found = shown(boxes)
    assert (found["packages"], found["revision"]) == (["basic", "sport"], "r-0042")


@pytest.mark.parametrize(("argument", "rises"), [("growing", True), ("stuck", False)])
async def test_a_walk_without_end(
    boxes: RunningSimulator, known: Manager, argument: str, rises: bool
) -> None:
    """Behind the last variable there is always another one, or the same again."""
    boxes.admin("/faults", {"spec": f"endless_walk:{argument}"})
    oid, seen = OIDS["channel"], []
    for _ in range(50):
        ((oid, value),) = await known.next(oid)
        assert value != "EndOfMibView"
        seen.append(tuple(map(int, oid.split("."))))
    assert (seen == sorted(set(seen))) is rises
    many = await known.bulk(0, 40, OIDS["channel"])
    assert len(many) == 40


def test_datagrams_as_they_come(boxes: RunningSimulator, datagrams: Datagrams) -> None:
    """An answer comes twice, cut in half, as nonsense or under another request id."""
    datagrams.ask(20, OIDS["model"])
    whole = datagrams.answer()
    fault(boxes, "duplicate")
    datagrams.ask(20, OIDS["model"])
    assert [datagrams.answer(), datagrams.answer()] == [whole, whole]
    fault(boxes, "truncated")
    datagrams.ask(20, OIDS["model"])
    assert datagrams.answer() == whole[: len(whole) // 2]
    fault(boxes, "malformed")
    datagrams.ask(20, OIDS["model"])
    assert datagrams.answer()[:2] == b"\x30\x84"
    fault(boxes, "wrong_request_id")
    datagrams.ask(20, OIDS["model"])
    assert request_id(datagrams.answer()) not in {0, 20}


def test_answers_out_of_order(boxes: RunningSimulator, datagrams: Datagrams) -> None:
    """A late answer is overtaken by the one to a later question."""
    fault(boxes, "slow:300ms")
    datagrams.ask(31, OIDS["model"])
    datagrams.ask(32, OIDS["model"])
    assert [request_id(datagrams.answer()), request_id(datagrams.answer())] == [32, 31]


async def test_loss(boxes: RunningSimulator, known: Manager) -> None:
    """Of lost datagrams nothing is heard; who asks often enough is answered at last."""
    boxes.admin("/faults", {"spec": f"loss:100:match={serial_of(boxes)}"})
    async with manager(knowledge_of(boxes), timeout_s=0.1) as impatient:
        with pytest.raises(NotDoneError, match=SILENCE):
            await impatient.get("serial")
    boxes.admin("/faults", {"spec": f"loss:40:match={serial_of(boxes)}"})
    async with manager(knowledge_of(boxes), timeout_s=0.1, retries=60) as patient:
        assert await patient.get("model") == ["RB-1"]
    boxes.admin("/faults", {"clear": True})
    assert await known.get("model") == ["RB-1"]
    assert boxes.admin("/counters")["faults"]["loss"] >= 1
