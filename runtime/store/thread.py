"""A thread of its own for one SQLite connection: jobs are done there, one after the other.

A job may be several calls of the driver, so one trip there and back is enough for them all.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
Job = tuple[asyncio.Future[Any], Callable[[], Any]]


class OwnThread:
    """Does jobs for the event loop. A job nobody waits for any more is done all the same."""

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        # A program that ends without closing its store must not hang for it.
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    async def do(self, job: Callable[[], T]) -> T:
        """Have a job done and return its result, or raise its error."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put((future, job))
        return await future

    def end(self) -> None:
        """End the thread once all its jobs are done."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, function = job
            try:
                result = function()
            except BaseException as error:  # noqa: BLE001 - whoever waits gets it
                _tell(future, _fail, error)
            else:
                _tell(future, _succeed, result)
            del future, function, job  # nothing is kept alive while the thread waits


def _tell(
    future: asyncio.Future[Any], how: Callable[[asyncio.Future[Any], Any], None], what: Any
) -> None:
    loop = future.get_loop()
    if not loop.is_closed():
        loop.call_soon_threadsafe(how, future, what)


def _succeed(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
