"""Marking, claiming and finishing dirty rows, in batches.

A claim is a lease plus a token. Only where generation and token are still those claimed does
finishing take the row away; what was marked meanwhile stays and is due at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select, update

from runtime.chance import Chance
from runtime.clock import Clock
from runtime.redaction import scrub
from runtime.store.engine import Store
from runtime.store.lease import Values
from runtime.store.schema import from_micros, to_micros
from runtime.store.unit import Step, Tx
from runtime.work.sql import POSTGRES, SQLITE, batch
from runtime.work.table import work

CLAIM_ROWS_MAX = 100
ERROR_CHARS_MAX = 2_000
TOKEN_BITS = 62  # positive in a signed column
LEASE = timedelta(seconds=10)


class Cause(StrEnum):
    """Why a row is due: somebody marked it, or nothing but its time has come."""

    MARK = "mark"
    TIME = "time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One row of ours until the lease ends. `attempts` counts this one.

    `marked_us` is when somebody first wished for the look, in microseconds since 1970.
    """

    kind: str
    key: str
    generation: int
    token: int
    attempts: int
    marked_us: int

    @property
    def marked_at(self) -> datetime:
        """The machine's time of the first mark."""
        return from_micros(self.marked_us)


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
        self, store: Store, clock: Clock, chance: Chance, *, lease: timedelta = LEASE
    ) -> None:
        self.store = store
        self.clock = clock
        self.chance = chance
        self.lease = lease
        self.sql = SQLITE if store.is_sqlite else POSTGRES
        self._lease = lease // timedelta(microseconds=1)

    async def mark(self, tx: Tx, kind: str, keys: Iterable[str], *, target: str = "") -> None:
        """Say "look at these keys, now". Ends back-off and parking; a running look goes on."""
        rows = sorted(set(keys))
        if rows:
            tx.put_off(_step(self.sql.mark, (kind, target, self._now(), batch(rows))))
            tx.ring((kind,))

    async def schedule(
        self, tx: Tx, kind: str, due: Mapping[str, datetime], *, target: str = ""
    ) -> None:
        """Say "look at these keys at these business instants", or earlier if marked earlier."""
        rows = [{"key": key, "due_at": to_micros(due[key])} for key in sorted(due)]
        if rows:
            tx.put_off(_step(self.sql.schedule, (kind, target, self._now(), batch(rows))))
            tx.ring((kind,))

    async def claim(
        self,
        kind: str,
        *,
        target: str = "",
        cause: Cause | None = None,
        rows_max: int = CLAIM_ROWS_MAX,
    ) -> list[Claim]:
        """Take up to `rows_max` due rows in a transaction of its own, of one cause or of both.

        First those that were marked, because something happened, then those whose time has come;
        among each the longest due first. What is scheduled goes along wherever fewer marked rows
        wait, and a key has one row however often it is marked: it waits only while marks come
        faster than they are dealt with.
        """
        token = self.chance.bits(TOKEN_BITS) or 1
        now = self._now()
        lease = self._lease_value(now)
        marked_max, timed_max = (
            0 if cause is Cause.TIME else rows_max,
            0 if cause is Cause.MARK else rows_max,
        )
        given = (lease, kind, now, target, token, marked_max, timed_max)
        return _claims(kind, token, await self.store.once(self.sql.claim, given))

    async def take(self, kind: str, keys: Iterable[str]) -> list[Claim]:
        """Claim these very rows, due or not, in a transaction of its own.

        Leaves out what is not there, what somebody holds, and what is parked.
        """
        token = self.chance.bits(TOKEN_BITS) or 1
        now = self._now()
        wanted = batch([{"kind": kind, "key": key} for key in sorted(set(keys))])
        given = (self._lease_value(now), now, token, wanted)
        return _claims(kind, token, await self.store.once(self.sql.take, given))

    async def renew(self, claims: Sequence[Claim]) -> Mapping[str, int]:
        """Extend the leases that are still ours, and tell their generations: the heartbeat."""
        if not claims:
            return {}
        lease = self._lease_value(self._now())
        rows = await self.store.once(self.sql.renew, (lease, batch(_in_order(claims))))
        return {row[0]: row[1] for row in rows}

    async def anew(self, claims: Sequence[Claim]) -> list[Claim]:
        """Begin to look at rows again, with all marks up to now; those still ours are left."""
        ours = await self.renew(claims)
        return [replace(claim, generation=ours[claim.key]) for claim in claims if claim.key in ours]

    async def insist(self, tx: Tx, claims: Sequence[Claim]) -> None:
        """Have a transaction fail where a row is not ours any more or was marked meanwhile.

        For whoever has read elsewhere: whoever changes a fact marks its row with it, so that what
        was read since the claim is still so. Raises Moved.
        """
        if claims:
            await tx.expect(self.sql.insist, (batch(_in_order(claims)),), len(claims))

    async def complete(self, tx: Tx, claims: Sequence[Claim]) -> None:
        """Take the rows away; those marked meanwhile stay, free and due at once."""
        if not claims:
            return
        given, expected = (batch(_in_order(claims)),), len(claims)

        async def step(tx: Tx) -> None:
            if tx.is_later:
                await tx.put(self.sql.complete, given)
                await tx.put(self.sql.keep, given)
            elif await tx.driver(self.sql.complete, given) < expected:
                await tx.driver(self.sql.keep, given)
                tx.ring({claim.kind for claim in claims})

        tx.put_off(step)

    async def complete_until(self, tx: Tx, looks: Sequence[tuple[Claim, datetime]]) -> None:
        """Keep the rows for a later business instant each; those marked meanwhile are due at once.

        What was scheduled meanwhile counts where it is earlier.
        """
        if looks:
            rows = [_record(claim, due_at=to_micros(at)) for claim, at in looks]
            tx.put_off(_step(self.sql.again, (self._now(), batch(sorted(rows, key=_place)))))
            tx.ring({claim.kind for claim, _ in looks})

    async def give_back(self, tx: Tx, claims: Sequence[Claim]) -> None:
        """Free rows that were claimed but not looked at; the attempt does not count."""
        if claims:
            tx.put_off(_step(self.sql.give_back, (batch(_in_order(claims)),)))
            tx.ring({claim.kind for claim in claims})

    async def fail(self, tx: Tx, failures: Sequence[Failure]) -> None:
        """Put rows back until later; one that was marked meanwhile is due at once all the same."""
        rows = [
            _record(
                each.claim,
                not_before=to_micros(each.not_before),
                error=_storable(each.error),
                uncount=0 if each.counts else 1,
            )
            for each in failures
        ]
        if rows:
            tx.put_off(_step(self.sql.fail, (batch(sorted(rows, key=_place)),)))

    async def park(self, tx: Tx, parkings: Sequence[Parking]) -> None:
        """Set rows aside with their reason; one that was marked meanwhile is due at once."""
        rows = [_record(each.claim, error=_storable(each.error)) for each in parkings]
        if rows:
            tx.put_off(_step(self.sql.park, (self._now(), batch(sorted(rows, key=_place)))))

    async def release(self, tx: Tx, kind: str, keys: Sequence[str]) -> int:
        """Let parked rows be tried again; returns how many were parked."""
        parked = (work.c.kind == kind, work.c.key.in_(list(keys)), work.c.parked_at.is_not(None))
        # A person waits for it, so it counts as marked.
        fresh = {
            "is_scheduled": 0,
            "not_before": self._now(),
            "attempts": 0,
            "parked_at": None,
            "error": None,
        }
        tx.ring((kind,))
        return (await tx.execute(update(work).where(*parked).values(fresh))).rowcount

    async def next_due(self, tx: Tx, kind: str) -> datetime | None:
        """Return the earliest business instant at which a row of this kind wants a look."""
        wanted = (work.c.kind == kind, work.c.parked_at.is_(None))
        micros = await tx.scalar(select(func.min(work.c.due_at)).where(*wanted))
        return None if micros is None else from_micros(micros)

    def _now(self) -> int:
        return to_micros(self.clock.machine_now())

    def _lease_value(self, now: int) -> int:
        """Return what `claim` and `renew` take: the lease's end on SQLite, else its length."""
        return now + self._lease if self.store.is_sqlite else self._lease


def _claims(kind: str, token: int, rows: Iterable[Any]) -> list[Claim]:
    return [
        Claim(
            kind=kind,
            key=key,
            generation=generation,
            token=token,
            attempts=attempts,
            marked_us=marked_us,
        )
        for key, generation, attempts, marked_us in rows
    ]


def _step(sql: str, values: Values) -> Step:
    async def step(tx: Tx) -> None:
        await tx.put(sql, values)

    return step


def _record(claim: Claim, **more: object) -> dict[str, Any]:
    return {
        "kind": claim.kind,
        "key": claim.key,
        "generation": claim.generation,
        "token": claim.token,
        **more,
    }


def _place(record: dict[str, Any]) -> tuple[str, str]:
    return record["kind"], record["key"]


def _in_order(claims: Sequence[Claim]) -> list[dict[str, Any]]:
    return sorted(map(_record, claims), key=_place)


def _storable(error: str) -> str:
    """Hide secrets, cut to the limit, take out what one engine or the other refuses to store."""
    cut = scrub(error)[:ERROR_CHARS_MAX].replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return cut.encode("utf-8", "replace").decode("utf-8")
