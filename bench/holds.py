"""How long a process of ours keeps itself waiting: its event loop, and what writes on SQLite.

Measured from inside by standing in for two methods while the block runs: of the event loop the one
that runs a callback, of the store the one that lends the connection that writes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from app.wiring import House

WORTH_KEEPING_MS = 1.0


@dataclass(slots=True)
class Holds:
    """Milliseconds: of each callback that took long, of each time the writer was lent."""

    loop_ms: list[float] = field(default_factory=list)
    writer_ms: list[float] = field(default_factory=list)


@contextmanager
def held(house: House) -> Iterator[Holds]:
    """Note every hold of this process until the block is left."""
    found = Holds()
    kind = type(house.store)
    run, lend = asyncio.Handle._run, kind._lend_writer  # noqa: SLF001 - nobody else can tell

    def timed_run(handle: asyncio.Handle) -> None:
        begun = time.perf_counter()
        run(handle)
        took_ms = (time.perf_counter() - begun) * 1_000
        if took_ms >= WORTH_KEEPING_MS:
            found.loop_ms.append(took_ms)

    @asynccontextmanager
    async def timed_lend(store: Any) -> AsyncIterator[Any]:
        async with lend(store) as lease:
            begun = time.perf_counter()
            try:
                yield lease
            finally:
                found.writer_ms.append((time.perf_counter() - begun) * 1_000)

    _put(asyncio.Handle, "_run", timed_run)
    _put(kind, "_lend_writer", timed_lend)
    try:
        yield found
    finally:
        _put(asyncio.Handle, "_run", run)
        _put(kind, "_lend_writer", lend)


def _put(owner: type[Any], name: str, method: Any) -> None:
    setattr(owner, name, method)
