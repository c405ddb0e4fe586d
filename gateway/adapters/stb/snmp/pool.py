"""The SNMP engines of a target, each replaced after so many boxes and drained.

An engine costs a tenth of a second and keeps what it learns of every box, so there is one for
many, and none for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.adapters.stb.snmp.engine import Engine, Heard, Variables
from gateway.adapters.stb.snmp.keys import Peer
from gateway.adapters.stb.snmp.options import SnmpOptions
from gateway.adapters.stb.snmp.wire import Oid


class Engines:
    """The engine that boxes are met by, and those that only end what was begun."""

    def __init__(self, options: SnmpOptions) -> None:
        self._options = options
        self._opening = asyncio.Lock()
        self._now: Engine | None = None
        self._draining: set[Engine] = set()
        self._closing: set[asyncio.Task[None]] = set()

    async def get(self, peer: Peer, oids: Sequence[Oid], *, within_s: float | None = None) -> Heard:
        """Ask a box for variables, within its deadline unless told. Raises Unreachable."""
        engine = await self._taken(peer)
        try:
            return await engine.get(peer, oids, within_s or self._options.deadline_s)
        finally:
            self._given_back(engine)

    async def set(self, peer: Peer, variables: Variables) -> Heard:
        """Write variables of a box. Raises Unreachable, which says nothing about the effect."""
        engine = await self._taken(peer)
        try:
            return await engine.set(peer, variables)
        finally:
            self._given_back(engine)

    async def drop(self) -> None:
        """Close every engine, whoever uses it."""
        engines = [one for one in (self._now, *self._draining) if one is not None]
        self._now = None
        self._draining.clear()
        await asyncio.gather(*(one.close() for one in engines), *self._closing)

    async def _taken(self, peer: Peer) -> Engine:
        async with self._opening:
            if self._now is not None and not self._now.has_room_for(peer):
                self._retire(self._now)
            if self._now is None:
                self._now = await Engine.open(self._options)
            self._now.calls += 1
            return self._now

    def _given_back(self, engine: Engine) -> None:
        engine.calls -= 1
        if engine in self._draining and not engine.calls:
            self._draining.discard(engine)
            self._close(engine)

    def _retire(self, engine: Engine) -> None:
        self._now = None
        if engine.calls:
            self._draining.add(engine)
        else:
            self._close(engine)

    def _close(self, engine: Engine) -> None:
        task = asyncio.create_task(engine.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
