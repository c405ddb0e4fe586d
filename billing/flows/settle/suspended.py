"""Whether a suspended account is switched on again: whether what is asked for is paid. Pure.

Dunning judges by the age of the oldest debt. Who is dark stays so until what is missing is paid,
and comes back as soon as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from billing.dunning.hours import Slot
from billing.dunning.judging import Debtor, Verdict, judge
from billing.dunning.model import Action, Cut
from billing.dunning.reactivation import Needs, Reactivation, Suspension
from billing.dunning.segment import Segment
from billing.flows.settle.facts import Facts
from billing.flows.settle.money import Moment

# The rungs on which nothing may be watched.
DARK = frozenset({Action.SUSPEND.value, Action.TERMINATE.value, Action.WRITE_OFF.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """How a debtor is judged, and its suspension where that has begun or is over.

    It is `restored` where what was missing is paid.
    """

    verdict: Verdict
    debtor: Debtor
    suspension: Suspension | None = None
    restored: bool = False


def look(facts: Facts, debtor: Debtor, segment: Segment, slot: Slot, moment: Moment) -> Looked:
    """Judge a debtor with what is known of its suspension."""
    known = facts.suspension
    if known and known.restored_at:
        debtor = _anew(debtor, known, facts.account.today(known.restored_at))
    verdict = judge(debtor, segment, slot) if debtor.debts else Verdict()
    cut = debtor.cut
    if cut is None or cut.rung not in DARK:
        begins = verdict.cut is not None and verdict.cut.rung in DARK and not verdict.cut.rests
        if not begins or verdict.cut is None:
            return Looked(verdict=verdict, debtor=debtor)
        begun = Suspension.begun(verdict.cut.on, debtor.debts, slot.day)
        lacks = segment.lacking(begun, debtor.debts, slot.day)
        begun = replace(begun, missing_minor=lacks)
        return Looked(verdict=verdict, debtor=debtor, suspension=begun)
    if known is None or known.is_over:
        # It went dark before anybody wrote that down.
        known = Suspension.begun(cut.on, facts.debts, slot.day)
    return _Dark(debtor, segment, slot, known).look(verdict, moment)


@dataclass(frozen=True, slots=True)
class _Dark:
    """A debtor that is dark, and since when."""

    debtor: Debtor
    segment: Segment
    slot: Slot
    suspension: Suspension

    def look(self, verdict: Verdict, moment: Moment) -> Looked:
        rules, debtor = self.segment.reactivation, self.debtor
        lacks = self.segment.lacking(self.suspension, debtor.debts, self.slot.day)
        if rules.needs is not Needs.OLD and not self.segment.is_exempt:
            if lacks and (verdict.cut is None or verdict.cut.rung not in DARK):
                verdict = self._kept(verdict)
            elif not lacks and verdict.cut:
                over = self.suspension.over(moment.now, debtor.debts)
                debtor = _untold(replace(debtor, cut=None), over, self.slot.day)
                verdict = judge(debtor, self.segment, self.slot) if debtor.debts else Verdict()
        if verdict.cut:
            still = replace(self.suspension, missing_minor=lacks)
            return Looked(verdict=verdict, debtor=debtor, suspension=still)
        return Looked(
            verdict=verdict,
            debtor=debtor,
            suspension=self.suspension.over(moment.now, debtor.debts if _leaves(rules) else ()),
            restored=not lacks and not self.segment.is_exempt and not debtor.has_left,
        )

    def _kept(self, verdict: Verdict) -> Verdict:
        """Hold on, though the oldest debt is not old enough by itself."""
        cut, rung = self.debtor.cut, self.segment.ladder.of(Action.SUSPEND)
        oldest = self.debtor.debts[0]
        tries = self.debtor.attempts.get(oldest.invoice, ())
        if cut is None or not rung or any(one.is_unsettled for one in tries):
            return verdict
        at = self.segment.cut_off.first(self.slot) if cut.rests else self.slot
        rests = self.debtor.promise is not None or at != self.slot
        kept = Cut(rung[0].rung, cut.on, rests)
        if rests:
            looks = [one for one in (verdict.next_at, at if at != self.slot else None) if one]
            return replace(verdict, cut=kept, next_at=min(looks, default=None))
        return replace(verdict, cut=kept, held=oldest, held_by=rung[0], held_since=cut.on)


def _leaves(rules: Reactivation) -> bool:
    """Whether an account may come back though old debts are left."""
    return rules.needs in (Needs.SHARE, Needs.OLDEST)


def _untold(debtor: Debtor, over: Suspension, day: date) -> Debtor:
    """Forget the notices of what is open as the account is restored: they are given again."""
    left = {debt.invoice for debt in debtor.debts if debt.sequence <= over.restored_through}
    noticed = {key: given for key, given in debtor.noticed.items() if key not in left}
    return _anew(replace(debtor, noticed=noticed), over, day)


def _anew(debtor: Debtor, over: Suspension, day: date) -> Debtor:
    """Let the ladder begin anew for what was open as the account was restored."""
    return replace(debtor, debts=[over.anew(debt, day) for debt in debtor.debts])
