"""How far a box has come since it was registered: what itself and its portals answered. Pure.

Every line is about one thing that has to become true. What is wished is only ever what an answer
is compared with; nothing is true here because somebody wished it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.inventory.model import Resource
from gateway.inventory.reviews import Case
from gateway.provisioning.targets import Target
from gateway.reads.services import AtTarget
from terms.entitlement import ServiceState

_DARK = {
    ServiceState.PENDING: "nothing is paid yet",
    ServiceState.SUSPENDED: "the service is suspended",
    ServiceState.ENDED: "the service has ended",
}


class About(StrEnum):
    """What has to become true."""

    REACHED = "reached"  # it has answered since it was registered
    IDENTITY = "identity"  # it is the box that the label says
    REVISION = "revision"  # it carries the newest wish
    PACKAGES = "packages"  # it holds the packages of the rights
    PICTURE = "picture"  # it is on, or dark, as the rights say
    PORTAL = "portal"  # the portal knows it


class Mark(StrEnum):
    """How one line stands."""

    SEEN = "seen"  # answered, and right
    AWAITED = "awaited"
    WRONG = "wrong"  # answered, and not right


class Stage(StrEnum):
    """How all of it stands."""

    PROVEN = "proven"  # seen, since it was registered, to hold the newest wish
    WAITING = "waiting"
    STUCK = "stuck"  # somebody has to do something
    UNASKED = "unasked"  # no target drives boxes of its model: nobody can ask it
    AWAY = "away"  # no household holds it


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One line of it: what was answered, and at which instant of the machine."""

    about: About
    mark: Mark
    answer: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Work on the rights of a household that is not over: its box has no newest wish yet."""

    since: datetime
    error: str = ""
    is_parked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is known. `bound_at` is when the household got the box.

    `box_at` is the box at the target that drives it, `accounts` the household's at its portals,
    `composing` work on its rights; `cases` are open ones of the review list.
    """

    box: Resource
    now: datetime
    bound_at: datetime | None = None
    driver: Target | None = None
    box_at: AtTarget | None = None
    accounts: Sequence[AtTarget] = ()
    composing: Waiting | None = None
    problems: Sequence[str] = ()
    cases: Sequence[Case] = ()
    address: str = ""

    def is_fresh(self, at: datetime | None) -> bool:
        """Whether something was seen since the household has the box."""
        return at is not None and self.bound_at is not None and at >= self.bound_at

    @property
    def fresh(self) -> AtTarget | None:
        """The box as it was seen since then; None where it was not."""
        at = self.box_at
        return at if at and at.held is not None and self.is_fresh(at.seen_at) else None

    @property
    def doubts(self) -> Sequence[Case]:
        """What was found since then that does not fit the box."""
        return [case for case in self.cases if self.is_fresh(case.seen_at)]

    @property
    def waits_since(self) -> datetime | None:
        """Since when an answer is awaited."""
        if self.composing is not None:
            return self.composing.since
        row = self.box_at.waiting if self.box_at else None
        return row.marked_at if row else self.bound_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a box has come. `advice` says what to do or what is awaited, `since` since when.

    `steps` are what to look at in turn, where there are several things.
    All instants are the machine's; `state` is what the rights of the household say.
    """

    stage: Stage
    advice: str
    lines: Sequence[Answered]
    bound_at: datetime | None = None
    since: datetime | None = None
    state: ServiceState | None = None
    steps: Sequence[str] = ()


def lines_of(known: Evidence) -> tuple[Answered, ...]:
    """Tell line by line what was answered."""
    told = (*_of_box(known), *_of_portals(known)) if known.driver else tuple(_of_portals(known))
    return told if known.box.is_held else ()


def is_proven(known: Evidence, lines: Sequence[Answered]) -> bool:
    """Tell whether the box was seen, since its household has it, to hold the newest wish."""
    at = known.fresh
    return (
        at is not None
        and known.driver is not None
        and at.is_proven
        and known.composing is None
        and not known.problems
        and all(line.mark is Mark.SEEN for line in lines)
    )


def _of_box(known: Evidence) -> Iterator[Answered]:
    yield _reached(known)
    yield _identity(known)
    at = known.fresh
    if at is None or at.held is None:
        none_yet = "no answer that counts yet" if known.doubts else "no answer yet"
        for about in (About.REVISION, About.PACKAGES, About.PICTURE):
            yield Answered(about=about, mark=Mark.AWAITED, answer=none_yet)
        return
    yield _revision(known, at)
    held, wished = at.held, at.wished
    yield Answered(
        about=About.PACKAGES,
        mark=_when(known, is_right=held.packages == wished.packages),
        answer=_compared(_listed(held.packages), _listed(wished.packages)),
        at=at.seen_at,
    )
    is_right = held.enabled == wished.enabled
    light = _light(held.enabled, at.state if is_right else None)
    yield Answered(
        about=About.PICTURE,
        mark=_when(known, is_right=is_right),
        answer=_compared(light, light if is_right else _light(wished.enabled, None)),
        at=at.seen_at,
    )


def _reached(known: Evidence) -> Answered:
    at = known.fresh
    if at is not None:
        return Answered(
            about=About.REACHED, mark=Mark.SEEN, answer="it has answered", at=at.seen_at
        )
    told, seen_at = "not since it was registered", None
    if known.doubts:
        told, seen_at = "what answers is in doubt: see the next line", known.doubts[0].seen_at
    return Answered(about=About.REACHED, mark=Mark.AWAITED, answer=told, at=seen_at)


def _identity(known: Evidence) -> Answered:
    if known.doubts:
        case = known.doubts[0]
        return Answered(about=About.IDENTITY, mark=Mark.WRONG, answer=case.reason, at=case.seen_at)
    at = known.fresh
    if at is None or at.held is None:
        return Answered(about=About.IDENTITY, mark=Mark.AWAITED, answer="no answer yet")
    is_right = at.held.ref == known.box.serial
    return Answered(
        about=About.IDENTITY,
        mark=Mark.SEEN if is_right else Mark.WRONG,
        answer=f"it says it is {at.held.ref}",
        at=at.seen_at,
    )


def _revision(known: Evidence, at: AtTarget) -> Answered:
    if known.composing is not None:
        told = "its rights are being worked out"
    elif at.revision == at.proven_revision:
        told = f"it was seen to hold revision {at.revision}"
    else:
        told = f"not the newest one yet; revision {at.revision} is awaited"
    is_right = at.revision == at.proven_revision
    mark = _when(known, is_right=is_right)
    return Answered(about=About.REVISION, mark=mark, answer=told, at=at.seen_at)


def _of_portals(known: Evidence) -> Iterator[Answered]:
    mac = known.box.mac
    for at in known.accounts:
        if mac is None:
            continue
        is_there = at.held is not None and mac in at.held.devices
        if is_there and known.is_fresh(at.seen_at):
            told, mark = f"{at.target} knows it", Mark.SEEN
        elif is_there:
            told, mark = f"{at.target} has not been asked again yet", Mark.AWAITED
        else:
            told, mark = f"{at.target} does not know it yet", Mark.AWAITED
        seen_at = at.seen_at if known.is_fresh(at.seen_at) else None
        yield Answered(about=About.PORTAL, mark=mark, answer=told, at=seen_at)


def _when(known: Evidence, *, is_right: bool) -> Mark:
    """Wait with everything that is compared with a wish while a newer wish is being made."""
    return Mark.SEEN if is_right and known.composing is None else Mark.AWAITED


def _light(is_on: bool, state: ServiceState | None) -> str:  # noqa: FBT001 - it is what is told
    if is_on:
        return "active"
    why = _DARK.get(state) if state else None
    return f"dark, and that is right: {why}" if why else "dark"


def _listed(packages: frozenset[str]) -> str:
    return ", ".join(sorted(packages)) or "none"


def _compared(held: str, wished: str) -> str:
    return held if held == wished else f"{held}; awaited is {wished}"
