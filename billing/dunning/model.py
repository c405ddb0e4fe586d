"""Dunning: the ladder of steps by the age of a debt, and the holds that it raises. Pure.

The steps that touch the service are its rungs: one after the other, each stands until the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from billing.dunning.level import Level
from terms.entitlement import ServiceState
from terms.errors import Invalid
from terms.ids import ServiceId

AFTER_DAYS_MAX = 3_650
NOTICE_CHARS_MAX = 40


class Action(StrEnum):
    """What a step does."""

    RETRY = "retry"  # collect again
    NOTICE = "notice"  # tell the household
    LIMIT = "limit"  # leave the service some of what it is for
    SUSPEND = "suspend"  # hold the service
    TERMINATE = "terminate"  # end all that the account has
    WRITE_OFF = "write_off"  # give up what is still owed


# What touches the service, in the order in which it may follow.
RUNGS = (Action.LIMIT, Action.SUSPEND, Action.TERMINATE, Action.WRITE_OFF)
# What more is done of than holding the service: by a row of work.
CARRIED_OUT = frozenset({Action.TERMINATE, Action.WRITE_OFF})
# What each but the first needs before it on the same ladder.
_NEEDS = {Action.TERMINATE: Action.SUSPEND, Action.WRITE_OFF: Action.TERMINATE}


class HoldKind(StrEnum):
    """Why a service is held. Raised and dropped by facts; several may stand at once."""

    UNPAID_FIRST = "unpaid_first"  # what must be paid before it goes live is not paid
    DUNNING = "dunning"  # a debt has grown too old
    PAUSED = "paused"  # the household wants it to rest
    LIMITED = "limited"  # a debt has grown old: a level of the ladder stands


# What each hold makes of a service, the one that decides first.
EFFECT: Mapping[HoldKind, ServiceState] = {
    HoldKind.UNPAID_FIRST: ServiceState.PENDING,
    HoldKind.DUNNING: ServiceState.SUSPENDED,
    HoldKind.PAUSED: ServiceState.SUSPENDED,
    HoldKind.LIMITED: ServiceState.LIMITED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One reason why a service may not be watched, or not all of it; `cause` names it to people.

    `level` is the name of what is left of one that is limited.
    """

    service: ServiceId
    kind: HoldKind
    since_on: date
    cause: str
    level: str = ""


class Cut(NamedTuple):
    """The rung that stands for an invoice, by its name, and since when.

    One that `rests` holds nothing: a promise stands, or is over and its hour has not come again.
    """

    rung: str
    on: date
    rests: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step, so many days after the due date.

    `notice` is the kind of notice to give, `level` what a limit leaves.
    """

    after_days: int
    action: Action
    notice: str = ""
    level: Level | None = None

    @property
    def rung(self) -> str:
        """Name what it makes of the service, whatever its day."""
        return f"{self.action.value}:{self.level.name}" if self.level else self.action.value


@dataclass(frozen=True, slots=True)
class Ladder:
    """All steps, in order of their days. Raises Invalid for steps that make no sense."""

    steps: tuple[Step, ...] = ()
    _of: Mapping[Action, list[Step]] = field(init=False, repr=False, compare=False)
    # What touches the service, in order; of several suspensions the first one counts.
    rungs: tuple[Step, ...] = field(init=False, repr=False, compare=False)
    places: Mapping[str, int] = field(init=False, repr=False, compare=False)
    names: tuple[str, ...] = field(init=False, repr=False, compare=False)
    # The days after a due date on which something may follow, in order.
    looks: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        steps = tuple(sorted(self.steps, key=_by_day))
        object.__setattr__(self, "steps", steps)
        of = {action: [step for step in steps if step.action is action] for action in Action}
        object.__setattr__(self, "_of", of)
        object.__setattr__(self, "looks", tuple(sorted({0, *(step.after_days for step in steps)})))
        for step in steps:
            _check_step(step)
        notice_days = [step.after_days for step in self.of(Action.NOTICE)]
        if len(set(notice_days)) < len(notice_days):
            raise Invalid("dunning.steps", "two notices on one day: a household gets one a day")
        suspensions = self.of(Action.SUSPEND)[1:]
        rungs = tuple(s for s in steps if s.action in RUNGS and s not in suspensions)
        _check_rungs(rungs)
        object.__setattr__(self, "rungs", rungs)
        names = tuple(step.rung for step in rungs)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "places", {name: n for n, name in enumerate(names)})

    def of(self, action: Action) -> list[Step]:
        """List the steps of one action."""
        return self._of[action]

    def rung_before(self, step: Step) -> int:
        """Tell the place of the last rung before the day of a step; -1 where there is none."""
        return sum(rung.after_days < step.after_days for rung in self.rungs) - 1


def _check_step(step: Step) -> None:
    if not 0 <= step.after_days <= AFTER_DAYS_MAX:
        raise Invalid("dunning.steps.after_days", f"must be 0 to {AFTER_DAYS_MAX}")
    if bool(step.notice) != (step.action is Action.NOTICE):
        raise Invalid("dunning.steps.notice", "belongs to the action notice, and to no other")
    if bool(step.level) != (step.action is Action.LIMIT):
        raise Invalid("dunning.steps.level", "belongs to the action limit, and to no other")
    if len(step.notice) > NOTICE_CHARS_MAX:
        raise Invalid("dunning.steps.notice", f"longer than {NOTICE_CHARS_MAX} characters")


def _check_rungs(rungs: Sequence[Step]) -> None:
    for before, step in pairwise(rungs):
        if before.after_days == step.after_days:
            where = f"{before.action.value} and {step.action.value}"
            raise Invalid("dunning.steps", f"{where} on one day: a service takes one step a day")
        if RUNGS.index(step.action) < RUNGS.index(before.action):
            why = f"{step.action.value} after {before.action.value} comes too late"
            raise Invalid("dunning.steps", why)
    names = [step.rung for step in rungs]
    if len(set(names)) < len(names):
        raise Invalid("dunning.steps", "a level, an end or a write-off comes once at most")
    had = {step.action for step in rungs}
    for action, needed in _NEEDS.items():
        if action in had and needed not in had:
            raise Invalid("dunning.steps", f"{action.value} needs a {needed.value} before it")


def _by_day(step: Step) -> tuple[int, str, str]:
    return step.after_days, step.action.value, step.notice
