"""What the gate lets through of what is due: nothing of a bill day that waits. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from billing.billdays.model import Gate
from billing.catalog.terms import Timing
from billing.rating.due import Due, Rates, Wish

# A wish, whether somebody has just asked for it, and up to which day it was charged before.
Ask = Callable[[Wish, bool, date | None], Due]


def gated(rates: Rates, today: date, gate: Gate) -> Ask:
    """Make what tells what of a wish is charged today."""
    through = gate.through(today)
    if through >= today:
        return lambda wish, _is_new, _charged_until: rates.due(wish, today)

    def ask(wish: Wish, is_new: bool, charged_until: date | None) -> Due:  # noqa: FBT001 - an Ask
        due, passed = rates.due(wish, today), rates.due(wish, through)
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
