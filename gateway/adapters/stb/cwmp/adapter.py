"""Boxes that call us by CWMP (TR-069 Amendment 6): an ACS for the models its maps name.

A box that calls with the revision of its wish as ParameterKey has proven it. Any other is worked
on inside its session. From outside it can only be rung, which is a wish for it to call.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import ClassVar

from gateway.adapters.errands import UNMET, Errand, Stage
from gateway.adapters.inbound import Ask, Contact, Reply
from gateway.adapters.sdk import Action, BoxAdapter, Boxes, Health, Http, Options, Pending
from gateway.adapters.state import ViewerState
from gateway.adapters.stb.cwmp import edges
from gateway.adapters.stb.cwmp.bell import Bell
from gateway.adapters.stb.cwmp.desk import Desk
from gateway.adapters.stb.cwmp.gate import access_of
from gateway.adapters.stb.cwmp.inside import check_ref, expressed, is_as_wished
from gateway.adapters.stb.cwmp.options import CwmpOptions
from runtime.chance import Chance, SystemChance
from runtime.clock import Clock
from terms.errors import Permanent, Retryable, TargetError, Unreachable, untouched
from terms.ids import TargetName

RUNG = "the box was asked to call"
IN_SESSION = "the box is calling just now"


class Cwmp(BoxAdapter[ViewerState]):
    """An auto-configuration server for boxes."""

    kind = "cwmp"
    options_type: ClassVar[type[Options]] = CwmpOptions
    options: CwmpOptions
    chance: ClassVar[Chance] = SystemChance()
    clock: ClassVar[Clock] = Clock()

    def __init__(self, name: TargetName, options: CwmpOptions, http: Http, boxes: Boxes) -> None:
        super().__init__(name, options, http, boxes)
        known = options.all_maps()
        maps = {model: known[model] for model in options.models}
        self._packages_max = max(one.packages_max for one in maps.values())
        # Of which model a box is shows when it calls; until then the slowest pace is kept.
        self._every_s = max(one.request_every_s for one in maps.values())
        self._bell = Bell(http, self.chance)
        self._desk = Desk(self, maps, self.chance, self.clock.machine_now)

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
        try:
            why_not = await self._ring(desired.ref)
        except Permanent as refused:
            why_not = str(refused)  # it is brought to its wish all the same when it calls
        return Pending(reason=why_not or RUNG)

    async def remove(self, ref: str) -> None:
        """Leave the box dark and empty, without a key of ours."""
        await self._in_a_session(ref, Action(name=edges.REMOVE))

    async def scan(self) -> AsyncIterator[ViewerState]:
        """Give what each box was last seen to hold."""
        async for ref in self.boxes.serials():
            held = await self.boxes.last_seen(ref)
            if held is not None:
                yield held

    # -- optional abilities

    async def perform(self, ref: str, action: Action) -> Pending | None:
        """Do message, reboot, kick or factory_reset once, in a session the box is rung for.

        A restart is done when the box has come back with its proof.
        """
        check_ref(ref)
        edges.check(action)
        return await self._in_a_session(ref, action)

    def begin(self) -> None:
        """Be told that the boxes reach this very process."""
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

    async def _in_a_session(self, ref: str, action: Action) -> Pending | None:
        """Have something done once, by whichever process the box calls when it is rung."""
        check_ref(ref)
        errands, loop = self.boxes.errands, asyncio.get_running_loop()
        key, within_s = edges.key_for(action, self.chance), self.options.deadline_s
        until_s = loop.time() + within_s
        errand = await errands.leave(ref, action, key=key, within_s=within_s)
        why = await self._not_rung(ref) if errand.stage is Stage.WAITING else None
        if why is None:
            errand = await errands.look(errand, during=UNMET, within_s=until_s - loop.time())
        if errand.stage is Stage.WAITING and action.not_after is None:
            late = untouched(Unreachable("the box did not call in time"))
            errand = await errands.withdraw(errand, why or late)
        # It may have called by itself.
        errand = await errands.look(errand, during={Stage.BEGUN}, within_s=until_s - loop.time())
        errand = await errands.look(errand, during={Stage.ASKED}, within_s=self.options.proof_s)
        return _came_of(errand, str(why or RUNG))

    async def _not_rung(self, ref: str) -> TargetError | None:
        """Ask a box to call, unless it is here; tells why it was not asked."""
        if self._desk.is_asked_again(ref):
            return None
        try:
            why_not = await self._ring(ref)
        except TargetError as error:
            return error
        return untouched(Retryable(why_not)) if why_not else None

    async def _ring(self, ref: str) -> str:
        """Ring a box by what is known of it now. Returns why it was not asked to call."""
        access = await access_of(self.boxes, ref)
        try:
            return await self._bell.ring(ref, access, self._every_s)
        except Permanent:
            newer = await access_of(self.boxes, ref)
            if newer.secrets == access.secrets:
                raise
            # It was given other credentials meanwhile.
            return await self._bell.ring(ref, newer, 0.0)


def _came_of(errand: Errand, why_waiting: str) -> Pending | None:
    """Tell what came of an errand. Raises the error it ended with."""
    if errand.error is not None:
        raise errand.error
    if errand.stage is Stage.WAITING:
        return Pending(reason=why_waiting)
    if errand.stage is Stage.ASKED:
        raise Unreachable("the box has not come back with the proof of its restart")
    if errand.stage is Stage.BEGUN:
        raise Unreachable("the box did not answer in time")
    return None
