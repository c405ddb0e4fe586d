"""Boxes of one kind that are driven themselves, as their simulator's journal tells of them.

What a box holds follows from the journal's effects alone, from the first one on: boxes begin dark
and empty. How they are reached is told once, like a purchase list, when they are delivered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from demo.client import Client
from demo.operator import Driver
from demo.simulator import Entry, Simulator

EVERY = "*"
CALLING = "cwmp"  # the kind whose boxes call the product, and are told where
# The faces on which boxes change: by a caller, by themselves, by hand.
_EFFECTS = frozenset({"api", "device", "admin"})
# What boxes that call an ACS call these things (TR-181, TR-135).
_WORDS = {
    "Device.Services.STBService.1.Enable": "active",
    "Device.Services.STBService.1.X_BOXOFFICE_Packages": "packages",
    "Device.UserInterface.Messages.Text": "message",
}


class Boxes(Simulator):
    """The boxes of one driver: journal and tampering by the admin face."""

    def __init__(self, client: Client, driver: Driver, told: Mapping[str, Any]) -> None:
        super().__init__(client, "", told["admin_url"])
        self.driver = driver
        self.papers: Mapping[str, Mapping[str, Any]] = {
            papers["serial"]: papers for papers in told["boxes"]
        }
        self.user_key = str(told.get("user_key", ""))

    @property
    def kind(self) -> str:
        """What they are driven by."""
        return self.driver.kind

    async def held(self, serial: str) -> dict[str, Any]:
        """Tell what a box holds by all that has happened to it."""
        held: dict[str, Any] = {"active": False, "packages": []}
        for _, changed in await self._changes(serial, 0):
            held.update({name: changed[name] for name in held if name in changed})
        return held

    async def switched(self, serial: str, after: int) -> list[tuple[int, bool]]:
        """List when a caller has switched a box on or off since then, in nanoseconds since 1970."""
        changes = await self._changes(serial, after)
        return [
            (entry["at_ns"], changed["active"])
            for entry, changed in changes
            if "active" in changed and entry["face"] != "admin"
        ]

    async def messages(self, serial: str, after: int) -> list[str]:
        """List the texts that a box has shown since then."""
        changes = await self._changes(serial, after)
        return [changed["message"] for _, changed in changes if changed.get("message")]

    async def lit(self, serials: Sequence[str]) -> int:
        """Count those of these boxes that are on."""
        return sum([(await self.held(serial))["active"] for serial in serials])

    async def plug_in(self, serial: str) -> None:
        """Give a box power; it boots."""
        await self.tamper("power_on", serial=serial)

    async def unplug(self, serial: str) -> None:
        """Pull the plug of a box."""
        await self.tamper("power_off", serial=serial)

    async def call_at(self, url: str) -> None:
        """Tell the boxes where to call, as their network does (TR-069, 3.1), and boot them."""
        await self.tamper("credentials", serial=EVERY, fields={"acs_url": url})
        await self.tamper("crash", serial=EVERY)

    async def edit(self, serial: str, fields: Mapping[str, Any]) -> None:
        """Change what a box holds by hand; one that calls tells of it."""
        telling = {"notify": True} if self.kind == CALLING else {}
        await self.tamper("set", serial=serial, fields=fields, **telling)

    async def _changes(self, serial: str, after: int) -> list[tuple[Entry, dict[str, Any]]]:
        entries = await self.journal(after, subject=serial, changed="1")
        return [(entry, _changed(entry)) for entry in entries if entry["face"] in _EFFECTS]


def _changed(entry: Entry) -> dict[str, Any]:
    """Read what an effect has made another than it was."""
    before, after = (dict(_read(entry[time] or {})) for time in ("before", "after"))
    return {name: value for name, value in after.items() if before.get(name) != value}


def _read(after: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Read the fields of an effect that are of interest here, in one wording."""
    for field, value in after.items():
        name = _WORDS.get(field, field)
        if name == "active":
            yield name, value if isinstance(value, bool) else value == "true"
        elif name == "packages":
            codes = value.split(",") if isinstance(value, str) else value
            yield name, sorted(filter(None, codes))
        elif name == "message":
            yield name, value["text"] if isinstance(value, Mapping) else value or ""
