"""From rights to wishes: what each target should hold for one service. Pure.

A wish that cannot be composed is refused with its reason rather than cut: what the target holds
stays, except that a service that may not be watched goes dark all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType

from gateway.adapters.state import ViewerState
from gateway.provisioning.routing import LineUp, Routed, Routes
from terms.entitlement import Entitlement, ServiceState
from terms.ids import ServiceId, SubjectId, TargetName

CAUSE_CHARS_MAX = 160
OTHER_CAUSE = "boxes or routes changed"
GIVEN_BACK = "the box was given back"
EVERY_TARGET = TargetName("")
_MIDNIGHT = time()
_NO_LINE_UP = LineUp()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What one target should hold for one subject, as of the revision that last changed it.

    The subject is the service itself, or one box of it. `text` is the value's canonical form: equal
    values have equal texts. A subject's revision only rises, also from one household to the next.
    """

    subject: SubjectId
    target: TargetName
    service: ServiceId
    revision: int
    state: ServiceState
    value: ViewerState
    text: str
    cause: str

    @property
    def is_of_box(self) -> bool:
        """Whether the subject is a box, not the service itself."""
        return str(self.subject) != str(self.service)

    @property
    def is_on_shelf(self) -> bool:
        """Whether it is a box that nobody holds."""
        return self.is_of_box and self.state is ServiceState.ENDED and not self.value.packages


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The wish as it stands before composing; its text is read only where it is needed."""

    revision: int
    ref: str
    text: str
    service: ServiceId


@dataclass(frozen=True, slots=True, kw_only=True)
class DrivenBox:
    """A box that a target drives: one this household holds, or held until it was given back."""

    subject: SubjectId
    target: TargetName
    serial: str
    is_held: bool
    before: Before | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """All that the wishes of one service follow from.

    `macs` are those of the boxes the household holds, `refs` our keys at the targets.
    """

    entitlement: Entitlement
    macs: frozenset[str] = frozenset()
    refs: Mapping[TargetName, str] = field(default_factory=lambda: MappingProxyType({}))
    before: Mapping[TargetName, Before] = field(default_factory=lambda: MappingProxyType({}))
    boxes: tuple[DrivenBox, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """The wishes that differ from those before, why others could not be made, the next look.

    `next_look` is the business instant at which a grant runs out.
    """

    changed: tuple[Wish, ...]
    problems: Mapping[TargetName, str]
    next_look: datetime | None


def routed(rights: Entitlement, routes: Routes, *, business_now: datetime) -> Routed:
    """Route what is granted now."""
    codes = [one.code for one in rights.grants if one.until is None or one.until > business_now]
    return routes.routed(frozenset(codes))


def compose(
    order: Order, routes: Routes, *, business_now: datetime, offset: timedelta
) -> Composition:
    """Work out the wishes of one service. `offset` is how far business time runs ahead."""
    rights = order.entitlement
    found = routed(rights, routes, business_now=business_now)
    problems: dict[TargetName, str] = {}
    if found.unrouted:
        problems[EVERY_TARGET] = f"no route for {', '.join(found.unrouted)}"
    changed = list(_box_wishes(order, found, problems))
    for target in sorted({*found.line_ups, *order.before} - routes.driving):
        before = order.before.get(target)
        line_up = found.line_ups.get(target)
        problem = _problem(order, target, line_up)
        if problem:
            problems[target] = problem
        if problem or found.unrouted:
            value = _darkened(rights, before)
        else:
            value = _value(order, target, line_up, offset)
        if value is not None:
            text = value.encode()
            if before is None or before.text != text:
                changed.append(_wish(rights, target, value, text, before))
    return Composition(
        changed=tuple(changed), problems=problems, next_look=_next_look(rights, business_now)
    )


def _problem(order: Order, target: TargetName, line_up: LineUp | None) -> str:
    if line_up is not None and line_up.problem:
        return line_up.problem
    if target not in order.before and not _ref(order, target):
        return f"no account number for {target}"
    return ""


def _ref(order: Order, target: TargetName) -> str:
    """Find our key; an account keeps the one it was made under."""
    before = order.before.get(target)
    if before is not None:
        return before.ref
    return order.refs.get(target) or order.refs.get(EVERY_TARGET) or ""


def _darkened(rights: Entitlement, before: Before | None) -> ViewerState | None:
    """Without a line-up nothing may be granted; taking away is always possible."""
    if before is None or rights.state.is_live:
        return None
    held = ViewerState.decode(before.text, revision=rights.revision)
    return replace(held, enabled=False)


def _value(
    order: Order, target: TargetName, line_up: LineUp | None, offset: timedelta
) -> ViewerState:
    rights = order.entitlement
    is_granted = line_up is not None
    if line_up is None:  # nothing granted here any more: dark, with the last line-up kept
        last = ViewerState.decode(order.before[target].text, revision=0)
        line_up = LineUp(tariff=last.tariff, packages=last.packages)
    return ViewerState(
        ref=_ref(order, target),
        enabled=is_granted and rights.state.is_live,
        tariff=line_up.tariff,
        packages=line_up.packages,
        devices=order.macs,
        streams=rights.streams,
        expires_on=_expiry(rights.expires_at, offset),
        label=rights.label,
        revision=rights.revision,
    )


def _box_wishes(order: Order, found: Routed, problems: dict[TargetName, str]) -> Iterator[Wish]:
    """Work out the wishes of a household's boxes; without a line-up a box has no packages."""
    for box in order.boxes:
        line_up = found.line_ups.get(box.target, _NO_LINE_UP)
        if line_up.problem:
            problems[box.target] = line_up.problem
        if line_up.problem or found.unrouted:
            value = _darkened(order.entitlement, box.before)
        else:
            value = _box_value(order.entitlement, box, line_up)
        wish = _box_wish(order.entitlement, box, value) if value is not None else None
        if wish is not None:
            yield wish


def _box_value(rights: Entitlement, box: DrivenBox, line_up: LineUp) -> ViewerState:
    if not box.is_held:
        return ViewerState(ref=box.serial, enabled=False)
    return ViewerState(
        ref=box.serial,
        enabled=rights.state.is_live,
        tariff=line_up.tariff,
        packages=line_up.packages,
    )


def _box_wish(rights: Entitlement, box: DrivenBox, value: ViewerState) -> Wish | None:
    """Word the wish of a box; None where it stands already."""
    before = box.before
    text = value.encode()
    if before is not None and (before.text, before.service) == (text, rights.service):
        return None
    # Higher than whatever the box may carry, also when it was with another household.
    revision = max(rights.revision, before.revision + 1 if before else 0)
    return Wish(
        subject=box.subject,
        target=box.target,
        service=rights.service,
        revision=revision,
        state=rights.state if box.is_held else ServiceState.ENDED,
        value=replace(value, revision=revision),
        text=text,
        cause=_cause(rights, None) if box.is_held else GIVEN_BACK,
    )


def _expiry(expires_at: datetime | None, offset: timedelta) -> date | None:
    """Round an expiry up to a UTC day of the machine: a target never knows of the offset."""
    if expires_at is None:
        return None
    machine = (expires_at - offset).astimezone(UTC)
    whole = machine.time() == _MIDNIGHT
    return machine.date() if whole else machine.date() + timedelta(days=1)


def _next_look(rights: Entitlement, business_now: datetime) -> datetime | None:
    ahead = [one.until for one in rights.grants if one.until and one.until > business_now]
    return min(ahead, default=None)


def _wish(
    rights: Entitlement, target: TargetName, value: ViewerState, text: str, before: Before | None
) -> Wish:
    return Wish(
        subject=SubjectId(rights.service),
        target=target,
        service=rights.service,
        revision=rights.revision,
        state=rights.state,
        value=value,
        text=text,
        cause=_cause(rights, before),
    )


def _cause(rights: Entitlement, before: Before | None) -> str:
    if before is not None and before.revision == rights.revision:
        return OTHER_CAUSE
    told = f"{rights.state.value}: {rights.reason}" if rights.reason else rights.state.value
    return told[:CAUSE_CHARS_MAX]
