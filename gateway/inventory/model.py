"""A box and what may become of it. Pure: states, allowed steps, the forms of serials and MACs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from terms.errors import Invalid, InvalidTransition
from terms.ids import ResourceId, ServiceId

_SERIAL = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/-]{0,63}")
_MODEL = re.compile(r"\S(.{0,62}\S)?")
_HEX_PAIRS = re.compile(r"[0-9A-F]{12}")
_MAC_MARKS = re.compile(
    r"[0-9A-Fa-f]{12}|([0-9A-Fa-f]{2}([:-]))([0-9A-Fa-f]{2}\2){4}[0-9A-Fa-f]{2}"
)


class ResourceState(StrEnum):
    """Where a box is in its life."""

    IN_STOCK = "in_stock"  # ours, on a shelf or in a van
    ASSIGNED = "assigned"  # a household holds it
    INSTALLED = "installed"  # plugged in there
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
            {
                ResourceState.INSTALLED,
                ResourceState.ACTIVE,
                ResourceState.RETURNED,
                ResourceState.LOST,
            }
        ),
        ResourceState.INSTALLED: frozenset(
            {ResourceState.ACTIVE, ResourceState.RETURNED, ResourceState.LOST}
        ),
        ResourceState.ACTIVE: frozenset({ResourceState.RETURNED, ResourceState.LOST}),
        ResourceState.RETURNED: frozenset({ResourceState.IN_STOCK, ResourceState.SCRAPPED}),
        ResourceState.LOST: frozenset({ResourceState.RETURNED, ResourceState.SCRAPPED}),
        ResourceState.SCRAPPED: frozenset(),
    }
)
HELD = frozenset({ResourceState.ASSIGNED, ResourceState.INSTALLED, ResourceState.ACTIVE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One box. `service` is the household that holds it; `moves` counts its transitions."""

    id: ResourceId
    serial: str
    model: str
    mac: str | None = None
    state: ResourceState = ResourceState.IN_STOCK
    service: ServiceId | None = None
    moves: int = 0

    @property
    def is_held(self) -> bool:
        """Whether a household holds it."""
        return self.state in HELD


def moved(box: Resource, to: ResourceState, *, service: ServiceId | None) -> Resource:
    """Take a box through one transition. Raises InvalidTransition where the table has none."""
    if to not in ALLOWED[box.state]:
        raise InvalidTransition(f"box {box.serial} is {box.state}: it cannot become {to}")
    return replace(box, state=to, service=service, moves=box.moves + 1)


def normal_mac(text: str) -> str:
    """Write a MAC as AA:BB:CC:DD:EE:FF. Raises Invalid for anything that is not one."""
    if not _MAC_MARKS.fullmatch(text):
        raise Invalid("mac", f"not a MAC address: {text[:40]!r}")
    plain = text.replace(":", "").replace("-", "").upper()
    if not _HEX_PAIRS.fullmatch(plain) or plain in ("0" * 12, "F" * 12):
        raise Invalid("mac", f"no box has the address {text!r}")
    if int(plain[:2], 16) & 1:
        raise Invalid("mac", f"a group address, not a box's own: {text!r}")
    return ":".join(plain[at : at + 2] for at in range(0, 12, 2))


def checked_serial(text: str) -> str:
    """Check a serial as it stands on a label. Raises Invalid for blanks, odd marks, over-length."""
    if not _SERIAL.fullmatch(text):
        raise Invalid("serial", f"1 to 64 of letters, digits, dot, dash, slash: {text[:70]!r}")
    return text


def checked_model(text: str) -> str:
    """Check a model's name. Raises Invalid for an empty, unprintable or overlong one."""
    if not (_MODEL.fullmatch(text) and text.isprintable()):
        raise Invalid("model", f"1 to 64 printable characters: {text[:70]!r}")
    return text
