"""Dunning: what follows from open invoices by their age. Two machines side by side.

Each open invoice is retried by its own age; the service climbs a ladder by the age of the oldest.
A pure function of invoices, attempts, ladder and day: looked at daily or once, it ends alike.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from billing.payments.model import Attempt, Debt
from billing.promises.model import Promise
from terms.calendar import days_after
from terms.entitlement import ServiceState
from terms.errors import Invalid
from terms.ids import InvoiceId, ServiceId

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


Taken = Collection[tuple[InvoiceId, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Debtor:
    """What dunning looks at: open invoices oldest first, their attempts, the notices given.

    `may_charge` says whether there is a `method` that can be charged. While a `promise` stands no
    step is taken for what it covers, and nothing is held; the days go on being counted.
    """

    debts: Sequence[Debt]
    attempts: Mapping[InvoiceId, Sequence[Attempt]]
    noticed: Taken
    may_charge: bool
    method: str = ""
    promise: Promise | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What follows today, and the next day on which to look.

    `held` is the debt that holds the account's services, `held_since` since when.
    """

    held: Debt | None = None
    held_since: date | None = None
    notice: tuple[Debt, Step] | None = None
    retries: Sequence[tuple[Debt, int]] = ()
    next_on: date | None = None


def judge(debtor: Debtor, ladder: Ladder, today: date) -> Verdict:
    """Look at a debtor on a day."""
    if not debtor.debts:
        return Verdict()
    oldest = debtor.debts[0]
    promise = debtor.promise
    held_since = None if promise else _held_since(debtor, ladder, today)
    return Verdict(
        held=oldest if held_since else None,
        held_since=held_since,
        notice=None if promise else _notice(oldest, debtor.noticed, ladder, today),
        retries=_retries(debtor, ladder, today),
        next_on=_next_on(debtor.debts, ladder, today),
    )


def _held_since(debtor: Debtor, ladder: Ladder, today: date) -> date | None:
    """Since when the oldest debt holds.

    Not while the outcome of an attempt from before that day is still to come: whoever may have
    paid is not cut off.
    """
    oldest, steps = debtor.debts[0], ladder.of(Action.SUSPEND)
    if not steps or (first := days_after(oldest.due_on, steps[0].after_days)) > today:
        return None
    attempts = debtor.attempts.get(oldest.invoice, ())
    return None if any(a.is_unsettled and a.opened_on < first for a in attempts) else first


def _notice(oldest: Debt, noticed: Taken, ladder: Ladder, today: date) -> tuple[Debt, Step] | None:
    """Pick the latest step that is due, unless it was taken; those slept through are left out."""
    age = (today - oldest.due_on).days
    due = [step for step in ladder.of(Action.NOTICE) if step.after_days <= age]
    if not due or (oldest.invoice, due[-1].after_days) in noticed:
        return None
    return oldest, due[-1]


def _retries(debtor: Debtor, ladder: Ladder, today: date) -> list[tuple[Debt, int]]:
    """Debts to collect now, each with the number of the try.

    The first try is due with the invoice, that of another method at once. Steps that were slept
    through make one try together. One that was superseded took a number and no step.
    """
    if not debtor.may_charge:
        return []
    steps = ladder.of(Action.RETRY)
    tries = []
    for debt in debtor.debts:
        if debtor.promise and debtor.promise.covers(debt):
            continue
        attempts = debtor.attempts.get(debt.invoice, ())
        made = max((attempt.n for attempt in attempts), default=-1)
        age = (today - debt.due_on).days
        n = sum(step.after_days <= age for step in steps)
        n += sum(attempt.is_superseded for attempt in attempts) + _others(attempts, debtor.method)
        if debt.due_on <= today and n > made and not any(a.is_unsettled for a in attempts):
            tries.append((debt, n))
    return tries


def _others(attempts: Sequence[Attempt], method: str) -> int:
    """Count the methods that took a number out of turn: each after the first is tried at once."""
    if not attempts or not method:
        return 0
    tried = {attempt.method for attempt in attempts if not attempt.is_superseded}
    return len(tried | {method}) - 1


def _next_on(debts: Sequence[Debt], ladder: Ladder, today: date) -> date | None:
    coming = None
    for debt in debts:
        place = bisect_right(ladder.looks, (today - debt.due_on).days)
        if place < len(ladder.looks):
            day = days_after(debt.due_on, ladder.looks[place])
            coming = day if coming is None or day < coming else coming
    return coming


def _by_day(step: Step) -> tuple[int, str, str]:
    return step.after_days, step.action.value, step.notice
