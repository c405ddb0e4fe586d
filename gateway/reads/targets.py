"""How the targets are doing: reachable or not, parked, slowed down, stopped by the guard."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import select

from gateway.provisioning.standing import Standing, standings
from gateway.provisioning.tables import drift_scan
from gateway.provisioning.targets import Target, load
from runtime.store import Tx
from terms.ids import TargetName


class Condition(StrEnum):
    """A target's health in one word."""

    UP = "up"
    SLOWED = "slowed"  # it asked us to slow down
    STOPPED = "stopped"  # the guard waits for a decision
    DOWN = "down"  # nobody answers
    PARKED = "parked"  # it refuses our credentials
    DISABLED = "disabled"  # switched off by the operator


@dataclass(frozen=True, slots=True, kw_only=True)
class LastScan:
    """The last drift scan of a target."""

    started_at: datetime
    finished_at: datetime | None
    seen: int
    differing: int
    missing: int
    orphans: int
    duplicates: int
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetHealth:
    """One target as the operator sees it. `since` and `reason` belong to the condition."""

    name: TargetName
    kind: str
    condition: Condition
    since: datetime | None
    reason: str
    in_flight_max: int
    drift_policy: str
    guard: Standing
    last_scan: LastScan | None


class Out(NamedTuple):
    """Why nothing can be done at a target now, and since when if that is known."""

    condition: Condition
    since: datetime | None
    reason: str


async def targets(tx: Tx, *, now: datetime) -> list[TargetHealth]:
    """Tell how every target is doing; `now` is machine time."""
    rows = await tx.rows(select(drift_scan))
    scans = {row.target: _scan(row) for row in rows}
    known = await load(tx)
    by_target = await standings(tx, known.values(), now=now)
    found = []
    for name, target in known.items():
        standing = by_target[name]
        condition, since, reason = _condition(target, standing, now)
        found.append(
            TargetHealth(
                name=name,
                kind=target.kind,
                condition=condition,
                since=since,
                reason=reason,
                in_flight_max=target.in_flight_max,
                drift_policy=target.drift_policy.value,
                guard=standing,
                last_scan=scans.get(name),
            )
        )
    return found


async def out_of_work(tx: Tx) -> dict[TargetName, Out]:
    """Name the targets on which nothing can be done now, and why."""
    outs = {name: _out(target) for name, target in (await load(tx)).items()}
    return {name: out for name, out in outs.items() if out is not None}


def _out(target: Target) -> Out | None:
    if not target.enabled:
        return Out(Condition.DISABLED, None, "switched off by the operator")
    if target.parked_at is not None:
        return Out(Condition.PARKED, target.parked_at, target.parked_reason or "")
    if target.down_since is not None:
        return Out(Condition.DOWN, target.down_since, target.down_reason or "")
    return None


def _condition(
    target: Target, standing: Standing, now: datetime
) -> tuple[Condition, datetime | None, str]:
    if (out := _out(target)) is not None:
        return out
    if standing.is_stopped:
        told = f"{standing.would} of {standing.base} accounts would go dark: approve or reject"
        return Condition.STOPPED, None, told
    if target.throttled_until is not None and target.throttled_until > now:
        return Condition.SLOWED, None, f"left alone until {target.throttled_until:%H:%M:%S} UTC"
    return Condition.UP, None, ""


def _scan(row: Any) -> LastScan:
    return LastScan(
        started_at=row.started_at,
        finished_at=row.finished_at,
        seen=row.seen,
        differing=row.differing,
        missing=row.missing,
        orphans=row.orphans,
        duplicates=row.duplicates,
        error=row.error,
    )
