"""Looking wishes up for many that ask at once: one query answers all who came while another ran."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from gateway.provisioning import wishes
from gateway.provisioning.compose import Wish
from runtime.retry import pause
from runtime.store import Store
from terms.ids import TargetName

BATCH_MAX = 500
# One who asks alone is answered at once; in a crowd a query waits that long for company.
GAP_S = 0.01

_Asking: TypeAlias = dict[str, asyncio.Future[Wish | None]]


class Lookup:
    """The wishes of one target, by our key there. Nothing is remembered between two queries."""

    def __init__(self, store: Store, target: TargetName) -> None:
        self.store = store
        self.target = target
        self._asking: _Asking = {}
        self._answering: asyncio.Task[None] | None = None
        self._next_s = 0.0

    async def find(self, ref: str) -> Wish | None:
        """Find a wish as it stands now; None where there is none."""
        asked = self._asking.get(ref)
        if asked is None:
            asked = self._asking[ref] = asyncio.get_running_loop().create_future()
            if self._answering is None or self._answering.done():
                self._answering = asyncio.create_task(self._answer())
        return await asyncio.shield(asked)

    async def _answer(self) -> None:
        loop = asyncio.get_running_loop()
        while self._asking:
            await pause(max(self._next_s - loop.time(), 0.0))
            self._next_s = loop.time() + GAP_S
            # Whoever asks from now on must not be given what was read before he asked.
            asking = {ref: self._asking.pop(ref) for ref in list(self._asking)[:BATCH_MAX]}
            try:
                found = await self._read(asking)
            except Exception as error:  # noqa: BLE001 - each who asked learns of it
                _tell(asking, lambda future, _, error=error: future.set_exception(error))
            else:
                _tell(asking, lambda future, ref, found=found: future.set_result(found.get(ref)))

    async def _read(self, refs: Iterable[str]) -> Mapping[str, Wish]:
        async with self.store.read() as tx:
            return await wishes.of_refs(tx, self.target, refs)


def _tell(asking: _Asking, tell: Callable[..., None]) -> None:
    for ref, future in asking.items():
        if not future.done():
            tell(future, ref)
