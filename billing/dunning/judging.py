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
from typing import NamedTuple

from billing.dunning.hours import Slot
from billing.dunning.model import Action, Cut, Ladder, Step
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

    `method` is what can be charged, if anything can: after money went back a person decides. `cut`
    is the rung that stands for an open debt: what goes on needs no announcement. Who `has_left` has
    nothing any more and is asked once for what is still owed. While a `promise` stands no step is
    taken for what it covers, and nothing is held; the days go on being counted. Who `is_braked`
    takes no further rung. The method of who `is_debited` is a mandate: no step is taken while a
    debit is under way.
    """

    debts: Sequence[Debt]
    attempts: Mapping[InvoiceId, Sequence[Attempt]] = field(default_factory=dict)
    noticed: Noticed = field(default_factory=dict)
    method: str | None = None
    is_debited: bool = False
    cut: Cut | None = None
    has_left: bool = False
    promise: Promise | None = None
    is_braked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What follows now, and when to look again.

    `cut` is the rung on which the account stands for its oldest debt; where it `climbs` it is taken
    now. Unless it rests, `held` is that debt, `held_by` the rung and `held_since` since when.
    """

    cut: Cut | None = None
    held: Debt | None = None
    held_by: Step | None = None
    held_since: date | None = None
    climbs: bool = False
    notice: tuple[Debt, Step] | None = None
    retries: Sequence[tuple[Debt, int]] = ()
    next_at: Slot | None = None


class _Standing(NamedTuple):
    """On which rung the oldest debt stands: -1 on none. `next_at` is when the next is taken."""

    place: int = -1
    since: date = date.min
    climbs: bool = False
    rests: bool = False
    next_at: Slot | None = None


_NOWHERE = _Standing()


def judge(debtor: Debtor, segment: Segment, now: Slot) -> Verdict:
    """Look at a debtor at an hour of a day."""
    debts = debtor.debts
    if not debts:
        return Verdict()
    oldest, today = debts[0], now.day
    is_enough = not segment.least_minor or _overdue(debts, today) >= segment.least_minor
    coming = _steps_to_come(debts, segment, today)
    standing = _standing(debtor, segment, now) if is_enough else _NOWHERE
    step = None
    if is_enough and not debtor.promise:
        step, notice_on = _notice(debtor, segment, standing)
        if notice_on is None or notice_on > today or _is_debited(debtor, oldest, segment, now):
            step = None
        if notice_on or standing.next_at:
            coming += _slots(notice_on, standing, today)
    tries = []
    for debt, at in _tries(debtor, segment if is_enough else None, now) if debtor.method else ():
        if at == now:
            tries.append((debt, _made(debtor, debt) + 1))
        else:
            coming.append(at)
    if step or standing.climbs:
        # What comes next is counted from what is done now.
        after = judge(_later(debtor, segment, standing, step, today), segment, now)
        coming = [after.next_at] if after.next_at else []
    place, since, rests = standing.place, standing.since, standing.rests
    is_held = place >= 0 and not rests
    return Verdict(
        cut=Cut(segment.ladder.names[place], since, rests) if place >= 0 else None,
        held=oldest if is_held else None,
        held_by=segment.ladder.rungs[place] if is_held else None,
        held_since=since if is_held else None,
        climbs=standing.climbs,
        notice=(oldest, step) if step else None,
        retries=tries,
        next_at=min(coming, default=None),
    )


def _slots(notice_on: date | None, standing: _Standing, today: date) -> Iterator[Slot]:
    if notice_on and notice_on > today:
        yield Slot(notice_on)
    if standing.next_at:
        yield standing.next_at


def _later(
    debtor: Debtor, segment: Segment, standing: _Standing, step: Step | None, today: date
) -> Debtor:
    """Give the debtor as it is when this look is over."""
    oldest, noticed, cut = debtor.debts[0], debtor.noticed, debtor.cut
    if step:
        given = {**noticed.get(oldest.invoice, _NOTHING), step.after_days: today}
        noticed = {**noticed, oldest.invoice: given}
    if standing.climbs:
        cut = Cut(segment.ladder.names[standing.place], today)
    return replace(debtor, noticed=noticed, cut=cut)


def _tries(debtor: Debtor, segment: Segment | None, now: Slot) -> Iterator[tuple[Debt, Slot]]:
    """Yield when to try to collect which debt next; without a segment only the first time."""
    promise = debtor.promise
    for debt in debtor.debts:
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


def _standing(debtor: Debtor, segment: Segment, now: Slot) -> _Standing:
    """Tell on which rung the oldest debt stands, and when it takes the next one.

    It stands on none while the outcome of an attempt from before its day is still to come: whoever
    may have paid is not cut off.
    """
    oldest, cut = debtor.debts[0], debtor.cut
    days = segment.days(oldest.due_on).rungs
    place = bisect_right(days, now.day) - 1
    if place < 0:
        return _NOWHERE
    standing = _NOWHERE
    if cut:
        reached, place = place, min(place, segment.ladder.places.get(cut.rung, -1))
        while place >= 0 and _may_have_paid(debtor, oldest, days[place]):
            place -= 1
        if place >= 0:
            at = segment.cut_off.first(now) if cut.rests else now
            standing = _Standing(
                place,
                max(days[place], cut.on),
                rests=bool(debtor.promise) or at != now,
                # After a promise it holds again at its next hour.
                next_at=at if at != now and not debtor.promise else None,
            )
        if place == reached:
            return standing
    if debtor.promise or standing.rests:
        return standing
    if debtor.is_braked:
        # Whoever lets it go marks the account; it is looked at every day all the same.
        return standing._replace(next_at=Slot(days_after(now.day, 1)))
    return _climbed(debtor, segment, standing, now)


def _climbed(debtor: Debtor, segment: Segment, standing: _Standing, now: Slot) -> _Standing:
    """Take the next rung, which is old enough, where nothing else is in its way."""
    oldest, rungs, place = debtor.debts[0], segment.ladder.rungs, standing.place + 1
    step = rungs[place]
    day = _announced_for(oldest, debtor.noticed, segment.ladder, step)
    if day is None:
        return standing
    if standing.place >= 0:
        kept = step.after_days - rungs[standing.place].after_days
        day = max(day, days_after(standing.since, kept))
    if step.action is Action.WRITE_OFF:
        if not debtor.has_left:
            return standing
        day = max(day, *(debt.due_on for debt in debtor.debts))
    at = segment.cut_off.first(max(Slot(day), now))
    if at != now:
        return standing._replace(next_at=at)
    before = segment.cut_off.first(Slot(day)).day
    if _may_have_paid(debtor, oldest, before) or _is_debited(debtor, oldest, segment, now):
        return standing
    return _Standing(place, now.day, climbs=True)


def _is_debited(debtor: Debtor, debt: Debt, segment: Segment, now: Slot) -> bool:
    """Whether a direct debit for it is under way, or begins now: neither notice nor rung falls."""
    attempts = debtor.attempts.get(debt.invoice, ()) if debtor.attempts else ()
    if any(one.is_debit and one.is_unsettled for one in attempts):
        return True
    return (
        debtor.is_debited
        and debtor.method is not None
        and _try_at(debtor, debt, segment, now) == now
    )


def _may_have_paid(debtor: Debtor, debt: Debt, before: date) -> bool:
    attempts = debtor.attempts.get(debt.invoice) if debtor.attempts else None
    if not attempts:
        return False
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


def _notice(
    debtor: Debtor, segment: Segment, standing: _Standing
) -> tuple[Step | None, date | None]:
    """Pick the first notice that was not given, and its day; no day before the rung before it."""
    oldest, ladder = debtor.debts[0], segment.ladder
    given = debtor.noticed.get(oldest.invoice, _NOTHING)
    for step in ladder.of(Action.NOTICE):
        if step.after_days not in given and _given_on(given, step) is None:
            day = _announced_for(oldest, debtor.noticed, ladder, step)
            return step, day and _behind_rung(segment, standing, step, day)
    return None, None


def _behind_rung(segment: Segment, standing: _Standing, step: Step, day: date) -> date | None:
    """Tell the day of a notice behind the rung that comes before it on the ladder."""
    before = -1 if segment.is_exempt else segment.ladder.rung_before(step)
    if before < 0 or standing.place > before:
        return day
    if standing.place < before:
        return None
    kept = step.after_days - segment.ladder.rungs[before].after_days
    return max(day, days_after(standing.since, kept))


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
