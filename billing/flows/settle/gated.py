"""What the gate lets through of what is due: nothing of a bill day that waits. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from billing.billdays.model import Gate
from billing.catalog.terms import Timing
from billing.rating.due import Due, Rates, Wish

# A wish, by which day, whether somebody has just asked for it, how far it was charged before.
Ask = Callable[[Wish, date, bool, date | None], Due]


def gated(rates: Rates, today: date, gate: Gate) -> Ask:
    """Make what tells what of a wish is charged today."""
    through = gate.through(today)
    if through >= today:
        return lambda wish, by, _is_new, _charged_until: rates.due(wish, by)

    def ask(
        wish: Wish,
        by: date,
        is_new: bool,  # noqa: FBT001 - an Ask
        charged_until: date | None,
    ) -> Due:
        due = rates.due(wish, by)
        if by > today:  # somebody has asked to pay ahead
            return due
        passed = rates.due(wish, through)
        count = len(passed.charges)
        if count == len(due.charges) or passed.next_on is None:
            return due
        timing = rates.book.offering(wish.offering).terms.timing
        if is_new and not count and timing is Timing.ADVANCE:
            count = 1
        # Days among those that were charged before are no new period: they do not wait.
        rest = due.charges[count:]
        again = (one for one in rest if charged_until and one.period.start < charged_until)
        charges = (*due.charges[:count], *again)
        if len(charges) == len(due.charges):
            return due
        opens_on = gate.opens_on(passed.next_on)
        next_on = opens_on if due.next_on is None else min(due.next_on, opens_on)
        return Due(charges, next_on)

    return ask
