"""The reference box as a model: what it takes and refuses, how it restarts; boxes from a seed."""

from collections.abc import Callable
from typing import Any

import pytest

from simulators.clock import SkewedClock
from simulators.simulator import BadOperation
from simulators.stb.box import BadValue, Box, Busy, Power, Refusal, StorageFull
from simulators.stb.boxes import check_digit, load_boxes, make_boxes


class Time:
    """Monotonic seconds that move when a test says so."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        """Tell them."""
        return self.now_s


@pytest.fixture
def time() -> Time:
    """Return the time of the box."""
    return Time()


@pytest.fixture
def box(time: Time) -> Box:
    """Return a box that boots in five seconds."""
    (made,) = make_boxes(1, "seed", monotonic=time)
    return made


def test_equal_seeds_make_equal_boxes() -> None:
    """A box is the same for a seed however many are made beside it, and others are not."""
    few, many = make_boxes(3, 7), make_boxes(500, 7)
    assert [_identity(one) for one in few] == [_identity(one) for one in many[:3]]
    assert not {one.serial for one in many} & {one.serial for one in make_boxes(500, 8)}


def test_no_two_boxes_are_alike() -> None:
    """Serials, MACs, keys and boots of many boxes are all different."""
    made = make_boxes(2000, 7)
    for read in (
        lambda one: one.serial,
        lambda one: one.mac,
        lambda one: one.boot_id,
        lambda one: one.factory.snmp_auth_key,
        lambda one: one.factory.acs_password,
    ):
        assert len({read(one) for one in made}) == len(made)


def test_a_serial_ends_in_its_check_digit() -> None:
    """RB, seven digits, and the Luhn digit that makes a typing error visible."""
    assert check_digit("7992739871") == 3
    for one in make_boxes(50, 7):
        digits = one.serial.removeprefix("RB")
        assert len(digits) == 8
        assert check_digit(digits[:7]) == int(digits[7])


def test_a_write_is_kept(box: Box) -> None:
    """What is set is held; the same again is fine."""
    for _ in range(2):
        box.set_active(True)
        box.set_packages(["sport", "basic", "sport"])
        box.set_revision("r-0042")
    assert (box.active, sorted(box.packages)) == (True, ["basic", "sport"])
    assert box.revision == "r-0042"
    box.set_packages([])
    assert box.packages == frozenset()


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda box: box.set_packages(["basic", "b", "a"]), "packages: unknown code a,b"),
        (lambda box: box.set_revision("r" * 33), "revision"),
        (lambda box: box.set_revision("a\nb=1"), "revision"),
        (lambda box: box.set_pin("123"), "pin"),
        (lambda box: box.set_pin("123456789"), "pin"),
        (lambda box: box.set_pin("12a4"), "pin"),
        (lambda box: box.set_pin("١٢٣٤"), "pin"),
        (lambda box: box.show("", 10), "text"),
        (lambda box: box.show("x" * 201, 10), "text"),
        (lambda box: box.show("x", 0), "seconds"),
        (lambda box: box.show("x", 3601), "seconds"),
        (lambda box: box.reboot("k" * 33), "key"),
    ],
)
def test_a_bad_value_changes_nothing(box: Box, act: Callable[[Box], Any], words: str) -> None:
    """A value that is not taken is named by its field, and the box is as it was."""
    box.set_packages(["basic"])
    before = box.shown()
    with pytest.raises(BadValue, match=words):
        act(box)
    assert box.shown() == before


def test_at_most_64_packages(time: Time) -> None:
    """A box holds 64 packages and not one more."""
    codes = {f"p{number}" for number in range(65)}
    (box,) = make_boxes(1, 7, monotonic=time, known_packages=frozenset(codes))
    box.set_packages(codes - {"p64"})
    with pytest.raises(BadValue, match="more than 64"):
        box.set_packages(codes)
    assert len(box.packages) == 64


def test_a_pin_is_never_told(box: Box) -> None:
    """Neither state nor log hold the PIN; that it changed is seen all the same."""
    box.set_pin("4711")
    first = box.shown()["pin_print"]
    box.set_pin("4712")
    assert first
    assert box.shown()["pin_print"] != first
    assert "4711" not in f"{box.shown()}{box.log(500)}{box!r}"


def test_a_message_is_counted(box: Box) -> None:
    """Each message has an id of its own and counts how often it was shown."""
    assert [box.show("one", 60).id, box.show("two", 60).id] == ["m-1", "m-2"]
    box.show_again()
    assert box.message is not None
    assert (box.message.text, box.message.shown, box.shown_total) == ("two", 2, 3)


def test_a_full_storage_takes_nothing(box: Box) -> None:
    """With no room left every write is refused, and what was held stays."""
    box.set_revision("r-1")
    box.edit({"free_mb": 0})
    for act in (
        lambda: box.set_active(True),
        lambda: box.set_packages([]),
        lambda: box.set_revision("r-2"),
        lambda: box.set_pin("1234"),
        lambda: box.show("x", 1),
    ):
        with pytest.raises(StorageFull):
            act()
    assert (box.active, box.revision) == (False, "r-1")


def test_a_reboot_takes_its_time(box: Box, time: Time) -> None:
    """A box halts, boots and comes up with another boot id, its uptime at nothing."""
    before, uptime_s = box.boot_id, box.uptime_s
    assert uptime_s >= 3600
    assert box.reboot("k-1")
    phases = [box.power]
    for pause_s in (box.halt_s, 4.9, 0.2):
        time.now_s += pause_s
        phases.append(box.power)
    assert phases == [Power.HALTING, Power.BOOTING, Power.BOOTING, Power.UP]
    assert box.last_key == "k-1"
    assert box.boot_id != before
    assert box.uptime_s < 1


def test_one_key_is_one_reboot(box: Box, time: Time) -> None:
    """The key used last asks for nothing, while the box boots and afterwards."""
    box.reboot("k-1")
    boots = box.boots
    assert not box.reboot("k-1")
    time.now_s += 10
    assert not box.reboot("k-1")
    assert not box.factory_reset("k-1")
    assert box.boots == boots
    assert box.reboot("k-2")
    assert box.boots == boots + 1


def test_a_restarting_box_is_busy(box: Box, time: Time) -> None:
    """Between a reboot and its end nothing can be written, nor another reboot begun."""
    box.reboot("k-1")
    with pytest.raises(Busy):
        box.reboot("k-2")
    with pytest.raises(Busy), box.writing():
        pass
    time.now_s += 10
    with box.writing():
        box.set_active(True)


def test_one_write_at_a_time(box: Box) -> None:
    """While somebody writes, another one is told to come back."""
    with box.writing(), pytest.raises(Busy), box.writing():
        pass
    with box.writing():
        box.set_active(True)


def test_a_factory_reset_forgets(box: Box, time: Time) -> None:
    """What was ever sent is forgotten; the key that asked for it and the identity stay."""
    serial, factory = box.serial, box.credentials
    box.set_active(True)
    box.set_packages(["basic"])
    box.set_revision("r-1")
    box.set_pin("1234")
    box.show("x", 60)
    box.credentials = type(factory)(acs_password="later")
    box.factory_reset("k-9")
    time.now_s += 10
    assert (box.active, box.packages, box.revision, box.pin, box.message) == (
        *(False, frozenset(), ""),
        *("", None),
    )
    assert (box.serial, box.last_key, box.credentials) == (serial, "k-9", factory)


def test_the_plug(box: Box, time: Time) -> None:
    """Without power a box is off until somebody puts the plug in again; then it boots."""
    box.power_off()
    time.now_s += 3600
    assert (box.power, box.uptime_s, box.next_change_s) == (Power.OFF, 0, None)
    box.power_on()
    assert (box.power, box.next_change_s) == (Power.BOOTING, 5)
    time.now_s += 5
    assert box.power is Power.UP
    before = box.boot_id
    box.power_on()
    assert (box.power, box.boot_id) == (Power.UP, before)


def test_the_log_is_bounded(box: Box) -> None:
    """Five hundred lines are kept, the newest."""
    for number in range(600):
        box.set_revision(f"r-{number}")
    assert len(box.log(1000)) == 500
    assert [line.split()[-1] for line in box.log(2)] == ["revision=r-598", "revision=r-599"]
    assert box.log(0) == []


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"nosuch": 1}, "the state: unknown key 'nosuch'"),
        ({"boxes": [{"nosuch": 1}]}, "a box: unknown key 'nosuch'"),
        ({"boxes": [{"credentials": {"nosuch": 1}}]}, "credentials: unknown key 'nosuch'"),
        ({"boxes": [{"credentials": {"snmp_auth_key": "xy"}}]}, "makes no sense"),
        ({"boxes": [{"credentials": {"snmp_priv_key": "00"}}]}, "snmp_priv_key has 16 octets"),
        ({"boxes": [{"mac": "001A"}]}, "'001A' is no MAC"),
        ({"boxes": [{"serial": "RB1"}, {"serial": "RB1"}]}, "two boxes have the serial RB1"),
        ({"boxes": 7}, "makes no sense"),
        ({"count": "many"}, "makes no sense"),
        ({"boxes": [{"boot_s": "long"}]}, "makes no sense"),
        ({"boot_s": "long"}, "makes no sense"),
    ],
)
def test_a_state_that_makes_no_sense(state: dict[str, Any], words: str) -> None:
    """A wrong state file is refused with the key that is wrong."""
    with pytest.raises(BadOperation, match=words):
        load_boxes(state, SkewedClock())


def test_named_boxes_and_more() -> None:
    """Boxes of a state file are as it says, and more of them come from the seed."""
    row = {
        "serial": "RB00000018",
        "mac": "00:16:3E:00:00:01",
        "boot_s": 2,
        "known_packages": ["tv"],
        "packages": ["tv"],
        "active": True,
        "port": 2022,
        "free_mb": 3,
        "credentials": {"snmp_user": "ann", "snmp_priv_key": "00" * 16},
        "authorized_keys": ["ssh-ed25519 AAAA"],
    }
    named, other = load_boxes({"seed": 3, "boxes": [row], "count": 1}, SkewedClock()).items()
    box, port = named
    assert (box.serial, box.mac, box.boot_s, box.free_mb, port) == (
        *("RB00000018", "00:16:3E:00:00:01"),
        *(2.0, 3, 2022),
    )
    assert (box.active, sorted(box.packages)) == (True, ["tv"])
    assert box.credentials.ssh_keys == ("ssh-ed25519 AAAA",)
    assert (box.credentials.snmp_user, box.credentials.snmp_priv_key) == ("ann", bytes(16))
    assert (other[0].serial, other[1]) == (make_boxes(2, 3)[1].serial, 0)


def test_a_hand_edits_what_there_is(box: Box) -> None:
    """A field is changed unchecked; one that does not exist is named and nothing changes."""
    box.edit({"packages": ["unheard"], "temperature_c": 99})
    assert (sorted(box.packages), box.temperature_c) == (["unheard"], 99)
    with pytest.raises(KeyError, match="colour"):
        box.edit({"temperature_c": 1, "colour": "red"})
    assert box.temperature_c == 99


def test_every_refusal_is_one_family() -> None:
    """A face that knows Refusal knows all of them."""
    assert {BadValue, Busy, StorageFull} <= set(Refusal.__subclasses__())


def _identity(box: Box) -> tuple[Any, ...]:
    return box.serial, box.mac, box.boot_id, box.factory
