"""What would follow for a debtor within some days if nobody paid. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from billing.dunning.hours import Slot
from billing.dunning.judging import Debtor, Verdict, judge
from billing.dunning.segment import Segment

LOOKS_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """On which days a debtor is told, on which day it goes dark first, and comes back."""

    told_on: tuple[date, ...] = ()
    suspended_on: date | None = None
    restored_on: date | None = None


def foresee(debtor: Debtor, segment: Segment, now: Slot, until: Slot) -> Outlook:
    """Follow a debtor from look to look. Every try is taken to fail, a promise to be broken."""
    told: list[date] = []
    suspended_on: date | None = None
    restored_on: date | None = None
    for at, before, verdict in _looks(debtor, segment, now, until):
        if verdict.notice:
            told.append(at.day)
        if verdict.held_since and not before.cut_on:
            suspended_on = suspended_on or at.day
        if before.cut_on and not verdict.held_since and not before.promise:
            restored_on = at.day
    return Outlook(told_on=tuple(told), suspended_on=suspended_on, restored_on=restored_on)


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
        debtor = replace(debtor, cut_on=verdict.held_since)
        if verdict.notice:
            debt, step = verdict.notice
            given = {**debtor.noticed.get(debt.invoice, {}), step.after_days: at.day}
            debtor = replace(debtor, noticed={**debtor.noticed, debt.invoice: given})
        at = after
