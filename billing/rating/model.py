"""Desired lines: what each subject should be charged, period by period, in advance.

A line is known by its subject, its kind and the day it starts, however often it is computed;
what exists is taken away from what should be, and the rest is to be written. Days are local,
periods half-open, and a part of a period is charged by its days over those of the whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from billing.catalog.model import Offering, Price, PriceBook
from billing.tax.model import UNTAXED
from terms.calendar import Period, days_after, period_after, period_containing
from terms.errors import Invalid
from terms.ids import ServiceId
from terms.money import Money

PERIODS_MAX = 600  # fifty years of months: more is a broken date, not a debt


class LineKind(StrEnum):
    """What a line charges for."""

    RECURRING = "recurring"
    RENTAL = "rental"
    DEPOSIT = "deposit"  # held while a rental runs, never ours
    LOST_FEE = "lost_fee"  # for a device that is lost


_ONCE = {LineKind.DEPOSIT: "Deposit", LineKind.LOST_FEE: "Lost:"}
LineKey = tuple[str, LineKind, date]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whatever is charged by the period. `until` is the first day no longer charged."""

    id: str
    service: ServiceId
    kind: LineKind
    offering: Offering
    label: str
    start: date
    until: date | None
    open_from: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One charge with everything that explains it: `rate` x `days` / `of_days` = `amount`."""

    service: ServiceId
    subject: str
    kind: LineKind
    label: str
    offering: str
    price_from: date
    period: Period
    days: int
    of_days: int
    rate: Money
    amount: Money
    tax: str

    @property
    def key(self) -> LineKey:
        """What makes this line the same line in every run."""
        return self.subject, self.kind, self.period.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the lines of one account are rated by."""

    book: PriceBook
    currency: str
    bill_day: int


def spans(subject: Subject, bill_day: int, today: date) -> Iterator[tuple[Period, Period]]:
    """Walk the open parts of a subject up to today, each with the whole period it belongs to."""
    first = max(subject.start, subject.open_from)
    whole = period_containing(first, bill_day)
    for _ in range(PERIODS_MAX):
        start = max(whole.start, first)
        end = whole.end if subject.until is None else min(whole.end, subject.until)
        if start > today or start >= end:
            return
        yield Period(start, end), whole
        whole = period_after(whole, bill_day)
    raise Invalid("start", f"{subject.id} would be charged for more than {PERIODS_MAX} periods")


def desired(subject: Subject, terms: Terms, today: date) -> list[Line]:
    """List the lines a subject should have by today in its open periods.

    Raises NotFound where a price is missing.
    """
    lines = []
    for part, whole in spans(subject, terms.bill_day, today):
        price = terms.book.price_on(subject.offering.code, terms.currency, part.start)
        lines.append(
            Line(
                service=subject.service,
                subject=subject.id,
                kind=subject.kind,
                label=subject.label,
                offering=subject.offering.code,
                price_from=price.effective_from,
                period=part,
                days=part.days,
                of_days=whole.days,
                rate=price.amount,
                amount=price.amount.portion(part.days, whole.days),
                tax=subject.offering.tax,
            )
        )
    return lines


def once(subject: Subject, kind: LineKind, on: date, sold: Price, amount: Money) -> Line:
    """Make the line of something that is charged once, on a day. What is held is not taxed."""
    return Line(
        service=subject.service,
        subject=subject.id,
        kind=kind,
        label=f"{_ONCE[kind]} {subject.label}",
        offering=subject.offering.code,
        price_from=sold.effective_from,
        period=Period(on, days_after(on, 1)),
        days=1,
        of_days=1,
        rate=amount,
        amount=amount,
        tax=UNTAXED if kind is LineKind.DEPOSIT else subject.offering.tax,
    )


def missing(wanted: Iterable[Line], existing: Collection[LineKey]) -> list[Line]:
    """List the wanted lines that do not exist yet."""
    return [line for line in wanted if line.key not in existing]


def next_charge(subject: Subject, bill_day: int, today: date) -> date | None:
    """Tell the next day after today on which a subject becomes due for a line, if it ever does."""
    start = max(subject.start, subject.open_from)
    day = start if start > today else period_containing(today, bill_day).end
    return day if subject.until is None or day < subject.until else None


def sealed_until(subject: Subject, bill_day: int, today: date) -> date:
    """Tell the first day that stays open once everything up to today is charged.

    It is the start of the subject's latest line, so that this period can still be compared.
    """
    latest = subject.open_from
    for part, _ in spans(subject, bill_day, today):
        latest = part.start
    return latest
