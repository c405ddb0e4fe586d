"""What follows from open invoices by their age. Two machines side by side.

Each open invoice is retried by its own age; the service climbs a ladder by the age of the oldest,
one step after the other, each so long behind the one before as the ladder says. A pure function of
invoices, attempts, notices, segment and clock: looked at daily or once, it ends alike.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from billing.dunning.hours import Slot
from billing.dunning.model import Action, Ladder, Step
from billing.dunning.segment import Segment
from billing.payments.model import Attempt, Debt
from billing.promises.model import Promise
from terms.calendar import days_after
from terms.ids import InvoiceId

# Of each invoice the days of the steps whose notices were given, and when that was.
Noticed = Mapping[InvoiceId, Mapping[int, date]]
_NOTHING: Mapping[int, date] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Debtor:
    """What dunning looks at: open invoices oldest first, their attempts, the notices given.

    `method` is what can be charged, if anything can. `cut_on` tells since when the account is dark
    for an open debt: what goes on needs no announcement. Who `has_left` has nothing any more and is
    asked once for what is still owed. While a `promise` stands no step is taken for what it covers,
    and nothing is held; the days go on being counted.
    """

    debts: Sequence[Debt]
    attempts: Mapping[InvoiceId, Sequence[Attempt]] = field(default_factory=dict)
    noticed: Noticed = field(default_factory=dict)
    method: str | None = None
    cut_on: date | None = None
    has_left: bool = False
    promise: Promise | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What follows now, and when to look again.

    `held` is the debt that holds the account's services, `held_since` since when.
    """

    held: Debt | None = None
    held_since: date | None = None
    notice: tuple[Debt, Step] | None = None
    retries: Sequence[tuple[Debt, int]] = ()
    next_at: Slot | None = None


def judge(debtor: Debtor, segment: Segment, now: Slot) -> Verdict:
    """Look at a debtor at an hour of a day."""
    debts = debtor.debts
    if not debts:
        return Verdict()
    oldest, ladder, today = debts[0], segment.ladder, now.day
    is_enough = not segment.least_minor or _overdue(debts, today) >= segment.least_minor
    coming = _steps_to_come(debts, segment, today)
    since, step = None, None
    if is_enough and not debtor.promise:
        since, cut_off_at = _held(debtor, segment, now)
        step, notice_on = _notice(oldest, debtor.noticed, ladder)
        if notice_on is not None and notice_on > today:
            step = None
            coming.append(Slot(notice_on))
        if cut_off_at:
            coming.append(cut_off_at)
    tries = []
    for debt, at in _tries(debtor, segment if is_enough else None, now):
        if at == now:
            tries.append((debt, _made(debtor, debt) + 1))
        else:
            coming.append(at)
    if step:
        # What comes next is counted from the notice that is given now.
        given = {**debtor.noticed.get(oldest.invoice, _NOTHING), step.after_days: today}
        told = replace(debtor, noticed={**debtor.noticed, oldest.invoice: given})
        coming = [at for at in (judge(told, segment, now).next_at,) if at]
    return Verdict(
        held=oldest if since else None,
        held_since=since,
        notice=(oldest, step) if step else None,
        retries=tries,
        next_at=min(coming, default=None),
    )


def _tries(debtor: Debtor, segment: Segment | None, now: Slot) -> Iterator[tuple[Debt, Slot]]:
    """Yield when to try to collect which debt next; without a segment only the first time."""
    promise = debtor.promise
    for debt in debtor.debts if debtor.method else ():
        if not (promise and promise.covers(debt)) and (at := _try_at(debtor, debt, segment, now)):
            yield debt, at


def _overdue(debts: Sequence[Debt], today: date) -> int:
    return sum(debt.rest.amount_minor for debt in debts if debt.due_on <= today)


def _steps_to_come(debts: Sequence[Debt], segment: Segment, today: date) -> list[Slot]:
    """List of each debt the next day on which a step falls."""
    coming = []
    for debt in debts:
        looks = segment.days(debt.due_on).looks
        place = bisect_right(looks, today)
        if place < len(looks):
            coming.append(Slot(looks[place]))
    return coming


def _held(debtor: Debtor, segment: Segment, now: Slot) -> tuple[date | None, Slot | None]:
    """Tell since when the oldest debt holds, or when it is going to.

    Not while the outcome of an attempt from before that day is still to come: whoever may have
    paid is not cut off.
    """
    oldest = debtor.debts[0]
    first = segment.days(oldest.due_on).cut_on
    if first is None or first > now.day:
        return None, None
    if debtor.cut_on:
        since = max(first, debtor.cut_on)
        return (None if _may_have_paid(debtor, oldest, first) else since), None
    day = _announced_for(
        oldest, debtor.noticed, segment.ladder, segment.ladder.of(Action.SUSPEND)[0]
    )
    if day is None:
        return None, None
    at = segment.cut_off.first(max(Slot(day), now))
    if at != now:
        return None, at
    day = segment.cut_off.first(Slot(day)).day
    return (None if _may_have_paid(debtor, oldest, day) else day), None


def _may_have_paid(debtor: Debtor, debt: Debt, before: date) -> bool:
    attempts = debtor.attempts.get(debt.invoice, ())
    return any(one.is_unsettled and one.opened_on < before for one in attempts)


def _announced_for(debt: Debt, noticed: Noticed, ladder: Ladder, step: Step) -> date | None:
    """Tell the first day for a step that the notice before it announces; None before it is given.

    As many days lie between the two as the ladder says, however late the notice was given.
    """
    day = days_after(debt.due_on, step.after_days)
    before = [one for one in ladder.of(Action.NOTICE) if one.after_days < step.after_days]
    if not before:
        return day
    given_on = _given_on(noticed.get(debt.invoice, _NOTHING), before[-1])
    if given_on is None:
        return None
    return max(day, days_after(given_on, step.after_days - before[-1].after_days))


def _given_on(noticed: Mapping[int, date], step: Step) -> date | None:
    """Tell when the notice of a step was given; a later one stands for it."""
    given_on = noticed.get(step.after_days)
    if given_on is None:
        later = [on for days, on in noticed.items() if days > step.after_days]
        return min(later) if later else None
    return given_on


def _notice(oldest: Debt, noticed: Noticed, ladder: Ladder) -> tuple[Step | None, date | None]:
    """Pick the first notice that was not given, and its day."""
    given = noticed.get(oldest.invoice, _NOTHING)
    for step in ladder.of(Action.NOTICE):
        if step.after_days not in given and _given_on(given, step) is None:
            return step, _announced_for(oldest, noticed, ladder, step)
    return None, None


def _n(one: Attempt) -> int:
    return one.n


def _made(debtor: Debtor, debt: Debt) -> int:
    return max(map(_n, debtor.attempts.get(debt.invoice, ())), default=-1)


def _try_at(debtor: Debtor, debt: Debt, segment: Segment | None, now: Slot) -> Slot | None:
    """Tell when to try to collect a debt.

    The first try is due with the invoice. Steps that were slept through make one try together. One
    that was superseded took no step, and a method that was not tried yet is tried at once.
    """
    attempts = debtor.attempts.get(debt.invoice, ())
    if debt.due_on > now.day or any(one.is_unsettled for one in attempts):
        return None
    if not attempts:
        return now
    last = max(attempts, key=_n)
    tried = (one.method == debtor.method for one in attempts if not one.is_superseded)
    if last.is_superseded or not any(tried):
        return now
    if segment is None or debtor.has_left:
        return None
    for slot in segment.days(debt.due_on).tries:
        if slot.day > last.opened_on:
            return segment.retries.hours.first(max(slot, now))
    return None
