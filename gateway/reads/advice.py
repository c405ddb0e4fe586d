"""What whoever stands before a box can do while it has not proven itself. Pure.

The shape of the row of work tells what kind of failure it is: parked is "never", a counted try is
"not now", an uncounted one is "nobody answered". What the box said is quoted and never read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from gateway.inventory.model import ResourceState
from gateway.inventory.reviews import Case, CaseKind
from gateway.reads.progress import Evidence, Mark, Progress, Stage, is_proven, lines_of
from gateway.reads.services import AtTarget, Waiting
from terms.entitlement import ServiceState

NO_ANSWER = "No answer."
# A box that starts, gets an address and is found takes this long where all is well.
PATIENCE = timedelta(minutes=2)
OFFICE = "call the office"
QUOTED_CHARS_MAX = 300

_AWAY: Mapping[ResourceState, str] = {
    ResourceState.IN_STOCK: "It lies in stock: register it for a household.",
    ResourceState.RETURNED: "It has come back and waits to be looked at.",
    ResourceState.LOST: "It is noted as lost: who has found it takes it back.",
    ResourceState.SCRAPPED: "It is written off: take another one.",
}
_DOUBTS: Mapping[CaseKind, str] = {
    CaseKind.HOST_KEY: "Its key has changed: it was reset, or another box answers in its place. "
    "Compare the label; if it is this box, the office lets the new key in, then register it again.",
    CaseKind.OTHER_MODEL: "Compare the model on the label: was another box plugged in?",
    CaseKind.OTHER_MAC: "Compare the MAC on the label: was another box plugged in?",
    CaseKind.MAC_TAKEN: "Two boxes show one MAC: leave it unplugged and call the office.",
    CaseKind.TWO_PLACES: "It calls from two places: is another box with this serial at work?",
    CaseKind.DOUBTFUL: "It calls in a way it should not: take another box and bring this one back.",
}

# Of these it helps to read what was found, as it was found.
_TOLD_FIRST = frozenset({CaseKind.OTHER_MODEL, CaseKind.OTHER_MAC})


def progress_of(known: Evidence) -> Progress:
    """Work out how far a box has come, and what is to be done."""
    lines = lines_of(known)
    stage, advice = _judged(known, is_seen=is_proven(known, lines))
    is_over = stage in {Stage.PROVEN, Stage.AWAY}
    if stage is Stage.UNASKED:
        is_over = all(line.mark is Mark.SEEN for line in lines)
    return Progress(
        stage=stage,
        advice=advice,
        lines=lines,
        bound_at=known.bound_at if known.box.is_held else None,
        since=None if is_over else known.waits_since,
        state=_state(known),
        steps=_steps(known) if advice.startswith(NO_ANSWER) else (),
    )


def _state(known: Evidence) -> ServiceState | None:
    ats = [*([known.box_at] if known.box_at else []), *known.accounts]
    return ats[0].state if ats and known.box.is_held else None


def _judged(known: Evidence, *, is_seen: bool) -> tuple[Stage, str]:
    if not known.box.is_held:
        return Stage.AWAY, _AWAY[known.box.state]
    if is_seen:
        return Stage.PROVEN, "It has proven what it should hold. Nothing is left to do."
    return _of_household(known) or _of_target(known) or _of_box(known)


def _of_household(known: Evidence) -> tuple[Stage, str] | None:
    """Say what keeps the wish from being made, whatever the box does."""
    if known.problems:
        return Stage.STUCK, f"The rights do not fit: {quoted(known.problems[0])}: {OFFICE}."
    composing = known.composing
    if composing is None:
        return None
    if composing.is_parked:
        return Stage.STUCK, f"The rights were set aside: {quoted(composing.error)}: {OFFICE}."
    stage = Stage.STUCK if _is_old(known, composing.since) else Stage.WAITING
    return stage, "What it should hold is being worked out; that takes a moment."


def _of_target(known: Evidence) -> tuple[Stage, str] | None:
    """Say what keeps boxes of this model from being asked at all."""
    driver = known.driver
    if driver is None:
        model = known.box.model
        told = "what its portal says is all there is to see" if known.accounts else OFFICE
        return Stage.UNASKED, f"Nobody asks boxes of model {model} themselves: {told}."
    if not driver.enabled:
        return Stage.STUCK, f"{driver.name} is switched off, whatever the box does: {OFFICE}."
    if driver.parked_at is not None:
        why = quoted(driver.parked_reason or "it refuses us")
        return Stage.STUCK, f"{driver.name} is set aside, whatever the box does: {why}: {OFFICE}."
    if driver.is_down:
        why = quoted(driver.down_reason or "nobody answers")
        return Stage.WAITING, f"{driver.name} does not answer, whatever the box does: {why}."
    return None


def _of_box(known: Evidence) -> tuple[Stage, str]:
    """Say what the box itself, or its silence, asks for."""
    if known.doubts:
        return Stage.STUCK, _of_doubt(known.doubts[0])
    at = known.box_at
    row = at.waiting if at else None
    if at is None:
        return _patient(known, known.bound_at, "No wish has been made for it yet.")
    if row is None:
        return _unmarked(known, at)
    if row.parked_at is not None:
        return Stage.STUCK, (
            f"It was set aside: {quoted(row.error)}. It is not asked again by itself: "
            f"mend that, then ask it again; if that does not help, {OFFICE}."
        )
    if not row.error:
        told = "It is being asked, or its call is awaited."
        return (Stage.WAITING, told) if known.fresh else _silent(known, row, told)
    if row.attempts:
        return Stage.WAITING, (
            f"The last try came to nothing: {quoted(row.error)}. It is tried again by itself."
        )
    return _silent(known, row, "It has not answered yet: a box takes up to 2 minutes to start.")


def _of_doubt(case: Case) -> str:
    if case.kind not in _TOLD_FIRST:
        return _DOUBTS[case.kind]
    return f"{case.reason[:1].upper()}{case.reason[1:]}. {_DOUBTS[case.kind]}"


def _unmarked(known: Evidence, at: AtTarget) -> tuple[Stage, str]:
    """Say why it is not proven although nothing is being done about the box itself."""
    if known.fresh and at.is_proven:
        return _patient(known, known.bound_at, "The box is right; its portal is awaited.")
    return Stage.STUCK, "It has not been asked since it was registered: ask it again."


def _silent(known: Evidence, row: Waiting, at_first: str) -> tuple[Stage, str]:
    """Say what to look at when nobody answers, in the order in which it is found."""
    seen = known.fresh
    why = f" The last try said: {quoted(row.error)}." if row.error else ""
    if seen is not None:
        return Stage.STUCK, (
            f"It has answered and does no longer: was it unplugged, or does it restart? "
            f"Give it power and network again; it is asked again by itself.{why}"
        )
    if not _is_old(known, row.marked_at):
        return Stage.WAITING, at_first
    return Stage.STUCK, f"{NO_ANSWER}{why} Look at these, one after the other:"


def _steps(known: Evidence) -> tuple[str, ...]:
    """List what keeps a box from answering, in the order in which it is found."""
    steps = (
        "Power: does its light burn?",
        "Cable: is it in the socket marked LAN, and does the light beside it burn?",
        "Network: do other devices there work?",
    )
    return (*steps, f"The address: is it {known.address}?") if known.address else steps


def _patient(known: Evidence, since: datetime | None, told: str) -> tuple[Stage, str]:
    if since is not None and _is_old(known, since):
        return Stage.STUCK, f"{told} That takes too long: {OFFICE}."
    return Stage.WAITING, told


def _is_old(known: Evidence, since: datetime) -> bool:
    """Whether something has been awaited for longer than it takes where all is well."""
    begun = max(since, known.bound_at) if known.bound_at else since
    return known.now - begun > PATIENCE


def quoted(text: str) -> str:
    """Give what somebody else said, its last line, cut."""
    lines = text.strip().splitlines()
    return lines[-1][:QUOTED_CHARS_MAX].rstrip(".") if lines else "no reason was given"
