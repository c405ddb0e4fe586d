"""What scans found, as stored: one open line for each account, closed when it is repaired."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, exists, func, literal, or_, select, update

from gateway.provisioning.keys import RECONCILE, key_of
from gateway.provisioning.orders import fields_of, fields_text, storable
from gateway.provisioning.tables import drift, observed
from gateway.provisioning.tables import target as targets
from runtime.chance import new_id
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.work import Work
from runtime.work import work as work_table
from terms.ids import ServiceId, SubjectId, TargetName

REF_CHARS_MAX = 160


class Kind(StrEnum):
    """In what way an account is not as it should be."""

    DIFFERS = "differs"  # it holds something else
    MISSING = "missing"  # it is not there
    DUPLICATE = "duplicate"  # it is there more than once
    ORPHAN = "orphan"  # it is not ours: reported, never touched


REPAIRABLE = frozenset({Kind.DIFFERS, Kind.MISSING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One account that is not as it should be. `fields` is {field: (held, wished)}."""

    kind: Kind
    ref: str
    subject: SubjectId | None
    fields: Mapping[str, tuple[str, str]]


async def quiet(
    tx: Tx, target: TargetName, subjects: Sequence[str], *, since: datetime
) -> set[str]:
    """Keep the subjects that nobody works on, and that nobody has looked at since an instant."""
    if not subjects:
        return set()
    keys = {key_of(subject, target): subject for subject in subjects}
    queued = select(work_table.c.key).where(
        work_table.c.kind == RECONCILE, among(tx.engine, work_table.c.key)
    )
    fresh = select(observed.c.subject).where(
        observed.c.target == target,
        among(tx.engine, observed.c.subject),
        observed.c.seen_at >= since,
    )
    rows = await tx.rows(queued, {KEYS: packed(tx.engine, keys)})
    busy = {keys[row.key] for row in rows}
    rows = await tx.rows(fresh, {KEYS: packed(tx.engine, subjects)})
    busy |= {row.subject for row in rows}
    return set(subjects) - busy


async def record(
    tx: Tx, work: Work, target: TargetName, found: Sequence[Finding], *, scan_at: datetime
) -> None:
    """Write findings down; one that is open already keeps the time it was found first."""
    if not found:
        return
    # Two scans of one target write one after the other.
    await tx.execute(select(targets.c.name).where(targets.c.name == target).with_for_update())
    by_ref = {storable(one.ref)[:REF_CHARS_MAX]: one for one in found}
    open_now = (drift.c.target == target, drift.c.repaired_at.is_(None))
    these = among(tx.engine, drift.c.ref)
    query = select(drift.c.ref, drift.c.found_at).where(*open_now, these)
    known = await tx.rows(query, {KEYS: packed(tx.engine, by_ref)})
    since = {row.ref: row.found_at for row in known}
    if since:
        gone = delete(drift).where(*open_now, these)
        await tx.execute(gone, {KEYS: packed(tx.engine, since)})
    now = work.clock.machine_now()
    rows = [
        {
            "id": new_id(now, work.chance),
            "target": target,
            "ref": ref,
            "subject": one.subject,
            "kind": one.kind.value,
            "fields": fields_text(one.fields),
            "found_at": since.get(ref, now),
            "scan_at": scan_at,
            "repaired_at": None,
        }
        for ref, one in by_ref.items()
    ]
    await tx.insert(drift, rows)


async def mark(tx: Tx, work: Work, target: TargetName, found: Iterable[Finding]) -> int:
    """Have what can be repaired reconciled; returns how many."""
    subjects = {one.subject for one in found if one.kind in REPAIRABLE and one.subject}
    await work.mark(tx, RECONCILE, [key_of(one, target) for one in subjects], target=target)
    return len(subjects)


async def repair(
    tx: Tx, work: Work, *, target: TargetName | None = None, ids: Sequence[str] = ()
) -> int:
    """Have open findings reconciled, all or those named; parked rows stay parked."""
    key = drift.c.subject + literal("@") + drift.c.target
    parked = exists().where(
        work_table.c.kind == RECONCILE,
        work_table.c.key == key,
        work_table.c.parked_at.is_not(None),
    )
    query = select(drift.c.subject, drift.c.target).where(
        drift.c.repaired_at.is_(None),
        drift.c.kind.in_(REPAIRABLE),
        drift.c.subject.is_not(None),
        ~parked,
    )
    if target is not None:
        query = query.where(drift.c.target == target)
    if ids:
        query = query.where(drift.c.id.in_(list(ids)))
    by_target: dict[str, list[str]] = {}
    for row in await tx.rows(query):
        by_target.setdefault(row.target, []).append(key_of(row.subject, row.target))
    for name, keys in sorted(by_target.items()):
        await work.mark(tx, RECONCILE, keys, target=name)
    return sum(map(len, by_target.values()))


async def leave(tx: Tx, target: TargetName, refs: Sequence[str], *, scan_at: datetime) -> None:
    """Leave open what was found of those a scan learned nothing about."""
    open_there = (drift.c.target == target, drift.c.repaired_at.is_(None))
    if refs:
        named = among(tx.engine, drift.c.ref)
        left = update(drift).where(*open_there, named).values(scan_at=scan_at)
        await tx.execute(left, {KEYS: packed(tx.engine, refs)})


async def close_unseen(tx: Tx, target: TargetName, *, before: datetime, now: datetime) -> None:
    """Close what the scan that began at `before` no longer saw, unless it is being worked on."""
    key = func.coalesce(drift.c.subject, "") + literal(f"@{target}")
    queued = exists().where(work_table.c.kind == RECONCILE, work_table.c.key == key)
    await tx.execute(
        update(drift)
        .where(
            drift.c.target == target,
            drift.c.repaired_at.is_(None),
            drift.c.scan_at < before,
            or_(drift.c.subject.is_(None), ~queued),
        )
        .values(repaired_at=now)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A stored finding."""

    id: str
    target: TargetName
    ref: str
    service: ServiceId | None
    kind: Kind
    fields: Mapping[str, tuple[str, str]]
    found_at: datetime
    repaired_at: datetime | None


def from_row(row: Any) -> Found:
    """Read a row of `drift` with the service of its subject."""
    return Found(
        id=row.id,
        target=TargetName(row.target),
        ref=row.ref,
        service=ServiceId(row.service) if row.service else None,
        kind=Kind(row.kind),
        fields=fields_of(row.fields),
        found_at=row.found_at,
        repaired_at=row.repaired_at,
    )
