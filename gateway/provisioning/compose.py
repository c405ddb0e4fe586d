"""From rights to wishes: what each target should hold for one service. Pure.

A wish that cannot be composed is refused with its reason rather than cut: what the target holds
stays, except that a service that may not be watched goes dark all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

from gateway.adapters.state import ViewerState
from gateway.inventory.model import Resource
from gateway.provisioning.routing import LineUp, Routes
from terms.entitlement import Entitlement, ServiceState
from terms.ids import ServiceId, TargetName

CAUSE_CHARS_MAX = 160
OTHER_CAUSE = "boxes or routes changed"
EVERY_TARGET = TargetName("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What one target should hold for one service, as of the revision that last changed it."""

    service: ServiceId
    target: TargetName
    revision: int
    state: ServiceState
    value: ViewerState
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """All that the wishes of one service follow from. `refs` names our key at each target."""

    entitlement: Entitlement
    boxes: Sequence[Resource] = ()
    refs: Mapping[TargetName, str] = field(default_factory=dict)
    previous: Mapping[TargetName, Wish] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """The wishes that differ from the previous ones, why others could not be made, the next look.

    `next_look` is the business instant at which a grant runs out.
    """

    changed: tuple[Wish, ...]
    problems: Mapping[TargetName, str]
    next_look: datetime | None


def compose(
    order: Order, routes: Routes, *, business_now: datetime, offset: timedelta
) -> Composition:
    """Work out the wishes of one service. `offset` is how far business time runs ahead."""
    rights = order.entitlement
    untils = [grant.until for grant in rights.grants if grant.until is not None]
    codes = frozenset(
        grant.code for grant in rights.grants if grant.until is None or grant.until > business_now
    )
    routed = routes.routed(codes)
    problems: dict[TargetName, str] = {}
    if routed.unrouted:
        problems[EVERY_TARGET] = f"no route for {', '.join(routed.unrouted)}"
    changed = []
    for target in sorted({*routed.line_ups, *order.previous}):
        previous = order.previous.get(target)
        line_up = routed.line_ups.get(target)
        ref = order.refs.get(target) or order.refs.get(EVERY_TARGET)
        problem = _problem(line_up, ref, previous, target)
        if problem:
            problems[target] = problem
        blocked = bool(problem or routed.unrouted)
        value = (
            _darkened(rights, previous)
            if blocked
            else _value(order, line_up, ref or "", previous, offset)
        )
        if value is not None and (previous is None or previous.value != value):
            changed.append(_wish(rights, target, value, previous))
    ahead = [until for until in untils if until > business_now]
    return Composition(
        changed=tuple(changed), problems=problems, next_look=min(ahead, default=None)
    )


def _problem(
    line_up: LineUp | None, ref: str | None, previous: Wish | None, target: TargetName
) -> str:
    if line_up is not None and line_up.problem:
        return line_up.problem
    if not ref and previous is None:
        return f"no account number for {target}"
    return ""


def _darkened(rights: Entitlement, previous: Wish | None) -> ViewerState | None:
    """Without a line-up nothing may be granted; taking away is always possible."""
    if previous is None:
        return None
    if rights.state.is_live:
        return previous.value
    return replace(previous.value, enabled=False, revision=rights.revision)


def _value(
    order: Order,
    line_up: LineUp | None,
    ref: str,
    previous: Wish | None,
    offset: timedelta,
) -> ViewerState:
    rights = order.entitlement
    if line_up is not None:
        tariff, packages = line_up.tariff, line_up.packages
    elif previous is not None:  # nothing granted here any more: dark, with the last line-up kept
        tariff, packages = previous.value.tariff, previous.value.packages
    else:  # the caller looks only at targets with one or the other
        tariff, packages = None, frozenset()
    return ViewerState(
        # An account keeps the key it was made under.
        ref=previous.value.ref if previous else ref,
        enabled=rights.state.is_live and line_up is not None,
        tariff=tariff,
        packages=packages,
        devices=frozenset(box.mac for box in order.boxes if box.mac and box.is_held),
        streams=rights.streams,
        expires_on=_expiry(rights.expires_at, offset),
        label=rights.label,
        revision=rights.revision,
    )


def _expiry(expires_at: datetime | None, offset: timedelta) -> date | None:
    """Round an expiry up to a UTC day of the machine: a target never knows of the offset."""
    if expires_at is None:
        return None
    machine = (expires_at - offset).astimezone(UTC)
    whole = machine.time() == time()
    return machine.date() if whole else machine.date() + timedelta(days=1)


def _wish(
    rights: Entitlement, target: TargetName, value: ViewerState, previous: Wish | None
) -> Wish:
    newer = previous is None or previous.revision != rights.revision
    cause = f"{rights.state}: {rights.reason}" if rights.reason else str(rights.state)
    return Wish(
        service=rights.service,
        target=target,
        revision=rights.revision,
        state=rights.state,
        value=value,
        cause=cause[:CAUSE_CHARS_MAX] if newer else OTHER_CAUSE,
    )
