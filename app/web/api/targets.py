"""/targets and /drift: how the targets are, what they hold differently, what waits for a word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.desk import targets
from app.desk.names import Names, names
from app.web.api.shapes import PAGE_MAX, Code, Flag, Page, Paging, page
from app.web.api.ways import ask, change, look
from app.web.route import Call
from gateway.adapters.sdk import Health
from gateway.provisioning.findings import Found
from gateway.reads import drift as drift_reads
from gateway.reads import targets as target_reads
from gateway.reads.targets import TargetHealth
from runtime.store import Tx
from terms.ids import TargetName


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The guard: `would` of `base` ask to go dark, `limit` may within an hour."""

    base: int
    limit: int
    would: int
    stopped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetView:
    """A target and how it is."""

    name: str
    kind: str
    condition: str
    since: datetime | None
    reason: str
    drift_policy: str
    guard: Standing

    @classmethod
    def of(cls, target: TargetHealth) -> TargetView:
        """Show a target."""
        guard = target.guard
        return cls(
            name=target.name,
            kind=target.kind,
            condition=target.condition.value,
            since=target.since,
            reason=target.reason,
            drift_policy=target.drift_policy,
            guard=Standing(
                base=guard.base, limit=guard.limit, would=guard.would, stopped=guard.stopped
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftView:
    """An account that is not as it should be; `fields` is {field: [held, wished]}."""

    id: str
    target: str
    kind: str
    ref: str
    contract: str | None
    fields: Mapping[str, tuple[str, str]]
    found_at: datetime
    repaired_at: datetime | None

    @classmethod
    def of(cls, found: Found, who: Names) -> DriftView:
        """Show a finding."""
        holder = who.get(found.service) if found.service else None
        return cls(
            id=found.id,
            target=found.target,
            kind=found.kind.value,
            ref=found.ref,
            contract=holder.contract if holder else None,
            fields=found.fields,
            found_at=found.found_at,
            repaired_at=found.repaired_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What one scan saw, and what it found; repairs may have been made already."""

    seen: int
    differing: int
    missing: int
    orphans: int
    duplicates: int
    marked: int
    drift: list[DriftView]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many were concerned."""

    count: int


class DriftQuery(Paging):
    """Which findings."""

    target: Code | None = None
    open: Flag = False


async def listing(call: Call) -> Page[TargetView]:
    """List all targets by name."""
    query: Paging = call.query
    after = query.behind_name()
    async with call.house.store.read() as tx:
        known = await target_reads.targets(tx, now=call.house.clock.machine_now())
    found = sorted((one for one in known if one.name > after), key=lambda one: one.name)
    return page(found, query.limit, TargetView.of, lambda one: (one.name,))


async def probe(call: Call) -> Health:
    """Ask a target how it is."""
    return await targets.probe(call.house, call.part("name"))


async def scan(call: Call) -> Scanned:
    """Compare a target with what it should hold, now."""
    report = await targets.scan(call.house, call.part("name"), call.actor)
    async with call.house.store.read() as tx:
        latest = await drift_reads.latest(tx, rows_max=PAGE_MAX, target=report.target)
        # What the repair was quicker with than this answer was found by this scan all the same.
        found = [f for f in latest if not f.repaired_at or f.repaired_at >= report.started_at]
        views = await _views(tx, found)
    return Scanned(
        seen=report.seen,
        differing=report.differing,
        missing=report.missing,
        orphans=report.orphans,
        duplicates=report.duplicates,
        marked=report.marked,
        drift=views,
    )


async def findings(call: Call) -> Page[DriftView]:
    """List what scans found, the newest first."""
    query: DriftQuery = call.query
    target = TargetName(query.target) if query.target else None
    behind = query.behind(datetime, str)
    read = drift_reads.open_drift if query.open else drift_reads.latest
    async with call.house.store.read() as tx:
        found = await read(tx, rows_max=query.limit + 1, target=target, behind=behind)
        who = await names(tx, [one.service for one in found])
    return page(
        found, query.limit, lambda one: DriftView.of(one, who), lambda one: (one.found_at, one.id)
    )


async def repair(call: Call, tx: Tx) -> Counted:
    """Have all open drift of a target repaired."""
    count = await targets.repair(call.house, tx, call.actor, target=call.part("name"))
    return Counted(count=count)


async def approve(call: Call, tx: Tx) -> Counted:
    """Let through what the guard stopped."""
    return Counted(count=await targets.approve(call.house, tx, call.part("name"), call.actor))


async def reject(call: Call, tx: Tx) -> Counted:
    """Keep on what the guard stopped."""
    return Counted(count=await targets.reject(call.house, tx, call.part("name"), call.actor))


async def release(call: Call, tx: Tx) -> Counted:
    """Let a parked target work again."""
    done = await targets.release_target(call.house, tx, call.part("name"), call.actor)
    return Counted(count=int(done))


async def enable(call: Call, tx: Tx) -> Counted:
    """Switch a target on: what waits for it is done. 0 where it was on."""
    done = await targets.switch(call.house, tx, call.part("name"), call.actor, on=True)
    return Counted(count=int(done))


async def disable(call: Call, tx: Tx) -> Counted:
    """Switch a target off: its work waits until it is switched on. 0 where it was off."""
    done = await targets.switch(call.house, tx, call.part("name"), call.actor, on=False)
    return Counted(count=int(done))


async def _views(tx: Tx, found: list[Found]) -> list[DriftView]:
    who = await names(tx, [one.service for one in found])
    return [DriftView.of(one, who) for one in found]


ROUTES = (
    look("targets", listing, Page[TargetView], query=Paging),
    look("drift", findings, Page[DriftView], query=DriftQuery),
    ask("targets/{name}/probe", probe, Health),
    ask("targets/{name}/scan", scan, Scanned),
    change("targets/{name}/repair", repair, Counted),
    change("targets/{name}/approve", approve, Counted),
    change("targets/{name}/reject", reject, Counted),
    change("targets/{name}/release", release, Counted),
    change("targets/{name}/enable", enable, Counted),
    change("targets/{name}/disable", disable, Counted),
)
