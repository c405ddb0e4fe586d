"""Compose in batches: newest entitlements, boxes, keys and routes become stored wishes.

A batch of 500 costs as many statements as a batch of one. A wish is written, and its target
marked, only where it differs; one that is not proven yet is looked at again without ending its
back-off or its parking.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from gateway.adapters.state import ViewerState
from gateway.inventory import shortages
from gateway.inventory import store as inventory
from gateway.inventory.shortages import Supply
from gateway.provisioning import refs, routes, targets, wishes
from gateway.provisioning.boxes import boxes_of
from gateway.provisioning.compose import (
    EVERY_TARGET,
    Composition,
    DrivenBox,
    Order,
    Wish,
    compose,
    routed,
)
from gateway.provisioning.keys import RECONCILE, key_of
from gateway.provisioning.leases import still_ours
from gateway.provisioning.routing import Routes
from gateway.provisioning.wishes import Standing, Standings
from runtime import crash, log
from runtime.store import Store, Tx
from runtime.telemetry import get_log
from runtime.work import Claim, Work
from terms.entitlement import Entitlement, ServiceState
from terms.ids import ServiceId, SubjectId, TargetName

# A box goes dark after the household's accounts are seen dark, or when that takes this long.
BOX_WAITS_MAX = timedelta(seconds=60)
_NOTHING = Standings()
Macs: TypeAlias = Mapping[ServiceId, Sequence[str | None]]
_log = get_log()


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """What became of a batch. `next_looks` are business instants at which grants run out."""

    changed: tuple[Wish, ...]
    problems: int
    next_looks: Mapping[str, datetime]


class Composer:
    """The handler of work kind `compose`."""

    def __init__(self, store: Store, work: Work) -> None:
        self.store = store
        self.work = work

    async def handle(self, claims: Sequence[Claim]) -> None:
        """Compose the claimed services in one transaction and finish their rows in it."""
        async with self.store.begin() as tx:
            ours = await still_ours(tx, claims)
            composed = await compose_batch(tx, self.work, [claim.key for claim in ours])
            looks = composed.next_looks
            later = [(claim, looks[claim.key]) for claim in ours if claim.key in looks]
            await self.work.complete_until(tx, later)
            await self.work.complete(tx, [claim for claim in ours if claim.key not in looks])
        crash.reach("after_compose")
        if composed.problems:
            _log.warning("compose.refused", services=len(claims), problems=composed.problems)


async def compose_batch(tx: Tx, work: Work, services: Sequence[str]) -> Composed:
    """Bring the wishes of these services up to date and mark what changed."""
    offset = await work.clock.offset(tx)
    now = work.clock.machine_now()
    business_now = now + offset
    table = Routes(await routes.load(tx), await targets.drivers(tx))
    standing = await wishes.standing(tx, services)
    boxes = await boxes_of(tx, services, standing, table.drivers)
    macs = await inventory.macs(tx, services)
    orders = await _orders(
        tx, standing, boxes.of, table, services, macs=macs, business_now=business_now
    )
    results = {
        order.entitlement.service: compose(order, table, business_now=business_now, offset=offset)
        for order in orders
    }
    await _open_jobs(tx, work, [_supply(order.entitlement, macs) for order in orders])
    await wishes.drop(tx, boxes.left)
    changed = [one for result in results.values() for one in result.changed]
    await wishes.write(tx, changed, now=now)
    problems = {service: result.problems for service, result in results.items()}
    fresh = await wishes.write_problems(tx, services, problems, now=now)
    await _mark(tx, work, results, standing, business_now=business_now)
    return Composed(changed=tuple(changed), problems=fresh, next_looks=_looks(results))


async def _orders(
    tx: Tx,
    standing: Mapping[ServiceId, Standings],
    boxes: Mapping[ServiceId, Sequence[DrivenBox]],
    table: Routes,
    services: Sequence[str],
    *,
    macs: Macs,
    business_now: datetime,
) -> list[Order]:
    snapshots = await log.newest(tx, routes.TOPIC, services)
    rights = [Entitlement.decode(one.value, revision=one.revision) for one in snapshots.values()]
    # A service that has its accounts already needs no key for a new one.
    new = [
        one.service
        for one in rights
        if routed(one, table, business_now=business_now).line_ups.keys()
        - table.driving
        - standing.get(one.service, _NOTHING).accounts.keys()
    ]
    keys = await refs.of(tx, new) if new else {}
    return [
        Order(
            entitlement=one,
            macs=frozenset(mac for mac in macs.get(one.service, ()) if mac),
            refs=keys.get(one.service, {}),
            before={
                target: was.before
                for target, was in standing.get(one.service, _NOTHING).accounts.items()
            },
            boxes=tuple(boxes.get(one.service, ())),
        )
        for one in rights
    ]


async def _open_jobs(tx: Tx, work: Work, supplies: Sequence[Supply]) -> None:
    """Have somebody bring the boxes that are missing, and nobody those that are not."""
    short = await shortages.balance(tx, work, supplies)
    if short:
        keys = await refs.of(tx, [one.service for one in short])
        known = {service: of.get(EVERY_TARGET, "") for service, of in keys.items()}
        await shortages.open_for(tx, work, short, {key: ref for key, ref in known.items() if ref})


def _supply(rights: Entitlement, macs: Macs) -> Supply:
    return Supply(
        service=rights.service,
        granted=0 if rights.state is ServiceState.ENDED else rights.devices,
        held=len(macs.get(rights.service, ())),
        is_on_hold=rights.state is ServiceState.SUSPENDED,
    )


async def _mark(
    tx: Tx,
    work: Work,
    results: Mapping[ServiceId, Composition],
    standing: Mapping[ServiceId, Standings],
    *,
    business_now: datetime,
) -> None:
    now: dict[TargetName, list[str]] = {}
    later: dict[TargetName, dict[str, datetime]] = {}
    for service, result in results.items():
        # What goes dark is dark at the portal first: a box may never come back to be told.
        accounts = standing.get(service, _NOTHING).accounts
        is_ending = any(
            not (one.is_of_box or one.value.enabled or _is_dark(accounts.get(one.target)))
            for one in result.changed
        )
        for one in result.changed:
            key = key_of(one.subject, one.target)
            if is_ending and one.is_of_box and not one.value.enabled:
                later.setdefault(one.target, {})[key] = business_now + BOX_WAITS_MAX
            else:
                now.setdefault(one.target, []).append(key)
        touched = {(one.subject, one.target) for one in result.changed}
        for subject, target in standing.get(service, _NOTHING).unproven():
            place = (subject or SubjectId(service), target)
            if place not in touched:
                later.setdefault(target, {})[key_of(*place)] = business_now
    for target in sorted(now):
        await work.mark(tx, RECONCILE, now[target], target=target)
    for target in sorted(later):
        await work.schedule(tx, RECONCILE, later[target], target=target)


def _is_dark(was: Standing | None) -> bool:
    """Tell whether an account was seen dark, so that its boxes have nothing to wait for."""
    if was is None or not was.is_proven:
        return False
    return not ViewerState.decode(was.before.text, revision=was.before.revision).enabled


def _looks(results: Mapping[ServiceId, Composition]) -> dict[str, datetime]:
    return {key: one.next_look for key, one in results.items() if one.next_look is not None}
