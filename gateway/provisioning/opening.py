"""Opened targets: one adapter and one door each, kept until the operator changes the row.

A door of its own for every target, so that a dead one never uses up another's connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.adapters.registry import open_adapter
from gateway.adapters.sdk import Adapter, Boxes, Http, Linked
from gateway.provisioning.fence import FencedDoor
from gateway.provisioning.targets import Target, find, load, opened_options
from gateway.provisioning.turns import Turns
from runtime.options import Origin
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What is open for one target, and for which version of its row."""

    version: int
    adapter: Adapter[Any]
    door: Door

    async def close(self) -> None:
        """Close the door and whatever the adapter keeps open."""
        if isinstance(self.adapter, Linked):
            await self.adapter.drop()
        await self.door.aclose()


class Targets:
    """Opens adapters on demand and gives the same one again while the row's version stands."""

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        open_door: Callable[[], Door],
        boxes_at: Callable[[TargetName], Boxes] | None = None,
    ) -> None:
        self.store = store
        self.sealer = sealer
        self._open_door = open_door
        self._boxes_at = boxes_at
        self._adapters: dict[TargetName, _Held] = {}
        self._left: dict[asyncio.Task[None], _Held] = {}
        self._is_closed = False

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
        """Close every door for good; whoever opens a target from now on gets one that is shut."""
        self._is_closed = True
        async with AsyncExitStack() as stack:
            for held in self._adapters.values():
                stack.push_async_callback(held.close)
            for task, held in self._left.items():
                task.cancel()
                stack.push_async_callback(held.close)
            await asyncio.gather(*self._left, return_exceptions=True)

    async def _adapter(self, tx: Tx, target: Target) -> Adapter[Any]:
        held = self._adapters.get(target.name)
        if held is None or held.version < target.version:
            options = await opened_options(tx, self.sealer, target.name)
            # Meanwhile another may have opened the same target: one door each, or one is lost.
            held = self._adapters.get(target.name)
            if held is None or held.version < target.version:
                held = await self._replace(held, target, options)
        return held.adapter

    async def _replace(
        self, held: _Held | None, target: Target, options: Mapping[str, Any]
    ) -> _Held:
        door = self._open_door()
        rate = target.calls_per_s
        turns = Turns(self.store, target.name, rate) if rate is not None else None
        fenced = FencedDoor(door, turns)
        adapter = open_adapter(
            target.kind,
            name=target.name,
            options=options,
            http=fenced,
            boxes=self._boxes_at(target.name) if self._boxes_at else None,
            origin=Origin.KEPT,
        )
        fresh = _Held(version=target.version, adapter=adapter, door=door)
        if self._is_closed:
            await fresh.close()
            return fresh
        if held is not None:
            task = asyncio.create_task(_close_later(held))
            self._left[task] = held
            task.add_done_callback(self._left.pop)
        self._adapters[target.name] = fresh
        return fresh


async def _close_later(held: _Held) -> None:
    await pause(DOOR_LINGERS_S)
    await held.close()
