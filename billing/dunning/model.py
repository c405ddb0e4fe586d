"""Dunning: the ladder of steps by the age of a debt, and the holds that it raises. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from terms.entitlement import ServiceState
from terms.errors import Invalid
from terms.ids import ServiceId

AFTER_DAYS_MAX = 3_650
NOTICE_CHARS_MAX = 40


class Action(StrEnum):
    """What a step does."""

    RETRY = "retry"  # collect again
    NOTICE = "notice"  # tell the household
    SUSPEND = "suspend"  # hold the service


class HoldKind(StrEnum):
    """Why a service is held. Raised and dropped by facts; several may stand at once."""

    UNPAID_FIRST = "unpaid_first"  # what must be paid before it goes live is not paid
    DUNNING = "dunning"  # a debt has grown too old
    PAUSED = "paused"  # the household wants it to rest


# What each hold makes of a service, the one that decides first.
EFFECT: Mapping[HoldKind, ServiceState] = {
    HoldKind.UNPAID_FIRST: ServiceState.PENDING,
    HoldKind.DUNNING: ServiceState.SUSPENDED,
    HoldKind.PAUSED: ServiceState.SUSPENDED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One reason why a service may not be watched; `cause` names it to people."""

    service: ServiceId
    kind: HoldKind
    since_on: date
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step, so many days after the due date; `notice` is the kind of notice to give."""

    after_days: int
    action: Action
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Ladder:
    """All steps, in order of their days. Raises Invalid for steps that make no sense."""

    steps: tuple[Step, ...] = ()
    _of: Mapping[Action, list[Step]] = field(init=False, repr=False, compare=False)
    # The days after a due date on which something may follow, in order.
    looks: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        steps = tuple(sorted(self.steps, key=_by_day))
        object.__setattr__(self, "steps", steps)
        of = {action: [step for step in steps if step.action is action] for action in Action}
        object.__setattr__(self, "_of", of)
        object.__setattr__(self, "looks", tuple(sorted({0, *(step.after_days for step in steps)})))
        notice_days = [step.after_days for step in self.of(Action.NOTICE)]
        if len(set(notice_days)) < len(notice_days):
            raise Invalid("dunning.steps", "two notices on one day: a household gets one a day")
        for step in self.steps:
            if not 0 <= step.after_days <= AFTER_DAYS_MAX:
                raise Invalid("dunning.steps.after_days", f"must be 0 to {AFTER_DAYS_MAX}")
            if bool(step.notice) != (step.action is Action.NOTICE):
                raise Invalid(
                    "dunning.steps.notice", "belongs to the action notice, and to no other"
                )
            if len(step.notice) > NOTICE_CHARS_MAX:
                raise Invalid("dunning.steps.notice", f"longer than {NOTICE_CHARS_MAX} characters")

    def of(self, action: Action) -> list[Step]:
        """List the steps of one action."""
        return self._of[action]


def _by_day(step: Step) -> tuple[int, str, str]:
    return step.after_days, step.action.value, step.notice
