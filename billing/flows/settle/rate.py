"""First half of deciding: what is to be charged and what to be given back. Pure.

A subject is charged from the first day that no line covers. Only where somebody has changed what
should be charged before that day are its lines compared, day by day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from billing.billdays.model import OPEN_GATE, Gate
from billing.catalog.model import OfferingKind, PriceBook
from billing.catalog.terms import Days, Measure, Terms
from billing.equipment.model import Rental
from billing.flows.settle.discounts import taken_off
from billing.flows.settle.facts import Facts, Household
from billing.flows.settle.gated import Ask, gated
from billing.flows.settle.minimum import Promised, is_waiting, missing_lines
from billing.flows.settle.once import bill_once, is_paid_first
from billing.flows.settle.rent import charged_once, given_back_once, rental_label
from billing.flows.settle.situation import situations_of
from billing.flows.settle.voided import again_from, given_back, taken
from billing.invoicing.credit import Charged, CreditLine, days_of, within_rest
from billing.rating.coverage import less, within
from billing.rating.due import Due, Rates, Wish
from billing.rating.model import BY_THE_PERIOD, FEES, Charge, Line, LineKind
from billing.rating.situation import Situations, charged_rightly, since
from billing.subscriptions.model import Activation, Subscription
from terms.calendar import Period
from terms.ids import InvoiceId, ServiceId


class Subject(NamedTuple):
    """Whatever is charged by the period. `until` is the first day no longer charged.

    Where it `is_new` its first period is charged because somebody asked for it.
    """

    id: str
    service: ServiceId
    kind: LineKind
    offering: str
    label: str
    start: date
    until: date | None
    charged_until: date | None
    is_new: bool = False
    quantity: int = 1
    rests: tuple[Period, ...] = ()
    situations: Situations = ()


@dataclass(slots=True, kw_only=True)
class Rated:
    """The lines to write, what to give back, the next day something becomes due. `fees` are the
    lines of an invoice of their own.

    `done` are pending charges that nothing is left to do about. `compared` are the reopened
    subjects that are done with; of others a day that is not charged any more becomes due again.
    `is_prepaid`: among the lines is one that must be paid before its service goes live.
    """

    lines: Sequence[Line]
    credits: Sequence[CreditLine]
    next_on: date | None
    compared: frozenset[str]
    is_prepaid: bool
    done: Sequence[str]
    fees: Sequence[Line] = ()


def rate(facts: Facts, rates: Rates, today: date, gate: Gate = OPEN_GATE) -> Rated:
    """Compare what should be charged by today with what is, as far as the gate lets it.

    Raises NotFound for a missing price.
    """
    ask = gated(rates, today, gate)
    lines: list[Line] = []
    back: list[CreditLine] = []
    next_on: date | None = None
    compared = set(facts.reopened)
    redeemed = facts.redeemed
    committed = rates.book.committed
    for one in _subjects(facts, rates.book):
        by = redeemed.ahead(one.id, today) if redeemed else today
        if one.id in facts.reopened:
            found = _compared(one, facts, rates, by, ask)
            lines += found.lines
            back += found.credits
            day = found.next_on
            if day and one.charged_until and day < one.charged_until:
                compared.discard(one.id)
            charged: Sequence[Charge] = [
                line.charge
                for line in found.lines
                if line.charge.period.start >= (one.charged_until or one.start)
            ]
        else:
            due = ask(_rest(one, facts, rates), by, one.is_new, one.charged_until)
            lines += _lines(one, due)
            day = due.next_on
            charged = due.charges
        if committed and one.offering in committed:
            promised = _promised(one, facts, rates)
            lines += missing_lines(promised, charged, facts, rates, today)
            if is_waiting(promised, today):
                compared.discard(one.id)
        if day and (next_on is None or day < next_on):
            next_on = day
    lines += charged_once(facts, rates.book, today)
    back += given_back_once(facts)
    once = bill_once(facts, today, is_invoiced=bool(lines))
    lines += [line for line in once.lines if line.charge.kind not in FEES]
    back += once.credits
    if once.next_on and (next_on is None or once.next_on < next_on):
        next_on = once.next_on
    back.sort(key=_age)
    return Rated(
        lines=taken_off(facts, rates, lines) if redeemed else lines,
        credits=within_rest(back),
        next_on=next_on,
        compared=frozenset(compared),
        is_prepaid=_is_prepaid(facts, lines),
        done=once.done,
        fees=[line for line in once.lines if line.charge.kind in FEES],
    )


def _age(one: CreditLine) -> tuple[date, InvoiceId, int]:
    """Give back what was charged first, first."""
    return one.of.line.charge.period.start, one.of.invoice, one.of.n


def _subjects(facts: Facts, book: PriceBook) -> Iterator[Subject]:
    for household in facts.households:
        yield from _subscribed(household, book)
        yield from _rented(household, book)


def _subscribed(household: Household, book: PriceBook) -> Iterator[Subject]:
    had = household.subscriptions
    if len(had) > 1:
        had = sorted(had, key=lambda one: _rank(one, book))
    for one in had:
        sold = book.offerings[one.offering]
        yield Subject(
            id=one.id,
            service=one.service,
            kind=LineKind.RECURRING,
            offering=one.offering,
            label=sold.name,
            start=one.charged_from,
            until=one.until_on,
            charged_until=one.charged_until,
            is_new=is_first(one) or (one.from_on == one.charged_from >= one.charged_until),
            quantity=one.quantity,
            rests=_rests(household, sold.terms) if household.pauses else (),
            situations=_situations(one, household, sold.terms) if sold.terms.depends else (),
        )


def _rented(household: Household, book: PriceBook) -> Iterator[Subject]:
    for one in household.rentals:
        terms = book.offerings[one.offering].terms
        yield Subject(
            id=one.id,
            service=one.service,
            kind=LineKind.RENTAL,
            offering=one.offering,
            label=rental_label(one, book),
            start=one.charged_from,
            until=one.until_on,
            charged_until=one.charged_until,
            is_new=one.charged_until is None and not one.is_from_elsewhere,
            rests=_rests(household, terms) if household.pauses else (),
            situations=_situations(one, household, terms) if terms.depends else (),
        )


def _situations(one: Subscription | Rental, household: Household, terms: Terms) -> Situations:
    """List what the price depends on since what is charged anew, or compared again, may begin."""
    return situations_of(household, terms, one.charged_from)


def _rests(household: Household, terms: Terms) -> tuple[Period, ...]:
    """List the days that are not charged because the service rests."""
    if terms.paused is Days.BILLED:
        return ()
    return tuple(one.days for one in household.pauses if one.days)


def _rank(one: Subscription, book: PriceBook) -> tuple[bool, str, date]:
    """Print the plan first, then the rest by its code."""
    is_plan = book.offerings[one.offering].kind is OfferingKind.PLAN
    return not is_plan, one.offering, one.from_on


def _rest(one: Subject, facts: Facts, rates: Rates) -> Wish:
    """Wish for what no line covers yet."""
    terms = rates.book.offerings[one.offering].terms
    return _wish(one, facts, terms, one.charged_until or one.start)


def _wish(one: Subject, facts: Facts, terms: Terms, first: date) -> Wish:
    account = facts.account
    return Wish(
        kind=one.kind,
        offering=one.offering,
        currency=account.currency,
        bill_day=account.bill_day,
        first=first,
        until=_until(one) if one.rests else one.until,
        began_on=one.start if terms.counts_from_its_begin else None,
        zone=account.zone if terms.measure is Measure.SECOND else "",
        quantity=one.quantity,
        rests=one.rests,
        situations=since(one.situations, first) if one.situations else (),
    )


def _until(one: Subject) -> date | None:
    """Tell the first day not to be charged for good, as far as it is known."""
    if one.rests[-1].end == date.max:
        start = one.rests[-1].start
        return start if one.until is None else min(start, one.until)
    return one.until


def _promised(one: Subject, facts: Facts, rates: Rates) -> Promised:
    """Say what is known of a subject with a minimum, and of all that counts towards it."""

    def wishes(part: Period) -> Iterator[Wish]:
        for each in _subjects(facts, rates.book):
            days = within(each.start, each.until, part)
            if each.service == one.service and days is not None:
                terms = rates.book.offering(each.offering).terms
                wish = _wish(each, facts, terms, days.start)
                yield wish._replace(until=min(days.end, wish.until or days.end))

    return Promised(
        id=one.id,
        service=one.service,
        offering=one.offering,
        label=one.label,
        start=one.start,
        until=one.until,
        rests=one.rests,
        is_open=one.id in facts.reopened,
        wishes=wishes,
    )


def _lines(one: Subject, due: Due) -> list[Line]:
    return [
        Line(service=one.service, subject=one.id, label=one.label, charge=charge)
        for charge in due.charges
    ]


class _Compared(NamedTuple):
    lines: list[Line]
    credits: list[CreditLine]
    next_on: date | None


def _compared(one: Subject, facts: Facts, rates: Rates, by: date, ask: Ask) -> _Compared:
    """Charge the days that should be charged and are not; give back those that should not be."""
    # What is to be compared may lie ahead of what is not charged yet at all.
    since = max(one.start, min(facts.reopened[one.id], one.charged_until or one.start))
    charged = [
        each
        for each in facts.charged.get(one.id, {}).values()
        if each.line.charge.kind in BY_THE_PERIOD
    ]
    terms = rates.book.offering(one.offering).terms
    holes = taken(charged, facts.voided, lambda each: _kept(one, each, rates.book))
    if terms.measure is Measure.WHOLE:
        rest = _rest(one, facts, rates)
        wish = rest._replace(first=again_from(charged, facts.voided, rest.first))
    else:
        wish = _wish(one, facts, terms, since)
        wish = wish._replace(rests=tuple(sorted((*one.rests, *holes))))
    due = ask(wish, by, one.is_new, one.charged_until)
    takes: dict[date, int] = {}
    for each in charged:
        end = each.line.charge.period.end
        takes[end] = takes.get(end, 0) + 1
    lines = [
        Line(
            service=one.service,
            subject=one.id,
            label=one.label,
            charge=charge,
            take=takes.get(charge.period.end, 0),
        )
        for charge in due.charges
        if not any(charge.period.overlap(hole) for hole in holes)
    ]
    back = list(_given_back(one, charged, facts, rates.book))
    return _Compared(lines, back, due.next_on)


def _kept(one: Subject, each: Charged, book: PriceBook) -> Sequence[Period]:
    """List the days of a line that are charged as they should be, whether or not they are had."""
    if not one.situations:
        return each.held
    return charged_rightly(book, each.line.charge, each.held, one.situations)


def _given_back(
    one: Subject, charged: Sequence[Charged], facts: Facts, book: PriceBook
) -> Iterator[CreditLine]:
    zone = facts.account.zone
    for each in charged:
        if each.invoice in facts.voided:
            yield from given_back(each, zone)
            continue
        if each.line.charge.measure is Measure.WHOLE:
            continue
        lasts = within(one.start, one.until, each.line.charge.period)
        wanted = list(less([lasts], one.rests)) if lasts else []
        if one.situations:
            wanted = charged_rightly(book, each.line.charge, wanted, one.situations)
        for period in less(each.held, wanted):
            credit = days_of(each, period, zone)
            if credit is not None:
                yield credit


def _is_prepaid(facts: Facts, lines: Sequence[Line]) -> bool:
    firsts = {
        one.id for household in facts.households for one in household.subscriptions if is_first(one)
    }
    return any(
        line.subject in firsts
        or (line.charge.kind is LineKind.PURCHASE and is_paid_first(facts, line))
        for line in lines
    )


def is_first(one: Subscription) -> bool:
    """Whether a subscription has to be paid before it goes live and was never charged."""
    return one.activation is Activation.PAID and one.charged_until <= one.charged_from
