"""How much of a target's limit each worker may use: together never more than the target stands.

Every worker says what it wants, and takes its fair part of what the others have given up; so a
newcomer waits a moment until those before it have less under way. What a dead worker held is free
when its lease is over. An embedded database has one worker, who may have it all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, text

from gateway.provisioning.tables import target_share as table
from runtime.chance import Chance
from runtime.store import Store, Tx
from terms.ids import TargetName

WORKER_BITS = 62  # positive in a signed column
# One worker at a time reckons: any two numbers that nobody else takes.
_LOCK = text("SELECT pg_advisory_xact_lock(8080, 548)")
_NOW = text("SELECT (EXTRACT(EPOCH FROM statement_timestamp()) * 1000000)::bigint")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a worker asks of one target: so many rows at once; `running` are under way now."""

    target: TargetName
    cap: int
    wanted: int
    running: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What another worker wants of a target, and what it may have under way."""

    wanted: int
    held: int


def fair(cap: int, wanted: Mapping[int, int]) -> dict[int, int]:
    """Split a limit: nobody gets more than wanted, and the least served as much as can be."""
    parts: dict[int, int] = {}
    left = cap
    for place, worker in enumerate(sorted(wanted, key=lambda one: (wanted[one], one))):
        parts[worker] = min(wanted[worker], left // (len(wanted) - place))
        left -= parts[worker]
    return parts


def allowed(asked: Asked, me: int, others: Mapping[int, Part]) -> int:
    """Tell how many rows at once are mine: my fair part, as far as others have given it up."""
    wanted = {worker: part.wanted for worker, part in others.items()} | {me: asked.wanted}
    free = asked.cap - sum(part.held for part in others.values())
    return max(0, min(fair(asked.cap, wanted)[me], free))


class Shares:
    """One worker's shares of all targets."""

    def __init__(self, store: Store, chance: Chance, *, lease: timedelta) -> None:
        self.store = store
        self.worker = chance.bits(WORKER_BITS) or 1
        self._lease_us = lease // timedelta(microseconds=1)

    async def settle(self, asking: Sequence[Asked]) -> dict[TargetName, int]:
        """Say what is wanted and return how many rows at once are ours, by target."""
        if self.store.is_sqlite:
            return {one.target: min(one.wanted, one.cap) for one in asking}
        async with self.store.begin() as tx:
            await tx.execute(_LOCK)
            now_us = await tx.scalar(_NOW)
            await tx.execute(table.delete().where(table.c.lease_until <= now_us))
            others = await self._others(tx)
            ours = {
                one.target: allowed(one, self.worker, others.get(one.target, {})) for one in asking
            }
            rows = [
                {
                    "target": one.target,
                    "worker": self.worker,
                    "wanted": one.wanted,
                    # What is under way stays ours until it has come to its end.
                    "held": max(ours[one.target], one.running),
                    "lease_until": now_us + self._lease_us,
                }
                for one in asking
            ]
            await tx.upsert(table, rows, key=("target", "worker"))
        return ours

    async def leave(self) -> None:
        """Give everything up."""
        if not self.store.is_sqlite:
            async with self.store.begin() as tx:
                await tx.execute(table.delete().where(table.c.worker == self.worker))

    async def _others(self, tx: Tx) -> dict[str, dict[int, Part]]:
        found: dict[str, dict[int, Part]] = {}
        for row in await tx.rows(select(table).where(table.c.worker != self.worker)):
            found.setdefault(row.target, {})[row.worker] = Part(wanted=row.wanted, held=row.held)
        return found
