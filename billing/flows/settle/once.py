"""What follows from what is charged once, and from what may be watched for a while. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from billing.catalog.model import PriceBook
from billing.flows.settle.facts import Facts, Household
from billing.flows.settle.money import Moment, Purse
from billing.invoicing.credit import CreditLine, whole_of
from billing.invoicing.model import Invoice
from billing.pending.model import PendingCharge, ripe
from billing.purchases.model import Purchase
from billing.rating.model import Line
from billing.subscriptions.model import Activation
from terms.entitlement import Grant
from terms.ids import ServiceId


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """The pending charges that are billed today, what is given back, and the next day of others.

    `done` are the ids of those that nothing is left to do about.
    """

    lines: Sequence[Line] = ()
    credits: Sequence[CreditLine] = ()
    done: Sequence[str] = ()
    next_on: date | None = None


NOTHING_ONCE = Once()


def bill_once(facts: Facts, today: date, *, is_invoiced: bool) -> Once:
    """Decide about pending charges; `is_invoiced` where there is an invoice anyhow."""
    if not facts.pending:
        return NOTHING_ONCE
    billed = ripe(facts.pending, today, is_invoiced=is_invoiced)
    withdrawn = [one for one in facts.pending if one.is_withdrawn]
    done = [one.id for one in (*billed, *withdrawn)]
    return Once(
        lines=[one.line for one in billed],
        credits=[credit for one in withdrawn for credit in _given_back(one, facts)],
        done=done,
        next_on=min((one.due_on for one in facts.pending if one.id not in done), default=None),
    )


def _given_back(one: PendingCharge, facts: Facts) -> Iterator[CreditLine]:
    for charged in facts.charged.get(one.id, {}).values():
        credit = whole_of(charged) if charged.held else None
        if credit is not None:
            yield credit


def is_paid_first(facts: Facts, line: Line) -> bool:
    """Whether a line is of something that must be paid before it may be watched."""
    return any(
        one.id == line.subject and one.activation is Activation.PAID
        for household in facts.households
        for one in household.purchases
    )


@dataclass(slots=True, kw_only=True)
class Bought:
    """What becomes of purchases: those that open now, those that are over, what may be watched."""

    opened: list[Purchase] = field(default_factory=list)
    over: list[str] = field(default_factory=list)
    titles: dict[ServiceId, list[Grant]] = field(default_factory=dict)
    next_at: datetime | None = None


def watch(
    facts: Facts, purse: Purse, invoice: Invoice | None, book: PriceBook, moment: Moment
) -> Bought | None:
    """Decide about purchases; None for an account that has none."""
    if not any(household.purchases for household in facts.households):
        return None
    fresh = {line.subject: invoice.id for line in invoice.lines} if invoice else {}
    bought = Bought()
    for household in facts.households:
        for before in household.purchases:
            charged_on = before.invoice or fresh.get(before.id)
            is_paid = charged_on is not None and not purse.is_open(charged_on)
            _watch(bought, before, book, moment.now, is_paid=is_paid)
    return bought


def _watch(
    bought: Bought, before: Purchase, book: PriceBook, now: datetime, *, is_paid: bool
) -> None:
    offering = book.offering(before.offering)
    window = offering.terms.window
    one = before.opened(window, now, is_paid=is_paid) if window else before
    if one is not before:
        bought.opened.append(one)
    if one.is_over(now):
        bought.over.append(one.id)
    elif one.is_live(now, is_paid=is_paid):
        titles = bought.titles.setdefault(one.service, [])
        titles += [Grant(code=code, until=one.until_at) for code in offering.grants]
    look = one.next_look(now)
    if look and (bought.next_at is None or look < bought.next_at):
        bought.next_at = look


def titles_of(household: Household, bought: Bought | None) -> Sequence[Grant]:
    """List the titles a household may watch."""
    return bought.titles.get(household.service.id, ()) if bought else ()
