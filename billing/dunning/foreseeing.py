"""What would follow for a debtor within some days if nobody paid. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from billing.dunning.hours import Slot
from billing.dunning.judging import Debtor, Verdict, judge
from billing.dunning.model import Action
from billing.dunning.segment import Segment

LOOKS_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """On which days a debtor is told, on which each other action comes first, and it comes back."""

    told_on: tuple[date, ...] = ()
    first_on: Mapping[Action, date] = field(default_factory=dict)
    restored_on: date | None = None


def foresee(debtor: Debtor, segment: Segment, now: Slot, until: Slot) -> Outlook:
    """Follow a debtor from look to look. Every try is taken to fail, a promise to be broken."""
    told: list[date] = []
    first_on: dict[Action, date] = {}
    restored_on: date | None = None
    for at, before, verdict in _looks(debtor, segment, now, until):
        if verdict.notice:
            told.append(at.day)
        if verdict.climbs and verdict.held_by:
            first_on.setdefault(verdict.held_by.action, at.day)
        if before.cut and not verdict.cut:
            restored_on = at.day
    return Outlook(told_on=tuple(told), first_on=first_on, restored_on=restored_on)


def _looks(
    debtor: Debtor, segment: Segment, now: Slot, until: Slot
) -> Iterator[tuple[Slot, Debtor, Verdict]]:
    at: Slot | None = now
    for _ in range(LOOKS_MAX):
        if at is None or at > until:
            return
        if debtor.promise and debtor.promise.over_on <= at.day:
            debtor = replace(debtor, promise=None)
        # Whether a try is made changes neither notices nor holds.
        one = replace(debtor, method=None)
        verdict = judge(one, segment, at)
        yield at, one, verdict
        after = verdict.next_at
        if debtor.promise:
            over = Slot(debtor.promise.over_on)
            after = min(over, after) if after else over
        debtor = _later(debtor, verdict, at)
        if verdict.climbs and verdict.held_by and verdict.held_by.action is Action.TERMINATE:
            # What follows is counted from the day on which all has ended: this one.
            after = judge(replace(debtor, method=None), segment, at).next_at
        at = after


def _later(debtor: Debtor, verdict: Verdict, at: Slot) -> Debtor:
    """Give the debtor as it is when a look is over."""
    has_ended = verdict.cut is not None and verdict.cut.rung == Action.TERMINATE
    debtor = replace(debtor, cut=verdict.cut, has_left=debtor.has_left or has_ended)
    if verdict.notice:
        debt, step = verdict.notice
        given = {**debtor.noticed.get(debt.invoice, {}), step.after_days: at.day}
        debtor = replace(debtor, noticed={**debtor.noticed, debt.invoice: given})
    return debtor
