"""Hears the commits of other processes on the same SQLite file: the command line beside a server.

PostgreSQL needs nothing of the kind: there every process has a bell that reaches the others, or
finds the work at its next sweep.
"""

from __future__ import annotations

from runtime.store.engine import Store

EVERY_S = 0.2


class ForeignCommits:
    """Tells whether somebody else has committed; on PostgreSQL it knows of none."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._version: object = None

    async def are_new(self) -> bool:
        """Whether somebody has since the last time it was asked; nobody has before the first."""
        if not self._store.is_sqlite:
            return False
        # Asked on the connection that writes, it changes with the commits of every other one.
        ((version,),) = await self._store.once("PRAGMA data_version", ())
        before, self._version = self._version, version
        return before is not None and before != version
