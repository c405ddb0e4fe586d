"""Numbers that stand in the database and are looked up when somebody fetches them."""

from __future__ import annotations

from collections import Counter

from app.roles.crew import Role
from app.wiring import House
from gateway.reads import drift, queue, targets
from gateway.reads.targets import Condition
from runtime import presence
from runtime.telemetry import gauge

_due = gauge(
    "boxoffice_work_due", "Rows of work that are due or in hand, of the database", "kind", "target"
)
_parked = gauge(
    "boxoffice_work_parked",
    "Rows of work that wait for a person, of the database",
    "kind",
    "target",
)
_oldest = gauge(
    "boxoffice_work_oldest_seconds",
    "How long the oldest due row has waited since its time came, of the database",
    "kind",
    "target",
)
_up = gauge("boxoffice_target_up", "Whether a target can be worked on, of the database", "target")
_drift = gauge(
    "boxoffice_drift_open", "Accounts that a target holds differently, of the database", "target"
)

_processes = gauge("boxoffice_processes", "Processes that are here, of the database", "role")

_WORKING = frozenset({Condition.UP, Condition.SLOWED, Condition.STOPPED})
_seen: set[tuple[str, str]] = set()


async def gather(house: House) -> None:
    """Look everything up; a queue that is empty now is told as empty."""
    now = house.clock.machine_now()
    async with house.store.read() as tx:
        offset = await house.clock.offset(tx)
        queues = await queue.queues(tx, now=now, offset=offset)
        standing = await targets.targets(tx, now=now)
        differing = await drift.counts(tx)
        here = Counter(one.role for one in await presence.listing(tx, now) if not one.is_silent)
    found = {(one.kind, one.target) for one in queues}
    for labels in _seen - found:
        for number in (_due, _parked, _oldest):
            number.set(*labels, to=0)
    _seen.update(found)
    for one in queues:
        _due.set(one.kind, one.target, to=one.due + one.running)
        _parked.set(one.kind, one.target, to=one.parked)
        _oldest.set(one.kind, one.target, to=one.oldest_s)
    for role in Role:
        _processes.set(role.value, to=here[role.value])
    for target in standing:
        _up.set(target.name, to=int(target.condition in _WORKING))
        _drift.set(target.name, to=differing.get(target.name, 0))
