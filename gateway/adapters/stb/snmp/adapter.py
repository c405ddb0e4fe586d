"""Boxes that are read and written over SNMP, v3 with authentication and privacy.

Agents apply half a SET and refuse it, in an order of their own. So each variable of the state has
a SET for itself, in the order in which it does no harm to stop anywhere, and a refused one is
followed by a look. Only what stands on the list below is ever written.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from pysnmp.proto.rfc1902 import Integer32, OctetString

from gateway.adapters import boxes
from gateway.adapters.sdk import Action, BoxAdapter, Boxes, Http, Options
from gateway.adapters.state import ViewerState
from gateway.adapters.stb.snmp.engine import Heard
from gateway.adapters.stb.snmp.keys import Peer, peer_of
from gateway.adapters.stb.snmp.options import SnmpOptions
from gateway.adapters.stb.snmp.pool import Engines
from gateway.adapters.stb.snmp.reply import (
    NUMBER,
    SILENT,
    TEXT,
    TIMED_OUT,
    TOO_BIG,
    is_of_keys,
    values,
)
from gateway.adapters.stb.snmp.wire import Oid
from terms.errors import Conflict, Permanent, TargetError, Unreachable, Unsupported, untouched
from terms.ids import TargetName

KINDS: Mapping[str, Any] = {"active": NUMBER, "message_seconds": NUMBER, "message_show": NUMBER}
WRITABLE = frozenset({
    *("active", "packages", "revision", "reboot_key"),
    *("message_text", "message_seconds", "message_show"),
})  # fmt: skip
STATE = ("serial", "active", "packages", "revision")
RESTARTS = ("serial", "boot", "last_key")


class Snmp(BoxAdapter[ViewerState]):
    """Boxes reached by SNMP."""

    kind = "snmp"
    options_type: ClassVar[type[Options]] = SnmpOptions
    options: SnmpOptions

    def __init__(self, name: TargetName, options: SnmpOptions, http: Http, boxes: Boxes) -> None:
        super().__init__(name, options, http, boxes)
        self._engines = Engines(options)

    # -- the contract

    def express(self, desired: ViewerState) -> ViewerState:
        """Keep what a box can hold: no label, no expiry, no limit of streams."""
        return boxes.expressed(desired)

    async def observe(self, ref: str) -> ViewerState:
        """Read the box. Raises Conflict where another one answers at its address."""
        return await self._state(ref, await self._peer(ref))

    async def apply(self, desired: ViewerState, observed: ViewerState | None) -> None:
        """Write the difference, one SET after the other; after a refused one the box is asked."""
        names = boxes.writes(desired, observed)
        if not names:
            return
        wished = boxes.words_of(desired)
        peer = await self._peer(desired.ref)
        try:
            for name in names:
                await self._set(peer, {name: wished[name]})
        except Unreachable:
            raise
        except TargetError as error:
            if not await self._holds(desired, peer):
                raise _naming(error, wished["packages"]) from None

    async def remove(self, ref: str) -> None:
        """Leave the box dark and empty; such a one is fine."""
        await self.apply(boxes.bare(ref), await self.observe(ref))

    # -- optional abilities

    async def perform(self, ref: str, action: Action) -> None:
        """Show a message or restart the box, once."""
        match action.name:
            case "message":
                shown = boxes.shown_of(action)
                peer = await self._peer(ref)
                # One SET, so that the text that is shown is this one; its own answer is the proof.
                await self._done(
                    peer,
                    {
                        "message_text": shown.text,
                        "message_seconds": str(shown.seconds),
                        "message_show": "1",
                    },
                )
            case "reboot":
                await self._restart(ref, action, await self._peer(ref))
            case _:
                raise Unsupported(f"a box knows no action {action.name!r}")

    async def drop(self) -> None:
        """Close every engine, whoever uses it."""
        await self._engines.drop()

    # -- small parts

    async def _restart(self, ref: str, action: Action, peer: Peer) -> None:
        """Restart under a key: a box that was restarted under it already is left alone."""
        facts = await self._get(peer, RESTARTS)
        boxes.check_identity(ref, facts["serial"])
        key = boxes.key_of(ref, action, facts["boot"])
        if facts["last_key"] != key:
            await self._done(peer, {"reboot_key": key})

    async def _done(self, peer: Peer, wished: Mapping[str, str]) -> None:
        try:
            await self._set(peer, wished)
        except (Permanent, Conflict) as error:
            raise untouched(error) from None

    async def _state(self, ref: str, peer: Peer) -> ViewerState:
        facts = await self._get(peer, STATE)
        boxes.check_identity(ref, facts["serial"])
        return boxes.state_of(
            ref,
            active=facts["active"],
            packages=facts["packages"],
            revision=facts["revision"],
        )

    async def _holds(self, desired: ViewerState, peer: Peer) -> bool:
        with contextlib.suppress(TargetError):
            held = await self._state(desired.ref, peer)
            return held == desired and held.revision == desired.revision
        return False

    async def _get(self, peer: Peer, names: tuple[str, ...]) -> Mapping[str, str]:
        asked = self._asked(names)
        heard = await self._engines.get(peer, [oid for oid, _ in asked.values()])
        if heard.status == TOO_BIG and len(names) > 1:
            half = len(names) // 2
            return {**await self._get(peer, names[:half]), **await self._get(peer, names[half:])}
        return values(heard, asked)

    async def _set(self, peer: Peer, wished: Mapping[str, str]) -> None:
        for name in wished:
            if name not in WRITABLE:
                raise Unsupported(f"{name} of a box is not written")
        asked = self._asked(wished)
        variables = [(asked[name][0], _value(name, text)) for name, text in wished.items()]
        values(await self._engines.set(peer, variables), asked)

    def _asked(self, names: Iterable[str]) -> Mapping[str, tuple[Oid, Any]]:
        return {name: (self.options.objects.oid(name), _kind(name)) for name in names}

    async def _peer(self, ref: str) -> Peer:
        boxes.check_serial(ref)
        access = await self.boxes.access(ref)
        peer = peer_of(access)
        address = await self.http.resolve(peer.host, deadline_s=self.options.deadline_s)
        peer = replace(peer, host=address)
        fresh = boxes.renewed(access)
        later = replace(peer_of(fresh), host=address) if fresh else peer
        return peer if later == peer else await self._known_by(ref, peer, later)

    async def _known_by(self, ref: str, old: Peer, new: Peer) -> Peer:
        """Find by which keys a box knows us while they change; by the new ones, they have."""
        asked = self._asked(["serial"])
        before = await self._tried(old, asked["serial"][0])
        peer, heard = old, before
        if is_of_keys(before):
            peer, heard = new, await self._tried(new, asked["serial"][0])
        if before.complaint in SILENT and is_of_keys(heard):
            heard = before  # who says nothing has not refused them
        try:
            told = values(heard, asked)
        except TargetError as error:
            raise untouched(error) from None  # nothing is written while nobody knows by which
        boxes.check_identity(ref, told["serial"])
        if peer is new:
            await self.boxes.seen_new(ref)
        return peer

    async def _tried(self, peer: Peer, oid: Oid) -> Heard:
        """Ask by some keys, in half the time: two have to do within one deadline."""
        try:
            return await self._engines.get(peer, [oid], within_s=self.options.deadline_s / 2)
        except Unreachable:
            return Heard(complaint=TIMED_OUT, status=0, index=0, variables=())


def _kind(name: str) -> Any:
    return KINDS.get(name, TEXT)


def _value(name: str, text: str) -> Any:
    return Integer32(int(text)) if _kind(name) == NUMBER else OctetString(text.encode())


def _naming(error: TargetError, packages: str) -> TargetError:
    """Name the codes where a box refuses them: it only says that the value is wrong."""
    if isinstance(error, Permanent) and "packages" in str(error):
        return type(error)(f"{error}: {packages[:400] or 'none'}")
    return error
