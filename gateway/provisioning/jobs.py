"""A claimed row with all that its run needs, read in one query for a whole batch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, bindparam, exists, select

from gateway.provisioning.compose import Wish
from gateway.provisioning.keys import parts_of
from gateway.provisioning.routes import TOPIC
from gateway.provisioning.standing import LASTING, Verdict
from gateway.provisioning.tables import darkening, drift, observed, wish
from gateway.provisioning.wishes import from_row
from runtime import log
from runtime.store import Store
from runtime.store.among import KEYS, among, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from runtime.work import Claim
from terms.ids import ServiceId, SubjectId, TargetName


@dataclass(slots=True, kw_only=True)
class Job:
    """One claimed row. `renewed_at` is monotonic seconds: the lease counts from there."""

    claim: Claim
    wish: Wish
    seen_text: str | None
    proven: int
    has_drift: bool
    is_judged: bool
    renewed_at: float
    is_lit: bool = False
    is_lost: bool = False
    # The task of its run and since when, while there is one; the error it was cut off with.
    task: asyncio.Task[Any] | None = None
    begun_at: float = 0.0
    cut: Exception | None = None
    # What the guard said to this wish before its run began.
    foreseen: Verdict | None = None

    @property
    def goes_dark(self) -> bool:
        """Whether the account was on when last seen, and is wished off."""
        return self.is_lit and not self.wish.value.enabled


async def load(
    store: Store, target: TargetName, claims: Sequence[Claim], *, renewed_at: float
) -> tuple[list[Job], list[Claim]]:
    """Read the jobs of a batch, and sort out claims whose subject has no wish any more."""
    by_subject = {parts_of(claim.key)[0]: claim for claim in claims}
    async with store.read() as tx:
        keys = packed(tx.engine, by_subject)
        rows = await _JOBS.rows(tx, {"target": target, KEYS: keys})
    jobs = [_job(row, by_subject.pop(SubjectId(row.subject)), renewed_at) for row in rows]
    return jobs, list(by_subject.values())


async def newest_wish(store: Store, claim: Claim) -> tuple[Wish | None, int]:
    """Read the wish of a row as it stands now, and the newest revision issued of its service.

    What is issued is read after the wish, so that it is never older.
    """
    subject, target = parts_of(claim.key)
    query = select(wish).where(wish.c.subject == subject, wish.c.target == target)
    async with store.read() as tx:
        row = await tx.first(query)
        newest = from_row(row) if row is not None else None
        service = newest.service if newest else ServiceId(subject)
        snapshots = await log.newest(tx, TOPIC, [service])
    published = snapshots[service].revision if service in snapshots else 0
    # A wish whose snapshot is missing was issued all the same.
    return newest, max(published, newest.revision if newest else 0)


def _job(row: Any, claim: Claim, renewed_at: float) -> Job:
    return Job(
        claim=claim,
        wish=from_row(row),
        seen_text=row.seen_text,
        proven=row.proven or 0,
        has_drift=bool(row.has_drift),
        is_judged=row.verdict in LASTING,
        is_lit=bool(row.is_lit),
        renewed_at=renewed_at,
    )


def _jobs(engine: Engine) -> Select[Any]:
    w, o, d = wish.c, observed.c, darkening.c
    open_drift = exists().where(
        drift.c.target == w.target, drift.c.ref == w.ref, drift.c.repaired_at.is_(None)
    )
    return (
        select(
            w.subject,
            w.target,
            w.service,
            w.revision,
            w.state,
            w.value,
            w.cause,
            o.value.label("seen_text"),
            o.revision.label("proven"),
            o.enabled.label("is_lit"),
            d.verdict,
            open_drift.label("has_drift"),
        )
        .select_from(
            wish.outerjoin(observed, and_(o.subject == w.subject, o.target == w.target)).outerjoin(
                darkening, and_(d.subject == w.subject, d.target == w.target)
            )
        )
        .where(w.target == bindparam("target"), among(engine, w.subject))
    )


_JOBS = PreparedQuery(_jobs)
