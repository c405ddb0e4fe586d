"""The box's managed objects: which OIDs there are, how each is read and written.

Works on plain OIDs and SNMP values; messages, security and sockets are the agent's. The names of
errors are those of RFC 3416, section 4.2.5.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pysnmp.proto import rfc1902, rfc1905

from simulators.stb import verbs
from simulators.stb.box import (
    KEY_CHARS_MAX,
    PIN_DIGITS_MAX,
    REVISION_CHARS_MAX,
    SHOW_S_MAX,
    TEXT_CHARS_MAX,
    BadValue,
    Box,
    Refusal,
)

Oid = tuple[int, ...]
Variable = tuple[Oid, Any]

# The number that RFC 5612 reserves for documentation.
ENTERPRISE: Oid = (1, 3, 6, 1, 4, 1, 32473, 1)
SYSTEM: Oid = (1, 3, 6, 1, 2, 1, 1)
REPETITIONS_MAX = 64
TICKS_PER_S = 100
TICKS_END = 2**32
UTF8_OCTETS_MAX = 4
PACKAGES_OCTETS_MAX = 4096
SECONDS_DEFAULT = 30
PADDING_OCTETS = 4


class Refused(Exception):
    """A request that gets an error status; `index` counts variables from 1."""

    def __init__(self, status: str, index: int) -> None:
        super().__init__(status)
        self.status = status
        self.index = index


@dataclass(slots=True, kw_only=True)
class Draft:
    """The message that a manager prepares before he has it shown."""

    text: str = ""
    seconds: int = SECONDS_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Managed:
    """A box with the draft of its next message."""

    box: Box
    draft: Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One scalar object. `octets_max` bounds what may be written to a text."""

    name: str
    oid: Oid
    read: Callable[[Managed], Any]
    write: Callable[[Managed, Any], None] | None = None
    octets_max: int = 0

    def checked(self, value: Any) -> Any:
        """Give a value that may be tried as plain text or number.

        Raises ValueError with the error status of one that has the wrong type or length.
        """
        if self.write is None:
            raise ValueError("notWritable")
        if not self.octets_max:
            if value.tagSet != rfc1902.Integer32.tagSet:
                raise ValueError("wrongType")
            return int(value)
        if value.tagSet != rfc1902.OctetString.tagSet:
            raise ValueError("wrongType")
        octets = bytes(value)
        if len(octets) > self.octets_max:
            raise ValueError("wrongLength")
        try:
            return octets.decode()
        except UnicodeDecodeError:
            raise ValueError("wrongEncoding") from None


def get(managed: Managed, oids: Sequence[Oid]) -> list[Variable]:
    """Read variables; one that does not exist is an exception in its place."""
    return [(oid, _value(managed, oid)) for oid in oids]


def get_next(managed: Managed, oids: Sequence[Oid], follower: "Follower") -> list[Variable]:
    """Read the variable after each."""
    return [follower(managed, oid) for oid in oids]


def get_bulk(
    managed: Managed, oids: Sequence[Oid], shape: tuple[int, int], follower: "Follower"
) -> list[Variable]:
    """Read one after each of the first, then go on after the others; `shape` is how many."""
    single, repetitions = max(0, shape[0]), max(0, shape[1])
    found = get_next(managed, oids[:single], follower)
    row = list(oids[single:])
    rounds = min(repetitions, REPETITIONS_MAX // len(row)) if row else 0
    for _ in range(rounds):
        variables = get_next(managed, row, follower)
        found += variables
        row = [oid for oid, _ in variables]
    return found


def put(managed: Managed, variables: Sequence[Variable], last: int | None = None) -> None:
    """Write variables in their order, all that are well-formed or none.

    A value that the box itself refuses stops the writing; what came before it stays written. With
    `last` the writing stops there as well, with commitFailed. Raises Refused.
    """
    checked = [_tried(variable, index) for index, variable in enumerate(variables, 1)]
    for index, (thing, value) in enumerate(checked, 1):
        if last is not None and index > last:
            raise Refused("commitFailed", index)
        try:
            _write(thing, managed, value)
        except BadValue:
            raise Refused("wrongValue", index) from None
        except Refusal:
            raise Refused("resourceUnavailable", index) from None


def name_of(oid: Oid) -> str:
    """Name a variable as people do; one that does not exist by its number."""
    return BY_OID[oid].name if oid in BY_OID else ".".join(map(str, oid))


def oddly(variable: Variable) -> Variable:
    """Word a text as a box of fixed columns does: padded, lists with blanks, MACs as on labels."""
    oid, value = variable
    if value.tagSet != rfc1902.OctetString.tagSet:
        return variable
    text, name = bytes(value), name_of(oid)
    if name == "mac":
        text = text.upper().replace(b":", b"-")
    if name == "packages":
        text = text.replace(b",", b", ")
    return oid, rfc1902.OctetString(text.ljust(len(text) + PADDING_OCTETS - 1) + b"\0")


Follower = Callable[[Managed, Oid], Variable]


def following(managed: Managed, oid: Oid) -> Variable:
    """Find the variable after an OID; at the end of all, say so."""
    after = next((thing for thing in THINGS if thing.oid > oid), None)
    if after is None:
        return oid, rfc1905.endOfMibView
    return after.oid, after.read(managed)


def growing(managed: Managed, oid: Oid) -> Variable:
    """Find a variable after any OID, for ever: the tree has no end."""
    found = following(managed, oid)
    if found[1] is not rfc1905.endOfMibView:
        return found
    is_inside = oid[: len(ENDLESS)] == ENDLESS and len(oid) > len(ENDLESS)
    number = oid[len(ENDLESS)] + 1 if is_inside else 1
    return (*ENDLESS, number, 0), rfc1902.Integer32(number % 2**31)


def stuck(managed: Managed, oid: Oid) -> Variable:
    """Find the same last variable again and again."""
    found = following(managed, oid)
    last = THINGS[-1]
    return (last.oid, last.read(managed)) if found[1] is rfc1905.endOfMibView else found


def _value(managed: Managed, oid: Oid) -> Any:
    thing = BY_OID.get(oid)
    if thing is not None:
        return thing.read(managed)
    is_object = any(thing.oid[:-1] == oid[: len(thing.oid) - 1] for thing in THINGS)
    return rfc1905.noSuchInstance if is_object else rfc1905.noSuchObject


def _tried(variable: Variable, index: int) -> tuple[Thing, Any]:
    oid, value = variable
    thing = BY_OID.get(oid)
    if thing is None:
        raise Refused("notWritable", index)
    try:
        return thing, thing.checked(value)
    except ValueError as error:
        raise Refused(str(error), index) from None


def _write(thing: Thing, managed: Managed, value: Any) -> None:
    if thing.write is not None:
        thing.write(managed, value)


def _text(value: str) -> Any:
    return rfc1902.OctetString(value.encode())


def _nothing(_: Managed) -> Any:
    return _text("")


def _uptime(managed: Managed) -> Any:
    return rfc1902.TimeTicks(int(managed.box.uptime_s * TICKS_PER_S) % TICKS_END)


def _packages(managed: Managed) -> Any:
    return _text(",".join(sorted(managed.box.packages)))


def _set_active(managed: Managed, value: int) -> None:
    if value not in {0, 1}:
        raise BadValue("active", "0 or 1")
    managed.box.set_active(value == 1)


def _set_packages(managed: Managed, text: str) -> None:
    managed.box.set_packages(verbs.codes_of(text))


def _set_text(managed: Managed, text: str) -> None:
    if len(text) > TEXT_CHARS_MAX:
        raise BadValue("messageText", f"at most {TEXT_CHARS_MAX} characters")
    managed.draft.text = text


def _set_seconds(managed: Managed, seconds: int) -> None:
    if not 1 <= seconds <= SHOW_S_MAX:
        raise BadValue("messageSeconds", f"1 to {SHOW_S_MAX}")
    managed.draft.seconds = seconds


def _show(managed: Managed, value: int) -> None:
    if value != 1:
        raise BadValue("messageShow", "1 shows the message")
    managed.box.show(managed.draft.text, managed.draft.seconds)


def _reboot(managed: Managed, key: str) -> None:
    if not key:
        raise BadValue("rebootKey", "it is empty")
    managed.box.reboot(key)


def _box(*place: int) -> Oid:
    return (*ENTERPRISE, *place, 0)


def _system(place: int) -> Oid:
    return (*SYSTEM, place, 0)


THINGS: Sequence[Thing] = (
    Thing(
        name="sysDescr",
        oid=_system(1),
        read=lambda managed: _text(f"{managed.box.model} {managed.box.firmware}"),
    ),
    Thing(
        name="sysObjectID",
        oid=_system(2),
        read=lambda _: rfc1902.ObjectIdentifier(ENTERPRISE),
    ),
    Thing(name="sysUpTime", oid=_system(3), read=_uptime),
    Thing(name="sysName", oid=_system(5), read=lambda managed: _text(managed.box.serial)),
    Thing(name="serial", oid=_box(1, 1), read=lambda managed: _text(managed.box.serial)),
    Thing(name="model", oid=_box(1, 2), read=lambda managed: _text(managed.box.model)),
    Thing(name="firmware", oid=_box(1, 3), read=lambda managed: _text(managed.box.firmware)),
    Thing(name="mac", oid=_box(1, 4), read=lambda managed: _text(managed.box.mac)),
    Thing(name="bootId", oid=_box(1, 5), read=lambda managed: _text(managed.box.boot_id)),
    Thing(
        name="active",
        oid=_box(2, 1),
        read=lambda managed: rfc1902.Integer32(int(managed.box.active)),
        write=_set_active,
    ),
    Thing(
        name="packages",
        oid=_box(2, 2),
        read=_packages,
        write=_set_packages,
        octets_max=PACKAGES_OCTETS_MAX,
    ),
    Thing(
        name="revision",
        oid=_box(2, 3),
        read=lambda managed: _text(managed.box.revision),
        write=lambda managed, text: managed.box.set_revision(text),
        octets_max=REVISION_CHARS_MAX,
    ),
    Thing(
        name="pin",
        oid=_box(2, 4),
        read=_nothing,
        write=lambda managed, digits: managed.box.set_pin(digits),
        octets_max=PIN_DIGITS_MAX,
    ),
    Thing(
        name="messageText",
        oid=_box(3, 1),
        read=lambda managed: _text(managed.draft.text),
        write=_set_text,
        octets_max=TEXT_CHARS_MAX * UTF8_OCTETS_MAX,
    ),
    Thing(
        name="messageSeconds",
        oid=_box(3, 2),
        read=lambda managed: rfc1902.Integer32(managed.draft.seconds),
        write=_set_seconds,
    ),
    Thing(
        name="messageShow",
        oid=_box(3, 3),
        read=lambda _: rfc1902.Integer32(0),
        write=_show,
    ),
    Thing(
        name="messageShown",
        oid=_box(3, 4),
        read=lambda managed: rfc1902.Counter32(managed.box.shown_total),
    ),
    Thing(name="rebootKey", oid=_box(4, 1), read=_nothing, write=_reboot, octets_max=KEY_CHARS_MAX),
    Thing(name="lastKey", oid=_box(4, 2), read=lambda managed: _text(managed.box.last_key)),
    Thing(
        name="temperature",
        oid=_box(5, 1),
        read=lambda managed: rfc1902.Integer32(managed.box.temperature_c),
    ),
    Thing(
        name="freeMb",
        oid=_box(5, 2),
        read=lambda managed: rfc1902.Integer32(managed.box.free_mb),
    ),
    Thing(name="channel", oid=_box(5, 3), read=lambda managed: _text(managed.box.channel)),
)
BY_OID = {thing.oid: thing for thing in THINGS}
ENDLESS: Oid = (*ENTERPRISE, 6, 1)

assert all(one.oid < other.oid for one, other in pairwise(THINGS))  # noqa: S101 - walks rely on it
