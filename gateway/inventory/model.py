"""A box and what may become of it. Pure: states, allowed steps, the forms of what is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from terms.errors import Invalid, InvalidTransition
from terms.facts import Condition
from terms.ids import ResourceId, ServiceId

# What a label says. Whoever calls may call itself more.
SERIAL = r"[0-9A-Za-z][0-9A-Za-z._-]{0,39}"
SERIAL_RULE = "1 to 40 letters, digits, '.', '_' and '-', the first a letter or digit"
_SERIAL = re.compile(SERIAL)
_MODEL = re.compile(r"\S(.{0,62}\S)?")
_HEX_PAIRS = re.compile(r"[0-9A-F]{12}")
SERIAL_CHARS_MAX = 40
PLACE_CHARS_MAX = 80
WAREHOUSE = "warehouse"
_MAC_MARKS = re.compile(
    r"[0-9A-Fa-f]{12}|([0-9A-Fa-f]{2}([:-]))([0-9A-Fa-f]{2}\2){4}[0-9A-Fa-f]{2}"
    r"|([0-9A-Fa-f]{4}([.:-]))[0-9A-Fa-f]{4}\4[0-9A-Fa-f]{4}"
)


class ResourceState(StrEnum):
    """Where a box is in its life."""

    IN_STOCK = "in_stock"  # ours, on a shelf or in a van
    ASSIGNED = "assigned"  # a household holds it
    ACTIVE = "active"  # has proven itself there
    RETURNED = "returned"  # back, not looked at yet
    LOST = "lost"  # nobody knows where
    SCRAPPED = "scrapped"  # gone for good


ALLOWED: Mapping[ResourceState, frozenset[ResourceState]] = MappingProxyType(
    {
        ResourceState.IN_STOCK: frozenset(
            {ResourceState.ASSIGNED, ResourceState.LOST, ResourceState.SCRAPPED}
        ),
        ResourceState.ASSIGNED: frozenset(
            {ResourceState.ACTIVE, ResourceState.RETURNED, ResourceState.LOST}
        ),
        ResourceState.ACTIVE: frozenset({ResourceState.RETURNED, ResourceState.LOST}),
        ResourceState.RETURNED: frozenset(
            {ResourceState.IN_STOCK, ResourceState.LOST, ResourceState.SCRAPPED}
        ),
        ResourceState.LOST: frozenset({ResourceState.RETURNED, ResourceState.SCRAPPED}),
        ResourceState.SCRAPPED: frozenset(),
    }
)
HELD = frozenset({ResourceState.ASSIGNED, ResourceState.ACTIVE})
SHELVED = frozenset({ResourceState.IN_STOCK, ResourceState.RETURNED})
# What people call the states, behind "the box is".
IN_WORDS: Mapping[ResourceState, str] = MappingProxyType(
    {
        ResourceState.IN_STOCK: "in stock",
        ResourceState.ASSIGNED: "handed over",
        ResourceState.ACTIVE: "working",
        ResourceState.RETURNED: "back, not looked at",
        ResourceState.LOST: "lost",
        ResourceState.SCRAPPED: "written off",
    }
)
# What whoever stands there with such a box can do about it.
_MEND: Mapping[ResourceState, str] = MappingProxyType(
    {
        ResourceState.IN_STOCK: "hand it over first",
        ResourceState.ASSIGNED: "take it back first",
        ResourceState.ACTIVE: "take it back first",
        ResourceState.RETURNED: "look at it and put it back in stock first",
        ResourceState.LOST: "note it as found first",
        ResourceState.SCRAPPED: "take another one",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One box. `service` is the household that holds it, or held it when it was lost.

    `place` is where it is: a stock location, or free text where a household holds it. `condition`
    is how it came back, until it goes on. `moves` counts what has happened to it.
    """

    id: ResourceId
    serial: str
    model: str
    mac: str | None = None
    state: ResourceState = ResourceState.IN_STOCK
    service: ServiceId | None = None
    place: str = WAREHOUSE
    condition: Condition | None = None
    moves: int = 0

    @property
    def is_held(self) -> bool:
        """Whether a household holds it."""
        return self.state in HELD


def told(box: Resource) -> str:
    """Say how a box is, as people do."""
    return f"box {box.serial} is {IN_WORDS[box.state]}"


def moved(
    box: Resource,
    to: ResourceState,
    *,
    service: ServiceId | None,
    place: str,
    condition: Condition | None = None,
) -> Resource:
    """Take a box through one transition. Raises InvalidTransition where the table has none."""
    if to not in ALLOWED[box.state]:
        raise InvalidTransition(f"{told(box)}: {_MEND[box.state]}")
    after = replace(box, state=to, service=service, place=place, condition=condition)
    return replace(after, moves=box.moves + 1)


def shifted(box: Resource, place: str) -> Resource:
    """Take a box that nobody holds to another place. Raises InvalidTransition for any other."""
    if box.state not in SHELVED:
        raise InvalidTransition(
            f"{told(box)}: only what is on a shelf is moved; {_MEND[box.state]}"
        )
    return replace(box, place=place, moves=box.moves + 1)


def implausible(box: Resource, stock: str | None, *, where: str = "") -> str:
    """Say why somebody who takes from this stock cannot have the box; empty where he can.

    A technician's stock is the place that bears his actor's id; None is whoever may take anything.
    `where` is what people call the place of the box.
    """
    if box.state is not ResourceState.IN_STOCK:
        return f"{told(box)}: {_MEND[box.state]}"
    if stock is None or box.place == stock:
        return ""
    return (
        f"box {box.serial} is in stock at {where or box.place or 'another place'}, not in yours: "
        "have it moved to you first"
    )


def normal_mac(text: str) -> str:
    """Write a MAC, in pairs or in groups of four, as AA:BB:CC:DD:EE:FF. Raises Invalid."""
    given = text.strip()
    if not _MAC_MARKS.fullmatch(given):
        raise Invalid("mac", f"not a MAC address like 00:1A:79:00:00:01: {text[:40]!r}")
    plain = re.sub("[.:-]", "", given).upper()
    if not _HEX_PAIRS.fullmatch(plain) or plain in ("0" * 12, "F" * 12):
        raise Invalid("mac", f"no box has the address {text!r}")
    if int(plain[:2], 16) & 1:
        raise Invalid("mac", f"a group address, not a box's own: {text!r}")
    return ":".join(plain[at : at + 2] for at in range(0, 12, 2))


def checked_serial(text: str) -> str:
    """Check a serial as it stands on a label. Raises Invalid for blanks, odd marks, over-length."""
    if not _SERIAL.fullmatch(text):
        raise Invalid("serial", f"{text[:SERIAL_CHARS_MAX]!r} is no serial: it has {SERIAL_RULE}")
    return text


def checked_model(text: str) -> str:
    """Check a model's name. Raises Invalid for an empty, unprintable or overlong one."""
    if not (_MODEL.fullmatch(text) and text.isprintable()):
        raise Invalid("model", f"1 to 64 printable characters: {text[:70]!r}")
    return text


def checked_place(text: str) -> str:
    """Check where something is. Raises Invalid for unprintable or overlong text."""
    if len(text) > PLACE_CHARS_MAX or not text.isprintable():
        raise Invalid("place", f"at most {PLACE_CHARS_MAX} printable characters")
    return text.strip()
