"""The rate of a target: so many calls a second, whoever makes them.

When the next call may be made stands in the database. A worker takes a few turns at once, which
follow each other at the target's pace, and makes each call when its turn has come.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque

from runtime.retry import pause
from runtime.store import Store
from terms.errors import Retryable

# As much as is lost where a worker took turns and then has nothing to call.
AHEAD_S = 0.25
_SECOND_US = 1_000_000
# Values: target, length of the turns. Returns in how many microseconds the last of them is over.
_TAKE = """
    INSERT INTO target_turn (target, taken_until) VALUES ($1, {now} + {length})
    ON CONFLICT (target) DO UPDATE SET
        taken_until = {greatest}(target_turn.taken_until, {now}) + {length}
    RETURNING taken_until - {now}
"""
_SQLITE = _TAKE.format(
    now="CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)",
    length="$2",
    greatest="MAX",
).replace("$", "?")
_POSTGRES = _TAKE.format(
    now="(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint",
    length="$2::bigint",
    greatest="GREATEST",
)


class Turns:
    """The turns of one worker at one target."""

    def __init__(self, store: Store, target: str, calls_per_s: float) -> None:
        self.store = store
        self.target = target
        self._length_us = max(round(_SECOND_US / calls_per_s), 1)
        self._at_once = max(math.ceil(calls_per_s * AHEAD_S), 1)
        # When each of ours may be used, by the event loop's clock.
        self._ours: deque[float] = deque()
        self._taking = asyncio.Lock()

    async def come(self) -> None:
        """Wait until it is our turn to make one call. Raises Retryable where nobody can tell."""
        now_s = asyncio.get_running_loop().time
        async with self._taking:
            while self._ours and self._ours[0] < now_s() - self._length_us / _SECOND_US:
                self._ours.popleft()  # nobody used it, and later it would be one too many
            if not self._ours:
                await self._take()
            turn_s = self._ours.popleft()
        await pause(max(turn_s - now_s(), 0.0))

    async def _take(self) -> None:
        length_us = self._at_once * self._length_us
        sql = _SQLITE if self.store.is_sqlite else _POSTGRES
        try:
            ((over_us,),) = await self.store.once(sql, (self.target, length_us))
        except Exception as error:
            raise Retryable("the database did not say when the next call may be made") from error
        begin_us = over_us - length_us
        now_s = asyncio.get_running_loop().time()
        for number in range(self._at_once):
            self._ours.append(now_s + (begin_us + number * self._length_us) / _SECOND_US)
