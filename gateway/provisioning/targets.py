"""Configured targets: what the operator wrote, and how each of them is doing.

Options are sealed at rest. Health (breaker, credentials, pace) stands in the row, so that every
process and every page sees the same.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update

from gateway.adapters.registry import open_adapter
from gateway.adapters.sdk import Answer, BoxOptions
from gateway.provisioning.keys import RECONCILE
from gateway.provisioning.tables import target as table
from runtime.resealing import reseal
from runtime.secrets import Sealer
from runtime.store import Tx
from runtime.store.prepared import PreparedQuery
from terms.errors import Invalid, NotFound, Unreachable
from terms.ids import TargetName

IN_FLIGHT_MAX = 32
GUARD_SHARE_PERCENT = 10
GUARD_FLOOR = 10
MODEL_CHARS_MAX = 64
NO_MODELS = "[]"
CALLS_PER_S_MIN, CALLS_PER_S_MAX = 0.001, 10_000.0
_SECOND_US = 1_000_000
# A run whose calls waited long for their turns would outlive its lease.
TURN_WAIT_S_MAX = 2.0
PACE_GROWS_EVERY = timedelta(seconds=2)
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")


class DriftPolicy(StrEnum):
    """What a scan does with differences."""

    REPAIR = "repair"  # mark them for reconciliation
    REPORT = "report"  # show them


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What the operator says about one target."""

    name: TargetName
    kind: str
    options: Mapping[str, Any]
    in_flight_max: int = IN_FLIGHT_MAX
    calls_per_s: float | None = None
    drift_policy: DriftPolicy = DriftPolicy.REPAIR
    guard_share_percent: int = GUARD_SHARE_PERCENT
    guard_floor: int = GUARD_FLOOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One target as its row stands, without its options. It drives the boxes of its `models`."""

    name: TargetName
    kind: str
    enabled: bool
    version: int
    in_flight_max: int
    calls_per_s: float | None
    drift_policy: DriftPolicy
    guard_share_percent: int
    guard_floor: int
    models: tuple[str, ...]
    down_since: datetime | None
    down_reason: str | None
    probes: int
    probe_at: datetime | None
    parked_at: datetime | None
    parked_reason: str | None
    throttled_until: datetime | None
    pace: int | None
    paced_at: datetime | None

    @property
    def is_down(self) -> bool:
        """Whether nobody answers there: its breaker is open."""
        return self.down_since is not None

    @property
    def is_working(self) -> bool:
        """Whether rows of it may be worked on at all."""
        return self.enabled and self.parked_at is None

    def in_flight_allowed(self, now: datetime) -> int:
        """How many rows at once: after a throttling half as many, then one more every 2 s.

        Where calls have to take turns, no more than get theirs within a moment.
        """
        most = self.in_flight_max
        if self.calls_per_s is not None:
            most = min(most, math.ceil(self.calls_per_s * TURN_WAIT_S_MAX))
        if self.pace is None or self.paced_at is None:
            return most
        regained = max(now - self.paced_at, timedelta(0)) // PACE_GROWS_EVERY
        return min(most, self.pace + regained)


class _Shut:
    """The door of an adapter that is made only to see whether its options are in order."""

    async def call(
        self,
        method: str,  # noqa: ARG002 - the shape of every door
        url: str,  # noqa: ARG002
        *,
        headers: Mapping[str, str] | None = None,  # noqa: ARG002
        body: bytes | None = None,  # noqa: ARG002
        deadline_s: float | None = None,  # noqa: ARG002
        body_bytes_max: int | None = None,  # noqa: ARG002
    ) -> Answer:
        """Refuse."""
        raise Unreachable("this adapter was not opened to talk")

    async def resolve(self, host: str, *, deadline_s: float | None = None) -> str:  # noqa: ARG002
        """Refuse."""
        raise Unreachable("this adapter was not opened to talk")


async def configure(tx: Tx, sealer: Sealer, wanted: Configuration) -> bool:
    """Write down a target; True when anything changed. A change lets it start afresh.

    A new one is switched on, any other stays as it was switched.

    Raises Invalid naming the wrong value, NotFound for an unknown kind.
    """
    models = _checked_models(wanted)
    by_others = {m: t for m, t in (await drivers(tx)).items() if t != wanted.name}
    for model in models:
        if model in by_others:
            why = f"boxes of model {model} are driven by {by_others[model]}"
            raise Invalid(f"target {wanted.name}: models", why)
    options = _canonical(wanted.options)
    row = await tx.first(select(table).where(table.c.name == wanted.name))
    if row is not None and _same(row, wanted, options, sealer):
        return False
    await tx.upsert(table, [_row(wanted, options, sealer, row, models=models)], key=("name",))
    tx.ring((RECONCILE,))
    return True


_ALL = PreparedQuery(lambda _engine: select(table).order_by(table.c.name))


async def load(tx: Tx) -> dict[TargetName, Target]:
    """Read all targets, by name."""
    rows = await _ALL.rows(tx, {})
    return {TargetName(row.name): _from_row(row) for row in rows}


async def drivers(tx: Tx) -> dict[str, TargetName]:
    """Find which target drives the boxes of which model."""
    c = table.c
    rows = await tx.rows(select(c.name, c.models).where(c.models != NO_MODELS).order_by(c.name))
    return {model: TargetName(row.name) for row in rows for model in json.loads(row.models)}


async def find(tx: Tx, name: str) -> Target:
    """Read one target. Raises NotFound naming those there are."""
    targets = await load(tx)
    found = targets.get(TargetName(name))
    if found is None:
        raise NotFound(
            f"no target {name!r}; configured: {', '.join(targets) or 'none'}", field="target"
        )
    return found


async def opened_options(tx: Tx, sealer: Sealer, name: TargetName) -> dict[str, Any]:
    """Unseal the options of a target, for opening its adapter."""
    sealed = await tx.scalar(select(table.c.options).where(table.c.name == name))
    if sealed is None:
        raise NotFound(f"no target {name!r}", field="target")
    options: dict[str, Any] = json.loads(sealer.open(sealed, place=place_of(name)))
    return options


async def park(tx: Tx, name: TargetName, *, reason: str, now: datetime) -> bool:
    """Set a whole target aside: its credentials are refused. False when it was so already."""
    statement = update(table).where(table.c.name == name, table.c.parked_at.is_(None))
    done = await tx.execute(statement.values(parked_at=now, parked_reason=reason))
    return done.rowcount == 1


async def release(tx: Tx, name: str) -> bool:
    """Let a parked target work again; False when it was not parked. Raises NotFound."""
    await find(tx, name)
    statement = update(table).where(table.c.name == name, table.c.parked_at.is_not(None))
    done = await tx.execute(statement.values(parked_at=None, parked_reason=None))
    tx.ring((RECONCILE,))
    return done.rowcount == 1


async def switch(tx: Tx, name: str, *, on: bool) -> bool:
    """Let a target be worked on, or its rows wait; False when it was so. Raises NotFound."""
    await find(tx, name)
    statement = update(table).where(table.c.name == name, table.c.enabled.is_not(on))
    done = await tx.execute(statement.values(enabled=on))
    tx.ring((RECONCILE,))
    return done.rowcount == 1


async def slow_down(tx: Tx, name: TargetName, *, until: datetime, pace: int, now: datetime) -> None:
    """Remember that a target asked for less: nothing before `until`, then `pace` rows at once."""
    statement = update(table).where(table.c.name == name)
    await tx.execute(statement.values(throttled_until=until, pace=pace, paced_at=now))


async def seal_anew(tx: Tx, sealer: Sealer) -> int:
    """Have the first master key seal the options of every target; returns how many it had not."""
    return await reseal(tx, sealer, table.c.name, table.c.options, place_of)


def place_of(name: str) -> str:
    """Name the place that sealed options are bound to."""
    return f"target/options/{name}"


def _checked_models(wanted: Configuration) -> list[str]:
    """Check what the operator says, and tell the models of boxes that are driven there."""
    if not _NAME.fullmatch(wanted.name):
        raise Invalid("target", f"1 to 32 of a-z, 0-9 and dash: {wanted.name[:40]!r}")
    for field, value, lowest, highest in (
        ("in_flight_max", wanted.in_flight_max, 1, 512),
        ("guard_share_percent", wanted.guard_share_percent, 0, 100),
        ("guard_floor", wanted.guard_floor, 0, 1_000_000),
    ):
        if not lowest <= value <= highest:
            raise Invalid(f"target {wanted.name}: {field}", f"{lowest} to {highest}")
    rate = wanted.calls_per_s
    if rate is not None and not CALLS_PER_S_MIN <= rate <= CALLS_PER_S_MAX:
        why = f"{CALLS_PER_S_MIN:g} to {CALLS_PER_S_MAX:g}"
        raise Invalid(f"target {wanted.name}: calls_per_s", why)
    made = open_adapter(wanted.kind, name=wanted.name, options=wanted.options, http=_Shut())
    if not isinstance(made.options, BoxOptions):
        return []
    if wanted.calls_per_s is not None:
        why = "every box is called by itself and needs no rate"
        raise Invalid(f"target {wanted.name}: calls_per_s", why)
    for model in made.options.models:
        if not 0 < len(model) <= MODEL_CHARS_MAX:
            raise Invalid(f"target {wanted.name}: models", f"1 to {MODEL_CHARS_MAX} characters")
    return sorted(set(made.options.models))


def _every_us(calls_per_s: float | None) -> int | None:
    return None if calls_per_s is None else max(round(_SECOND_US / calls_per_s), 1)


def _canonical(options: Mapping[str, Any]) -> str:
    return json.dumps(dict(options), sort_keys=True)


def _same(row: Any, wanted: Configuration, options: str, sealer: Sealer) -> bool:
    return (
        row.kind == wanted.kind
        and row.in_flight_max == wanted.in_flight_max
        and row.call_every_us == _every_us(wanted.calls_per_s)
        and row.drift_policy == wanted.drift_policy.value
        and row.guard_share_percent == wanted.guard_share_percent
        and row.guard_floor == wanted.guard_floor
        and sealer.open(row.options, place=place_of(wanted.name)) == options
    )


def _row(
    wanted: Configuration, options: str, sealer: Sealer, old: Any, *, models: list[str]
) -> dict[str, Any]:
    return {
        "name": wanted.name,
        "kind": wanted.kind,
        "options": sealer.seal(options, place=place_of(wanted.name)),
        "enabled": old.enabled if old else True,
        "version": old.version + 1 if old else 1,
        "in_flight_max": wanted.in_flight_max,
        "call_every_us": _every_us(wanted.calls_per_s),
        "drift_policy": wanted.drift_policy.value,
        "guard_share_percent": wanted.guard_share_percent,
        "guard_floor": wanted.guard_floor,
        "models": json.dumps(models),
        "down_since": None,
        "down_reason": None,
        "probes": 0,
        "probe_at": None,
        "parked_at": None,
        "parked_reason": None,
        "throttled_until": None,
        "pace": None,
        "paced_at": None,
    }


def _from_row(row: Any) -> Target:
    return Target(
        name=TargetName(row.name),
        kind=row.kind,
        enabled=row.enabled,
        version=row.version,
        in_flight_max=row.in_flight_max,
        calls_per_s=_SECOND_US / row.call_every_us if row.call_every_us else None,
        drift_policy=DriftPolicy(row.drift_policy),
        guard_share_percent=row.guard_share_percent,
        guard_floor=row.guard_floor,
        models=tuple(json.loads(row.models)),
        down_since=row.down_since,
        down_reason=row.down_reason,
        probes=row.probes,
        probe_at=row.probe_at,
        parked_at=row.parked_at,
        parked_reason=row.parked_reason,
        throttled_until=row.throttled_until,
        pace=row.pace,
        paced_at=row.paced_at,
    )
