"""Whether a loop does any work at all: one bad row is set aside, rows that all fail are an outage.

Told as the outage of a loop of its own, since what claims the rows may be well all the while.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from runtime.outages import FORGOTTEN_AFTER_S, Outages

# So many different rows in a row, and none between them that came through.
ROWS_MIN = 2


class Stumbles:
    """The rows of one loop that failed by a fault of ours since the last that came through."""

    def __init__(
        self, outages: Outages, loop: str, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._outages = outages
        self._loop = loop
        self._now_s = now_s
        self._keys: set[str] = set()
        self._failed_at_s = 0.0

    def failed(self, key: str, error: Exception) -> None:
        """Note that a row failed by a fault of ours."""
        self._failed_at_s = self._now_s()
        if len(self._keys) < ROWS_MIN:
            self._keys.add(key)
        if len(self._keys) >= ROWS_MIN:
            self._outages.failed(self._loop, error)

    def passed(self) -> None:
        """Note that a row came through."""
        if self._keys:
            self._keys.clear()
            self._outages.passed(self._loop)

    def rest(self) -> None:
        """Note that nothing is to be done: what failed long ago is set aside, and seen there."""
        if self._keys and self._now_s() - self._failed_at_s >= FORGOTTEN_AFTER_S:
            self.ended()

    def ended(self) -> None:
        """Note that the loop goes on no longer in this process."""
        self._keys.clear()
        self._outages.ended(self._loop)
