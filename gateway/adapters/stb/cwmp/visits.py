"""What this process wants to do at a box as soon as it calls, and what it waits to see afterwards.

Kept in memory alone: an edge that is not done within its time is not done at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from gateway.adapters.stb.cwmp.inside import InSession
from gateway.adapters.stb.cwmp.soap import Inform
from runtime.retry import pause

WAITING_MAX = 1_000
_RESTARTED = "M Reboot"

Act = Callable[[InSession], Awaitable[Any]]


@dataclass(slots=True, kw_only=True, eq=False)
class Visit:
    """One thing to do, and the promise of what came of it."""

    ref: str
    act: Act
    done: asyncio.Future[Any]
    is_begun: bool = False


class Visits:
    """The visits that wait, by box; and the restarts that are to be proven."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Visit]] = {}
        self._proofs: dict[str, tuple[str, asyncio.Future[None]]] = {}

    def __contains__(self, ref: str) -> bool:
        return ref in self._waiting

    def add(self, ref: str, act: Act) -> Visit | None:
        """Have something done at the next contact; None where too much waits already."""
        if sum(map(len, self._waiting.values())) >= WAITING_MAX:
            return None
        visit = Visit(ref=ref, act=act, done=asyncio.get_running_loop().create_future())
        self._waiting.setdefault(ref, []).append(visit)
        return visit

    def withdraw(self, visit: Visit) -> None:
        """Take back what was not begun."""
        waiting = self._waiting.get(visit.ref, [])
        if visit in waiting:
            waiting.remove(visit)
        if not waiting:
            self._waiting.pop(visit.ref, None)
        visit.done.cancel()

    async def make(self, ref: str, box: InSession) -> None:
        """Do all that waits for a box, one after the other."""
        while waiting := self._waiting.get(ref):
            visit = waiting[0]
            visit.is_begun = True
            self._forget(visit)
            try:
                result = await visit.act(box)
            except Exception as error:  # noqa: BLE001 - whoever waits for it judges it
                if not visit.done.done():
                    visit.done.set_exception(error)
            except BaseException:
                visit.done.cancel()
                raise
            else:
                if not visit.done.done():
                    visit.done.set_result(result)
            # Whoever asked may want another thing at once, and has it in the same session.
            await pause(0)

    def expect(self, ref: str, key: str) -> asyncio.Future[None]:
        """Wait for a restart: by its key, or with an empty one for a box that forgot everything."""
        proof: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._proofs[ref] = (key, proof)
        return proof

    def expect_no_more(self, ref: str, proof: asyncio.Future[None]) -> None:
        """Wait no longer."""
        if ref in self._proofs and self._proofs[ref][1] is proof:
            del self._proofs[ref]

    def heard(self, ref: str, inform: Inform, parameter_key: str) -> None:
        """Look whether a box that calls brings the proof of a restart."""
        found = self._proofs.get(ref)
        if found is None or found[1].done():
            return
        key, proof = found
        has_forgotten = not key and not parameter_key and inform.has("0 BOOTSTRAP", "1 BOOT")
        if has_forgotten or (key and (_RESTARTED, key) in inform.events):
            proof.set_result(None)

    def _forget(self, visit: Visit) -> None:
        waiting = self._waiting[visit.ref]
        waiting.remove(visit)
        if not waiting:
            del self._waiting[visit.ref]
