"""Starts the sessions of many boxes when they are due.

One heap and one timer for all of them: a waiting box has no task and no socket. What happens in a
session, the session knows; when the next one is due, the box.
"""

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from random import Random

from simulators.call import Call
from simulators.stb.box import Box
from simulators.stb.cwmp.cpe import Around, Cpe
from simulators.stb.cwmp.session import Session, Told
from simulators.stb.cwmp.tally import Tally

AT_ONCE_MAX = 1000

Calling = Callable[[Box, str, str], AbstractContextManager[Call]]


class Runner:
    """Holds the sessions of all boxes of a process."""

    def __init__(self, around: Around, calling: Calling, *, at_once_max: int = AT_ONCE_MAX) -> None:
        self.tally = Tally()
        self._around = around
        self._calling = calling
        self._at_once_max = at_once_max
        self._heap: list[tuple[float, int, int, Cpe]] = []
        self._numbers = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self._sessions: dict[Cpe, asyncio.Task[None]] = {}
        self._crowd: deque[tuple[float, Cpe]] = deque()

    def look(self, cpe: Cpe) -> None:
        """Work out anew when a box is due; call it after whatever happens to the box."""
        cpe.turn += 1  # what the heap holds of it is void
        due_at = cpe.due_at()
        if due_at is not None:
            heapq.heappush(self._heap, (due_at, next(self._numbers), cpe.turn, cpe))
            self._arm()

    async def cut(self, cpe: Cpe) -> None:
        """Break the session of a box off, where it has one."""
        task = self._sessions.get(cpe)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        if self._sessions.pop(cpe, None) is not None:  # it had not even begun
            cpe.is_in_session = False

    async def stop(self) -> None:
        """Break everything off."""
        if self._timer is not None:
            self._timer.cancel()
        self._heap.clear()
        self._crowd.clear()
        tasks = list(self._sessions.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _arm(self) -> None:
        """Set the timer to the first box of the heap."""
        if not self._heap:
            return
        first_at = self._heap[0][0]
        if self._timer is not None:
            if self._timer.when() <= first_at:
                return
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(first_at, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        while self._heap and self._heap[0][0] <= now:
            due_at, _, turn, cpe = heapq.heappop(self._heap)
            if turn == cpe.turn:
                self._begin(cpe, due_at)
        self._arm()

    def _begin(self, cpe: Cpe, due_at: float) -> None:
        cpe.catch_up()
        if not cpe.is_due:
            self.look(cpe)
        elif len(self._sessions) >= self._at_once_max:
            self._crowd.append((due_at, cpe))
        else:
            cpe.is_in_session = True
            self._sessions[cpe] = asyncio.create_task(self._hold(cpe, due_at))

    async def _hold(self, cpe: Cpe, due_at: float) -> None:
        chance = cpe.chance()
        began_at = asyncio.get_running_loop().time()
        session = Session(cpe, self._around, chance)
        with self._calling(cpe.box, "SESSION", "CWMP SESSION") as call:
            try:
                await session.hold()
            finally:
                told = session.told
                self._note(call, cpe, told)
                ended_at = asyncio.get_running_loop().time()
                self.tally.add(told, began_at=began_at, ended_at=ended_at, due_at=due_at)
                self._settle(cpe, told, chance)

    def _settle(self, cpe: Cpe, told: Told, chance: Random) -> None:
        """Let the box know what became of its session."""
        del self._sessions[cpe]
        cpe.is_in_session = False
        if told.broken:
            cpe.failed(told.news, chance, told.retry_after_s)
        else:
            cpe.delivered(told.news)
        self._finish(cpe)

    def _finish(self, cpe: Cpe) -> None:
        """Do what the session left to its end, and let the next box have the place."""
        before = cpe.box.shown() if cpe.is_reset_asked or cpe.is_reboot_asked else {}
        done = cpe.do_asked()
        if done:
            self._around.journal.event(
                done, cpe.box.serial, face="device", before=before, after=cpe.box.shown()
            )
        self.look(cpe)
        while self._crowd and len(self._sessions) < self._at_once_max:
            due_at, waiting = self._crowd.popleft()
            if not waiting.is_in_session:
                self._begin(waiting, due_at)

    def _note(self, call: Call, cpe: Cpe, told: Told) -> None:
        self._around.journal.effect(
            call, cpe.box.serial, before=None, after=told.shown(), face="outgoing"
        )
