"""Which processes there are: each writes down every few seconds that it is still here.

One that ends takes its row away, one that is killed falls silent and is forgotten after a while.
It is for people to look at; nothing depends on it but how much a bill run takes at once.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Column, Integer, String, Table, delete, select

from runtime.chance import Chance
from runtime.clock import Clock
from runtime.retry import stopped_within
from runtime.store import Instant, Store, Tx, metadata
from runtime.store.shared_now import shared_now

LOOP = "presence"
EVERY_S = 3.0
SILENT_AFTER = timedelta(seconds=10)
FORGOTTEN_AFTER = timedelta(minutes=10)
PROCESSES_MAX = 500
HOST_CHARS_MAX = 100
ID_BITS = 62  # positive in a signed column

process = Table(
    "process",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("role", String(20), nullable=False),
    Column("host", String(HOST_CHARS_MAX), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", String(40), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process as it was seen last; one that `is_silent` is dead, or cannot reach the database."""

    role: str
    host: str
    pid: int
    version: str
    started_at: datetime
    seen_at: datetime
    is_silent: bool


class Presence:
    """One process that says that it is here."""

    def __init__(
        self, store: Store, clock: Clock, chance: Chance, *, role: str, version: str
    ) -> None:
        self.store = store
        self.clock = clock
        self._row = {
            "id": chance.bits(ID_BITS),
            "role": role,
            "host": socket.gethostname()[:HOST_CHARS_MAX],
            "pid": os.getpid(),
            "version": version,
        }
        self._started_at: datetime | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Say so again and again, until told to stop; then take the row away."""
        while not stop.is_set():
            await self.store.outages.outlive(LOOP, self.tell())
            await stopped_within(stop, EVERY_S)
        await self.store.outages.outlive(LOOP, self.leave())

    async def tell(self) -> None:
        """Say that this process is here, and forget who has been silent for long."""
        async with self.store.begin() as tx:
            now = await shared_now(tx, self.clock.machine_now())
            started_at = self._started_at or now
            row = {**self._row, "started_at": started_at, "seen_at": now}
            await tx.upsert(process, [row], key=("id",))
            await tx.execute(delete(process).where(process.c.seen_at < now - FORGOTTEN_AFTER))
        self._started_at = started_at

    async def leave(self) -> None:
        """Say that this process is going."""
        async with self.store.begin() as tx:
            await tx.execute(delete(process).where(process.c.id == self._row["id"]))


async def listing(tx: Tx, machine_now: datetime) -> Sequence[Process]:
    """List the processes there are and those that fell silent lately, by role and age."""
    now = await shared_now(tx, machine_now)
    c = process.c
    query = select(process).order_by(c.role, c.started_at, c.id).limit(PROCESSES_MAX)
    return [
        Process(
            role=row.role,
            host=row.host,
            pid=row.pid,
            version=row.version,
            started_at=row.started_at,
            seen_at=row.seen_at,
            is_silent=now - row.seen_at > SILENT_AFTER,
        )
        for row in await tx.rows(query)
    ]
