"""Opened targets: one adapter and one door each, kept until the operator changes the row.

A door of its own for every target, so that a dead one never uses up another's connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.adapters.registry import open_adapter
from gateway.adapters.sdk import Adapter, Http
from gateway.provisioning.targets import Target, find, load, opened_options
from runtime.retry import pause
from runtime.secrets import Sealer
from runtime.store import Store, Tx
from terms.ids import TargetName

# Longer than any call may take, so that a door is closed after the last answer came through it.
DOOR_LINGERS_S = 15.0


class Door(Http, Protocol):
    """A client door that can be closed."""

    async def aclose(self) -> None:
        """Close every connection."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A target and its adapter."""

    target: Target
    adapter: Adapter[Any]


class Targets:
    """Opens adapters on demand and gives the same one again while the row's version stands."""

    def __init__(self, store: Store, sealer: Sealer, open_door: Callable[[], Door]) -> None:
        self.store = store
        self.sealer = sealer
        self._open_door = open_door
        self._adapters: dict[TargetName, tuple[int, Adapter[Any], Door]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def load(self) -> dict[TargetName, Target]:
        """All targets as their rows stand now."""
        async with self.store.read() as tx:
            return await load(tx)

    async def open(self, name: str) -> Opened:
        """Open a target. Raises NotFound, Invalid for wrong options, SealBroken for a lost key."""
        async with self.store.read() as tx:
            target = await find(tx, name)
            return Opened(target=target, adapter=await self._adapter(tx, target))

    async def close(self) -> None:
        """Close every door."""
        for task in self._closing:
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        held, self._adapters = self._adapters, {}
        for _, _, door in held.values():
            await door.aclose()

    async def _adapter(self, tx: Tx, target: Target) -> Adapter[Any]:
        held = self._adapters.get(target.name)
        if held is not None and held[0] == target.version:
            return held[1]
        options = await opened_options(tx, self.sealer, target.name)
        door = self._open_door()
        adapter = open_adapter(target.kind, name=target.name, options=options, http=door)
        if held is not None:
            task = asyncio.create_task(_close_later(held[2]))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        self._adapters[target.name] = (target.version, adapter, door)
        return adapter


async def _close_later(door: Door) -> None:
    try:
        await pause(DOOR_LINGERS_S)
    finally:
        await door.aclose()
