"""Fifty thousand households at once are no more than one statement can name."""

from datetime import UTC, datetime

from sqlalchemy import func, select

from gateway.provisioning import findings, reconcile, refs
from gateway.provisioning.findings import Finding, Kind
from gateway.provisioning.tables import drift
from runtime.chance import SeededChance
from runtime.clock import Clock
from runtime.store import Store
from runtime.work import Work
from terms.ids import ServiceId, SubjectId, TargetName

MANY = 50_000
TARGET = TargetName("portal")
AT = datetime(2026, 3, 1, tzinfo=UTC)


async def test_a_large_base_is_bound_and_looked_at(store: Store, machine):
    """More keys than a statement has places for are bound, marked, found and left."""
    work = Work(store, Clock(machine), SeededChance(1))
    keys = {ServiceId(f"S{n:05}"): f"{100_000 + n}" for n in range(MANY)}
    async with store.begin() as tx:
        await refs.bind(tx, keys)
        await refs.bind(tx, keys)
        assert await reconcile.mark(tx, work, services=list(keys)) == 0  # nobody has a wish
        assert await findings.quiet(tx, TARGET, list(keys), since=AT) == set(keys)
    found = [
        Finding(kind=Kind.ORPHAN, ref=ref, subject=SubjectId(service), fields={})
        for service, ref in keys.items()
    ]
    async with store.begin() as tx:
        for _ in range(2):
            await findings.record(tx, work, TARGET, found, scan_at=AT)
        await findings.leave(tx, TARGET, list(keys.values()), scan_at=AT)
        assert await tx.scalar(select(func.count()).select_from(drift)) == MANY
