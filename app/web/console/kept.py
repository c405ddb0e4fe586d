"""What is costly to find is found by one for all who ask meanwhile, and kept for a moment.

The moment grows with the cost: what is found at once is never old, and what takes a tenth of a
second is at most a second old, however many look at it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")

WORTH_S = 0.010
AS_LONG_AS = 10.0
AT_MOST_S = 2.0


class Kept(Generic[T]):
    """One thing that many ask for, in one process."""

    def __init__(self) -> None:
        self._found: T | None = None
        self._until_s = 0.0
        self._finding = asyncio.Lock()

    async def get(self, find: Callable[[], Awaitable[T]], *, is_fresh: bool = False) -> T:
        """Return it; found anew where it is old, or where `is_fresh` is asked for."""
        asked_s = _now_s()
        async with self._finding:
            began_s = _now_s()
            if self._found is not None and not is_fresh and self._until_s > asked_s:
                return self._found
            found = await find()
            took_s = _now_s() - began_s
            kept_s = min(took_s * AS_LONG_AS, AT_MOST_S) if took_s >= WORTH_S else 0.0
            self._found, self._until_s = found, began_s + took_s + kept_s
            return found


def _now_s() -> float:
    return asyncio.get_running_loop().time()
