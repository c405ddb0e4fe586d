"""How long a process of ours keeps others waiting: its event loop, and the write lock of SQLite.

Measured from inside by standing in for methods while the block runs: of the event loop the one that
runs a callback, of the connection that writes the one that has its thread do a job. The lock is
held from the job that begins a transaction to the end of the one that ends it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from app.wiring import House

WORTH_KEEPING_MS = 1.0
WRITES = "BEGIN IMMEDIATE"


@dataclass(slots=True)
class Holds:
    """Milliseconds: of each callback that took long, of each time the lock was held."""

    loop_ms: list[float] = field(default_factory=list)
    writer_ms: list[float] = field(default_factory=list)


@contextmanager
def held(house: House) -> Iterator[Holds]:
    """Note every hold of this process until the block is left; it has written before."""
    found = Holds()
    run = asyncio.Handle._run  # noqa: SLF001 - nobody else can tell
    (lease,) = house.store._writers._idle  # noqa: SLF001 - its thread is nobody else's business
    kind: Any = type(lease)
    do = kind._do  # noqa: SLF001

    def timed_run(handle: asyncio.Handle) -> None:
        begun = time.perf_counter()
        run(handle)
        took_ms = (time.perf_counter() - begun) * 1_000
        if took_ms >= WORTH_KEEPING_MS:
            found.loop_ms.append(took_ms)

    begun_s = 0.0

    async def timed_do(self: Any, sql: str, job: Callable[[], Any]) -> Any:
        if self._opening != WRITES:
            return await do(self, sql, job)
        self._unsent.insert(0, ("", begin))
        return await do(self, sql, lambda: end(self, job()))

    def begin() -> None:
        nonlocal begun_s
        begun_s = begun_s or time.perf_counter()

    def end(lease: Any, result: Any) -> Any:
        nonlocal begun_s
        if not lease.raw.in_transaction and begun_s:
            found.writer_ms.append((time.perf_counter() - begun_s) * 1_000)
            begun_s = 0.0
        return result

    _put(asyncio.Handle, "_run", timed_run)
    _put(kind, "_do", timed_do)
    try:
        yield found
    finally:
        _put(asyncio.Handle, "_run", run)
        _put(kind, "_do", do)


def _put(owner: type[Any], name: str, method: Any) -> None:
    setattr(owner, name, method)
