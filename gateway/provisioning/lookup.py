"""Looking up for many that ask at once: one query answers all who came while another ran."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Generic, TypeAlias, TypeVar

from runtime.retry import pause

BATCH_MAX = 500
# One who asks alone is answered at once; in a crowd a query waits that long for company.
GAP_S = 0.01

V = TypeVar("V")
Read: TypeAlias = Callable[[Iterable[str]], Awaitable[Mapping[str, V]]]


class Lookup(Generic[V]):
    """What `read` finds by key. Nothing is remembered between two queries."""

    def __init__(self, read: Read[V]) -> None:
        self._read = read
        self._asking: dict[str, asyncio.Future[V | None]] = {}
        self._answering: asyncio.Task[None] | None = None
        self._next_s = 0.0

    async def find(self, key: str) -> V | None:
        """Find something as it stands now; None where there is nothing."""
        asked = self._asking.get(key)
        if asked is None:
            asked = self._asking[key] = asyncio.get_running_loop().create_future()
            if self._answering is None or self._answering.done():
                self._answering = asyncio.create_task(self._answer())
        return await asyncio.shield(asked)

    async def _answer(self) -> None:
        loop = asyncio.get_running_loop()
        while self._asking:
            await pause(max(self._next_s - loop.time(), 0.0))
            self._next_s = loop.time() + GAP_S
            # Whoever asks from now on must not be given what was read before he asked.
            asking = {key: self._asking.pop(key) for key in list(self._asking)[:BATCH_MAX]}
            try:
                found = await self._read(asking)
            except Exception as error:  # noqa: BLE001 - each who asked learns of it
                _tell(asking, lambda future, _, error=error: future.set_exception(error))
            else:
                _tell(asking, lambda future, key, found=found: future.set_result(found.get(key)))


def _tell(asking: Mapping[str, asyncio.Future[Any]], tell: Callable[..., None]) -> None:
    for key, future in asking.items():
        if not future.done():
            tell(future, key)
