"""Messages of payment providers on their way in: those that come at once are stored together."""

from __future__ import annotations

import asyncio

from app.wiring import House
from billing.flows.receive import Message, receive
from runtime.retry import serialisable

TOGETHER_MAX = 100


class Inbox:
    """Stores messages: what comes while a transaction is written goes into the next, all of it."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._waiting: list[tuple[Message, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def take(self, message: Message) -> None:
        """Return when it is stored for good. Raises what writing raised."""
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append((message, stored))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        await stored

    async def _write(self) -> None:
        while self._waiting:
            some = self._waiting[:TOGETHER_MAX]
            del self._waiting[:TOGETHER_MAX]
            messages = [message for message, _ in some]

            async def store(messages: list[Message] = messages) -> None:
                async with self._house.store.begin() as tx:
                    await receive(self._house.desk, tx, messages)

            error: Exception | None = None
            try:
                await serialisable(store)
            except Exception as raised:  # noqa: BLE001 - whoever waits is told
                error = raised
            for _, stored in some:
                if not stored.done():
                    stored.set_exception(error) if error else stored.set_result(None)
        self._writing = None
