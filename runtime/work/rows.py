"""Marking, claiming and finishing dirty rows, in batches.

A claim is a lease plus a token. Only where generation and token are still those claimed does
finishing take the row away; what was marked meanwhile stays and is due at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update

from runtime.chance import Chance
from runtime.clock import Clock
from runtime.store.engine import Store
from runtime.store.schema import from_micros, to_micros
from runtime.store.unit import Tx
from runtime.work.sql import POSTGRES, SQLITE
from runtime.work.table import work

CLAIM_ROWS_MAX = 100
ERROR_CHARS_MAX = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One row of ours until the lease ends. `attempts` counts this one."""

    kind: str
    key: str
    generation: int
    token: int
    attempts: int
    marked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Try again, not before a machine instant. Counted or not says the class of the error."""

    claim: Claim
    error: str
    not_before: datetime
    counts: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Parking:
    """Never again by itself: a newer mark or a person releases it."""

    claim: Claim
    error: str


class Work:
    """The dirty rows of one store. Methods with a `tx` belong to the caller's transaction."""

    def __init__(
        self, store: Store, clock: Clock, chance: Chance, *, lease: timedelta = timedelta(seconds=10)
    ) -> None:
        self.store = store
        self.clock = clock
        self.chance = chance
        self.lease = lease

    async def mark(self, tx: Tx, kind: str, keys: Iterable[str], *, target: str = "") -> None:
        """Say "look at these keys, now". Ends back-off and parking; leaves a running lease alone."""
        unique = sorted(set(keys))
        if not unique:
            return
        now = self._now()
        if tx.engine == "sqlite":
            await tx.driver(SQLITE.mark, [(kind, key, target, now, now, now) for key in unique])
        else:
            await tx.driver(POSTGRES.mark, (kind, unique, target, now))
        tx.ring((kind,))

    async def schedule(
        self, tx: Tx, kind: str, due: Mapping[str, datetime], *, target: str = ""
    ) -> None:
        """Say "look at these keys at these business instants", or earlier if marked earlier."""
        if not due:
            return
        now = self._now()
        pairs = sorted((key, to_micros(at)) for key, at in due.items())
        if tx.engine == "sqlite":
            rows = [(kind, key, target, at, now, now) for key, at in pairs]
            await tx.driver(SQLITE.schedule, rows)
        else:
            keys, ats = [key for key, _ in pairs], [at for _, at in pairs]
            await tx.driver(POSTGRES.schedule, (kind, keys, target, ats, now))
        tx.ring((kind,))

    async def claim(
        self, kind: str, *, target: str = "", rows_max: int = CLAIM_ROWS_MAX
    ) -> list[Claim]:
        """Take up to `rows_max` due rows, the longest due first, in a transaction of its own."""
        token = self.chance.bits(62)
        now, lease = self._now(), self.lease // timedelta(microseconds=1)
        async with self.store.begin() as tx:
            if tx.engine == "sqlite":
                given: tuple[Any, ...] = (now + lease, token, kind, target, now, now, now, rows_max)
                rows = await tx.fetch(SQLITE.claim, given)
            else:
                given = (lease, token, kind, target, now, rows_max)
                rows = await tx.fetch(POSTGRES.claim, given)
        return [
            Claim(
                kind=kind,
                key=row[0],
                generation=row[1],
                token=token,
                attempts=row[2],
                marked_at=from_micros(row[3]),
            )
            for row in rows
        ]

    async def renew(self, claims: Sequence[Claim]) -> None:
        """The heartbeat: extend the leases that are still ours."""
        if not claims:
            return
        lease = self.lease // timedelta(microseconds=1)
        async with self.store.begin() as tx:
            if tx.engine == "sqlite":
                until = self._now() + lease
                rows = [(until, claim.kind, claim.key, claim.token) for claim in claims]
                await tx.driver(SQLITE.renew, rows)
                return
            for (kind, token), group in _grouped(claims).items():
                keys = [claim.key for claim in group]
                await tx.driver(POSTGRES.renew, (lease, kind, keys, token))

    async def complete(self, tx: Tx, claims: Sequence[Claim]) -> None:
        """Take the rows away; those marked meanwhile stay, free and due at once."""
        if not claims:
            return
        if tx.engine == "sqlite":
            rows = [(c.kind, c.key, c.generation, c.token) for c in claims]
            done = await tx.driver(SQLITE.complete, rows)
        else:
            done = 0
            for (kind, token), group in _grouped(claims).items():
                keys, generations = _columns(group)
                done += await tx.driver(POSTGRES.complete, (kind, keys, generations, token))
        if done < len(claims):
            await self._free(tx, claims, attempts=CLAIM_ROWS_MAX)

    async def complete_until(self, tx: Tx, looks: Sequence[tuple[Claim, datetime]]) -> None:
        """Keep the rows for a later business instant each; those marked meanwhile are due at once."""
        if not looks:
            return
        now = self._now()
        if tx.engine == "sqlite":
            rows = [
                (to_micros(at), now, c.kind, c.key, c.generation, c.token) for c, at in looks
            ]
            done = await tx.driver(SQLITE.again, rows)
        else:
            done = 0
            when = {claim.key: to_micros(at) for claim, at in looks}
            for (kind, token), group in _grouped([claim for claim, _ in looks]).items():
                keys, generations = _columns(group)
                ats = [when[key] for key in keys]
                given = (kind, keys, generations, ats, now, token)
                done += await tx.driver(POSTGRES.again, given)
        if done < len(looks):
            await self._free(tx, [claim for claim, _ in looks], attempts=CLAIM_ROWS_MAX)

    async def give_back(self, tx: Tx, claims: Sequence[Claim]) -> None:
        """Free rows that were claimed but not looked at; the attempt does not count."""
        await self._free(tx, claims, attempts=1)

    async def fail(self, tx: Tx, failures: Sequence[Failure]) -> None:
        """Put rows back until later; one that was marked meanwhile is due at once all the same."""
        for f in failures:
            c, uncount = f.claim, 0 if f.counts else 1
            later, error = to_micros(f.not_before), f.error[:ERROR_CHARS_MAX]
            if tx.engine == "sqlite":
                given: tuple[Any, ...] = (c.generation, later, error, uncount)
                await tx.driver(SQLITE.fail, (*given, c.kind, c.key, c.token))
            else:
                given = (c.kind, c.key, c.generation, c.token, later, error, uncount)
                await tx.driver(POSTGRES.fail, given)

    async def park(self, tx: Tx, parkings: Sequence[Parking]) -> None:
        """Set rows aside with their reason; one that was marked meanwhile is due at once instead."""
        now = self._now()
        for p in parkings:
            c, error = p.claim, p.error[:ERROR_CHARS_MAX]
            if tx.engine == "sqlite":
                given: tuple[Any, ...] = (c.generation, now, error, c.kind, c.key, c.token)
                await tx.driver(SQLITE.park, given)
            else:
                given = (c.kind, c.key, c.generation, c.token, now, error)
                await tx.driver(POSTGRES.park, given)

    async def release(self, tx: Tx, kind: str, keys: Sequence[str]) -> int:
        """Let parked rows be tried again; returns how many were parked."""
        result = await tx.execute(
            update(work)
            .where(work.c.kind == kind, work.c.key.in_(list(keys)), work.c.parked_at.is_not(None))
            .values(
                parked_at=None,
                error=None,
                attempts=0,
                not_before=self._now(),
                generation=work.c.generation + 1,
            )
        )
        tx.ring((kind,))
        return result.rowcount

    async def next_due(self, tx: Tx, kind: str) -> datetime | None:
        """The earliest business instant at which a row of this kind wants a look."""
        micros = await tx.scalar(
            select(func.min(work.c.due_at)).where(work.c.kind == kind, work.c.parked_at.is_(None))
        )
        return None if micros is None else from_micros(micros)

    async def _free(self, tx: Tx, claims: Sequence[Claim], *, attempts: int) -> None:
        if tx.engine == "sqlite":
            rows = [(attempts, c.kind, c.key, c.token) for c in claims]
            await tx.driver(SQLITE.free, rows)
        else:
            for (kind, token), group in _grouped(claims).items():
                keys = [claim.key for claim in group]
                await tx.driver(POSTGRES.free, (kind, keys, token, attempts))
        tx.ring({claim.kind for claim in claims})

    def _now(self) -> int:
        return to_micros(self.clock.machine_now())


def _grouped(claims: Sequence[Claim]) -> dict[tuple[str, int], list[Claim]]:
    groups: dict[tuple[str, int], list[Claim]] = {}
    for claim in claims:
        groups.setdefault((claim.kind, claim.token), []).append(claim)
    return groups


def _columns(claims: Sequence[Claim]) -> tuple[list[str], list[int]]:
    return [claim.key for claim in claims], [claim.generation for claim in claims]
