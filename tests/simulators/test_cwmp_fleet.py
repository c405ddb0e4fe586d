"""Very many simulated CPEs in one process: storms, one listener, what they weigh."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulators.acs import Acs
from tests.simulators.cpe import WAIT_S, CpeClient
from tests.simulators.process import RunningSimulator, start_simulator
from tests.simulators.test_command import run

BOXES = 60
KIB_MAX = 32.0

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells by /proc")


@pytest.fixture(scope="module")
def fleet_process(_acs: Acs) -> Iterator[RunningSimulator]:
    """Start a fleet, and tell of it."""
    options = ("--count", str(BOXES), "--seed", "7", "--retry-m-s", "0.02", "--at-once-max", "8")
    with start_simulator("fleet", "--acs", _acs.url, *options) as running:
        yield running


@pytest.fixture
def fleet(acs: Acs, fleet_process: RunningSimulator) -> RunningSimulator:
    """Return a fleet that waits for its periods; what went on before is over and not counted."""
    sessions(fleet_process)
    fleet_process.admin("/reset", {})
    boxes = fleet_process.told["boxes"]
    acs.passwords = {box["acs_username"]: box["acs_password"] for box in boxes}
    return fleet_process


def sessions(fleet: RunningSimulator) -> dict[str, object]:
    """Wait until nothing is under way, and tell the counters of sessions."""
    counters = fleet.admin("/counters?calm_s=20")["sessions"]
    assert isinstance(counters, dict)
    return counters


def sockets(running: RunningSimulator) -> int:
    """Count the open sockets of a process."""
    found = 0
    for link in Path(f"/proc/{running.process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found += str(link.readlink()).startswith("socket:")
    return found


def resident_kib(running: RunningSimulator) -> int:
    """Tell how much memory a process has."""
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def test_a_storm_loses_nothing(acs: Acs, fleet: RunningSimulator) -> None:
    """After a power cut every box tells of its boot, once, within the time of the storm."""
    assert fleet.admin("/tamper", {"op": "storm", "within_s": 0.3})["result"] == BOXES
    told = [acs.session() for _ in range(BOXES)]
    serials = {box["serial"] for box in fleet.told["boxes"]}
    assert {one.device["SerialNumber"] for one in told} == serials
    assert {tuple(one.codes) for one in told} == {("1 BOOT",)}
    counted = sessions(fleet)
    assert (counted["done"], counted["failed"]) == (BOXES, 0)
    assert counted["events_delivered"] == {"1 BOOT": BOXES}
    assert list(counted["took_ms"]) == ["p50", "p95", "p99", "max"]  # type: ignore[call-overload]
    assert fleet.admin("/counters")["in_flight_max"] <= 8


def test_who_is_shed_comes_again(acs: Acs, fleet: RunningSimulator) -> None:
    """Boxes that are told 503 come again until they have told everything."""
    acs.refusals += [(503, {"Retry-After": "0"}, b"")] * 25
    fleet.admin("/tamper", {"op": "storm", "within_s": 0.0})
    told = [acs.session() for _ in range(BOXES)]
    assert len({one.device["SerialNumber"] for one in told}) == BOXES
    counted = sessions(fleet)
    assert (counted["done"], counted["failed"], counted["shed"]) == (BOXES, 25, 25)
    assert counted["retried"] == sum(one.retries > 0 for one in told) + sum(
        max(0, one.retries - 1) for one in told
    )


async def test_one_listener_serves_all(acs: Acs, fleet: RunningSimulator) -> None:
    """Every box is rung on its own path of one port; a box without power answers nothing."""
    assert {box["address"] for box in fleet.told["boxes"]} == {fleet.url.removeprefix("http://")}
    box = CpeClient(running=fleet, number=3)
    assert await box.ring() == 200
    session = await asyncio.to_thread(acs.session)
    assert session.codes == ["6 CONNECTION REQUEST"]
    assert session.device["SerialNumber"] == box.serial
    other = CpeClient(running=fleet, number=4)
    assert await other.ring(password=box.papers["request_password"]) == 401


@linux
def test_waiting_boxes_hold_no_socket(acs: Acs, fleet: RunningSimulator) -> None:
    """When every session is over no connection is left open."""
    before = sockets(fleet)
    fleet.admin("/tamper", {"op": "inform", "serial": "*"})
    for _ in range(BOXES):
        acs.session()
    assert sessions(fleet)["done"] == BOXES
    deadline_at = time.monotonic() + WAIT_S
    while sockets(fleet) > before:
        assert time.monotonic() < deadline_at, "connections stay open"


@linux
def test_a_waiting_box_weighs_little(acs: Acs) -> None:
    """A thousand boxes take less than 32 KiB of memory each."""
    count = 1000
    with start_simulator("fleet", "--acs", acs.url, "--count", "1") as one:
        base_kib = resident_kib(one)
    with start_simulator("fleet", "--acs", acs.url, "--count", str(count)) as many:
        each_kib = (resident_kib(many) - base_kib) / count
    assert 0 < each_kib <= KIB_MAX


def test_a_hand_may_reach_all_boxes(acs: Acs, fleet: RunningSimulator) -> None:
    """An operation on `*` is done to every box."""
    fields = {"revision": "r-9", "active": True}
    fleet.admin("/tamper", {"op": "set", "serial": "*", "fields": fields})
    boxes = fleet.admin("/state")["boxes"]
    assert {(box["revision"], box["active"]) for box in boxes} == {("r-9", True)}


def test_a_seed_makes_the_same_fleet(acs: Acs, fleet: RunningSimulator) -> None:
    """Boxes, secrets and paths come from the seed; the number of boxes changes none of them."""
    options = ("--acs", acs.url, "--count", "3", "--seed", "7", "--storm-s", "60")
    with start_simulator("fleet", *options) as other:
        told = [[{**box, "address": ""} for box in one.told["boxes"][:3]] for one in (other, fleet)]
    for boxes in told:
        for box in boxes:
            box["request_url"] = box["request_url"].rpartition("/")[2]
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "has no ACS to call: give --acs URL"),
        (("--acs", "nonsense"), "acs: 'nonsense' is no http URL"),
        (("--acs", "http://127.0.0.1:1/", "--period-s", "0"), "period_s: more than 0"),
    ],
)
def test_wrong_usage(options: tuple[str, ...], words: str) -> None:
    """Wrong usage is one sentence."""
    done = run("fleet", *options)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
