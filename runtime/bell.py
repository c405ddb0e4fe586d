"""The bell says "there may be work of this kind". It carries no work and may be lost.

Whoever waits looks at the database afterwards, so a missed ring costs time and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol


class Bell(Protocol):
    """One door for every make of bell."""

    def ring(self, kinds: Iterable[str]) -> None:
        """Wake whoever waits for one of these kinds. Never blocks, never fails."""
        ...

    def ring_all(self) -> None:
        """Wake everybody."""
        ...

    async def wait(self, kind: str, within_s: float) -> bool:
        """Wait for a ring of that kind; False when the time is over first.

        A ring between two waits is not lost: the next wait returns at once.
        """
        ...


class LocalBell:
    """The bell of one process: an event per kind."""

    def __init__(self) -> None:
        self._events: dict[str, asyncio.Event] = {}

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

    def _event(self, kind: str) -> asyncio.Event:
        return self._events.setdefault(kind, asyncio.Event())
