"""What is missing of a minimum that was promised for a period is charged when that is over. Pure.

Every subscription and rental of the household counts, before discounts, and so does usage that is
still to be billed. Where the promise covers a part of a period, it is that part of the minimum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import NamedTuple

from billing.catalog.terms import Terms, Timing
from billing.flows.settle.facts import Facts
from billing.rating.commitment import missing
from billing.rating.coverage import less, within
from billing.rating.due import Rates, Wish
from billing.rating.measure import share
from billing.rating.model import Charge, Line, LineKind, once_for
from terms.calendar import Period, days_after
from terms.ids import ServiceId
from terms.money import Money
from terms.schedule import Schedule


class Promised(NamedTuple):
    """A subject with a minimum: what its household costs is told by `wishes`, from a day to a day.

    `is_open`: its past is compared, so that lines of before are known.
    """

    id: str
    service: ServiceId
    offering: str
    label: str
    start: date
    until: date | None
    rests: Sequence[Period]
    is_open: bool
    wishes: Callable[[Period], Iterator[Wish]]


def missing_lines(
    one: Promised, charged: Sequence[Charge], facts: Facts, rates: Rates, today: date
) -> list[Line]:
    """Charge what is missing for each period that is over now, once.

    `charged` is what is charged of the subject for the first time: by that its periods are known to
    be over. A subject that has ended is charged its last one while its past is compared.
    """
    terms = rates.book.offering(one.offering).terms
    schedule = terms.schedule(facts.account.bill_day, one.start)
    known = {
        each.line.charge.period.end
        for each in facts.charged.get(one.id, {}).values()
        if each.line.charge.kind is LineKind.MINIMUM
    }
    lines: list[Line] = []
    for whole in _over(one, charged, schedule, terms, today):
        part = within(one.start, one.until, whole)
        if part is not None and part.end not in known:
            known.add(part.end)
            lines += _line(one, part, whole, facts, rates)
    return lines


def is_waiting(one: Promised, today: date) -> bool:
    """Whether its end is still to come, with what may be missing then."""
    return one.is_open and one.until is not None and today < one.until


def _over(
    one: Promised, charged: Sequence[Charge], schedule: Schedule, terms: Terms, today: date
) -> Iterator[Period]:
    for charge in charged:
        if terms.timing is Timing.ADVANCE:
            begins = charge.period.start
            if begins > one.start and schedule.containing(begins).start == begins:
                yield schedule.containing(days_after(begins, -1))
        elif schedule.containing(charge.period.start).end == charge.period.end:
            yield schedule.containing(charge.period.start)
    if one.is_open and one.until is not None and one.start < one.until <= today:
        yield schedule.containing(days_after(one.until, -1))


def _line(one: Promised, part: Period, whole: Period, facts: Facts, rates: Rates) -> Iterator[Line]:
    account, book = facts.account, rates.book
    price = book.price_on(one.offering, account.currency, part.start)
    terms = book.offering(one.offering).terms
    schedule = terms.schedule(account.bill_day, one.start)
    covered = [
        share(each, whole, terms.measure, schedule, account.zone)
        for each in less([part], one.rests)
    ]
    promised = Money(sum(each.part(price.minimum_minor) for each in covered), account.currency)
    spent = _spent(one, part, facts, rates)
    lacking, tax = missing(promised, spent), book.offering(one.offering).tax
    if lacking.amount_minor:
        yield Line(
            service=one.service,
            subject=one.id,
            label=f"{one.label}: at least {promised}, of which {spent} spent",
            charge=once_for(LineKind.MINIMUM, part, price, lacking, tax),
        )


def _spent(one: Promised, part: Period, facts: Facts, rates: Rates) -> Money:
    """Sum what the household costs in the days of a part, and what it used in them."""
    recurring = sum(
        charge.amount.amount_minor
        for wish in one.wishes(part)
        for charge in rates.due(wish, date.max).charges
    )
    used = sum(
        each.line.charge.amount.amount_minor
        for each in facts.pending
        if each.line.charge.kind is LineKind.USAGE
        and each.line.service == one.service
        and each.line.charge.period.start in part
        and not each.is_withdrawn
    )
    return Money(recurring + used, facts.account.currency)
