"""What follows from invoices that a person has called void. Pure.

All that their lines still hold is given back. The days are charged again where the person said so;
else they stay as they are, whatever is compared later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

from billing.catalog.terms import Measure
from billing.invoicing.credit import Charged, CreditLine, days_of, whole_of
from billing.rating.coverage import less
from terms.calendar import Period
from terms.ids import InvoiceId

# Of each void invoice, whether its days are charged again.
Voided = Mapping[InvoiceId, bool]


def taken(
    charged: Sequence[Charged],
    voided: Voided,
    kept: Callable[[Charged], Sequence[Period]] = lambda each: each.held,
) -> tuple[Period, ...]:
    """List the days that are not charged now: standing lines keep them, or they were forgiven."""
    standing = [each for each in charged if each.invoice not in voided]
    held = [period for each in standing for period in kept(each)]
    if voided:
        others = [each.line.charge.period for each in standing]
        forgiven = (each for each in charged if voided.get(each.invoice) is False)
        for each in forgiven:
            held += less([each.line.charge.period], others)
    return tuple(sorted(held))


def again_from(charged: Sequence[Charged], voided: Voided, until: date) -> date:
    """Tell from which day whole periods are charged: those of void invoices may be again."""
    again = (each for each in charged if voided.get(each.invoice))
    return min([until, *(each.line.charge.period.start for each in again)])


def given_back(one: Charged, zone: str) -> Iterator[CreditLine]:
    """Give back all that a line still holds."""
    if one.line.charge.measure is Measure.WHOLE:
        back = [whole_of(one)] if one.held else []
    else:
        back = [days_of(one, period, zone) for period in one.held]
    yield from (credit for credit in back if credit is not None)
