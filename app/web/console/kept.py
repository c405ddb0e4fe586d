"""What is costly to find is found by one for all who ask meanwhile, and kept for a moment.

The moment grows with the cost: what is found at once is never old, and what takes a tenth of a
second is kept for one second. For as long again whoever asks is told what there is while it is
found anew: where many look, nobody waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")

WORTH_S = 0.010
AS_LONG_AS = 10.0
AT_MOST_S = 2.0


def _loop_s() -> float:
    return asyncio.get_running_loop().time()


class Kept(Generic[T]):
    """One thing that many ask for, in one process; `find` needs nothing that who asks holds."""

    def __init__(
        self, find: Callable[[], Awaitable[T]], now_s: Callable[[], float] = _loop_s
    ) -> None:
        self._find = find
        self._now_s = now_s
        self._found: T | None = None
        self._anew_s = 0.0  # it is found anew from then on
        self._old_s = 0.0  # and waited for
        self._finding = asyncio.Lock()
        self._beside: asyncio.Task[T] | None = None

    async def get(self, *, is_fresh: bool = False) -> T:
        """Return it; found anew where it is old, or where `is_fresh` is asked for."""
        asked_s = self._now_s()
        if self._found is not None and not is_fresh and asked_s < self._old_s:
            if asked_s >= self._anew_s:
                self._find_beside()
            return self._found
        async with self._finding:
            if self._found is not None and not is_fresh and asked_s < self._old_s:
                return self._found  # somebody else has found it meanwhile
            return await self._find_anew()

    def close(self) -> None:
        """Look for it no more."""
        if self._beside is not None:
            self._beside.cancel()

    async def _find_anew(self) -> T:
        began_s = self._now_s()
        self._found = found = await self._find()
        found_s = self._now_s()
        took_s = found_s - began_s
        kept_s = min(took_s * AS_LONG_AS, AT_MOST_S) if took_s >= WORTH_S else 0.0
        self._anew_s, self._old_s = found_s + kept_s, found_s + 2 * kept_s
        return found

    def _find_beside(self) -> None:
        """Find it for whoever asks next; should it fail, he finds out himself."""
        if self._beside is None or self._beside.done():
            self._beside = asyncio.create_task(self._find_alone())
            self._beside.add_done_callback(_let_go)

    async def _find_alone(self) -> T:
        async with self._finding:
            return await self._find_anew()


def _let_go(task: asyncio.Task[T]) -> None:
    if not task.cancelled():
        task.exception()
