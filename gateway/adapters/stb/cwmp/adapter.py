"""Boxes that call us by CWMP (TR-069 Amendment 6): an ACS for the models its maps name.

A box that calls with the revision of its wish as ParameterKey has proven it. Any other is worked
on inside its session. From outside it can only be rung, which is a wish for it to call.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, ClassVar

from gateway.adapters.sdk import (
    Action,
    Ask,
    BoxAdapter,
    Boxes,
    Contact,
    Health,
    Http,
    Options,
    Pending,
    Reply,
)
from gateway.adapters.state import ViewerState
from gateway.adapters.stb.cwmp import edges
from gateway.adapters.stb.cwmp.bell import Bell
from gateway.adapters.stb.cwmp.desk import Desk
from gateway.adapters.stb.cwmp.gate import access_of
from gateway.adapters.stb.cwmp.inside import check_ref, expressed, is_as_wished
from gateway.adapters.stb.cwmp.options import CwmpOptions
from gateway.adapters.stb.cwmp.visits import Act, Visits
from runtime.chance import Chance, SystemChance
from terms.errors import Retryable, TargetError, Unreachable, untouched
from terms.ids import TargetName

RUNG = "the box was asked to call"
IN_SESSION = "the box is calling just now"


class Cwmp(BoxAdapter[ViewerState]):
    """An auto-configuration server for boxes."""

    kind = "cwmp"
    options_type: ClassVar[type[Options]] = CwmpOptions
    options: CwmpOptions
    chance: ClassVar[Chance] = SystemChance()

    def __init__(self, name: TargetName, options: CwmpOptions, http: Http, boxes: Boxes) -> None:
        super().__init__(name, options, http, boxes)
        known = options.all_maps()
        maps = {model: known[model] for model in options.models}
        self._packages_max = max(one.packages_max for one in maps.values())
        # Of which model a box is shows when it calls; until then the slowest pace is kept.
        self._every_s = max(one.request_every_s for one in maps.values())
        self._visits = Visits()
        self._bell = Bell(http, self.chance)
        self._desk = Desk(self, maps, self._visits, self.chance)
        self._is_listening = False

    # -- the contract

    def express(self, desired: ViewerState) -> ViewerState:
        """Keep what a box can hold: on or off, and its packages."""
        return expressed(desired, self._packages_max)

    def fits(self, desired: ViewerState, held: ViewerState | None) -> bool:
        """Tell whether the box has proven this very revision."""
        return is_as_wished(desired, held)

    async def probe(self) -> Health:
        """Ask no box: the target is here, wherever its boxes are."""
        return Health()

    async def observe(self, ref: str) -> ViewerState | None:
        """Give what the box was last seen to hold: it tells more only when it calls."""
        check_ref(ref)
        return await self.boxes.last_seen(ref)

    async def apply(self, desired: ViewerState, observed: ViewerState | None) -> Pending | None:  # noqa: ARG002 - the box is brought to its newest wish
        """Ask the box to call; what it is to hold is written then."""
        check_ref(desired.ref)
        if self._desk.is_asked_again(desired.ref):
            return Pending(reason=IN_SESSION)
        access = await access_of(self.boxes, desired.ref)
        why_not = await self._bell.ring(desired.ref, access, self._every_s)
        return Pending(reason=why_not or RUNG)

    async def remove(self, ref: str) -> None:
        """Leave the box dark and empty, without a key of ours."""
        await self._inside(ref, lambda box: box.remove(ref))

    async def scan(self) -> AsyncIterator[ViewerState]:
        """Give what each box was last seen to hold."""
        async for ref in self.boxes.serials():
            held = await self.boxes.last_seen(ref)
            if held is not None:
                yield held

    # -- optional abilities

    async def perform(self, ref: str, action: Action) -> None:
        """Do message, reboot, kick or factory_reset once, in a session the box is rung for.

        A restart is done when the box has come back with its proof.
        """
        check_ref(ref)
        edges.check(action)
        if action.name == edges.MESSAGE:
            await self._inside(ref, edges.message(action.params["text"]))
            return
        key = "" if action.name == edges.FACTORY_RESET else edges.new_key(self.chance)
        proof = self._visits.expect(ref, key)
        try:
            await self._inside(ref, edges.restart(action.name, key))
            async with asyncio.timeout(self.options.proof_s):
                await proof
        except TimeoutError:
            raise Unreachable("the box has not come back with the proof of its restart") from None
        finally:
            self._visits.expect_no_more(ref, proof)

    def begin(self) -> None:
        """Be told that the boxes reach this very process."""
        self._is_listening = True
        self._desk.begin()

    async def answer(self, ask: Ask, contact: Contact) -> Reply:
        """Answer one request of a box."""
        return await self._desk.answer(ask, contact)

    async def rest(self) -> None:
        """Begin no more sessions, and wait for those under way."""
        await self._desk.rest()

    async def drop(self) -> None:
        """Give every session up."""
        await self._desk.drop()

    async def _inside(self, ref: str, act: Act) -> Any:
        """Do something in a session, for which the box is rung. At most once."""
        check_ref(ref)
        if not self._is_listening:
            raise untouched(Retryable("boxes call another process; only that one can act on them"))
        visit = self._visits.add(ref, act)
        if visit is None:
            raise untouched(Retryable("too much waits for boxes to call"))
        try:
            async with asyncio.timeout(self.options.deadline_s):
                if not self._desk.is_asked_again(ref):
                    await self._ring(ref, visit.done)
                return await visit.done
        except TimeoutError:
            error = Unreachable("the box did not call in time, or did not answer")
            raise (error if visit.is_begun else untouched(error)) from None
        finally:
            self._visits.withdraw(visit)

    async def _ring(self, ref: str, done: asyncio.Future[Any]) -> None:
        access = await access_of(self.boxes, ref)
        try:
            why_not = await self._bell.ring(ref, access, self._every_s)
        except TargetError:
            if not done.done():
                raise
            return  # it has called all the same
        if why_not and not done.done():
            raise untouched(Retryable(why_not))
