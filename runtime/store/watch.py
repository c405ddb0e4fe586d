"""Hears the commits of other processes on the same SQLite file: the command line beside a server.

PostgreSQL needs nothing of the kind: there every process has a bell that reaches the others, or
finds the work at its next sweep.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

from runtime.retry import pause
from runtime.store.engine import Store

EVERY = timedelta(milliseconds=200)


async def foreign_commits(store: Store, *, every: timedelta = EVERY) -> AsyncIterator[None]:
    """Yield whenever somebody else has committed since the last look; never on PostgreSQL."""
    if not store.is_sqlite:
        return
    seen = await _version(store)
    while True:
        await pause(every.total_seconds())
        now = await _version(store)
        if now != seen:
            seen = now
            yield


async def _version(store: Store) -> object:
    # Asked on the connection that writes, it changes with the commits of every other one.
    return (await store.once("PRAGMA data_version", ()))[0][0]
