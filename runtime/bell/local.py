"""The bell of one process: an event per kind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable


class LocalBell:
    """Rings within one process."""

    is_up = True

    def __init__(self) -> None:
        self._events: dict[str, asyncio.Event] = {}

    def begin(self) -> None:
        """There is nothing to connect."""

    def ring(self, kinds: Iterable[str]) -> None:
        """Wake whoever waits for one of these kinds."""
        for kind in kinds:
            self._event(kind).set()

    def ring_all(self) -> None:
        """Wake everybody."""
        for event in self._events.values():
            event.set()

    async def wait(self, kind: str, within_s: float) -> bool:
        """Wait for a ring of that kind; False when the time is over first."""
        event = self._event(kind)
        try:
            async with asyncio.timeout(within_s):
                await event.wait()
        except TimeoutError:
            return False
        event.clear()
        return True

    async def close(self) -> None:
        """Nothing is on its way here."""

    def _event(self, kind: str) -> asyncio.Event:
        return self._events.setdefault(kind, asyncio.Event())
