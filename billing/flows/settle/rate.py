"""First half of deciding: which lines are missing, and how far each subject is charged. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from billing.catalog.model import OfferingKind, PriceBook
from billing.flows.settle.facts import Facts, Household
from billing.flows.settle.rent import charged_once, given_back, rented
from billing.invoicing.credit import CreditLine
from billing.rating.model import (
    Line,
    LineKey,
    LineKind,
    Subject,
    Terms,
    desired,
    missing,
    next_charge,
    sealed_until,
)
from billing.subscriptions.model import Activation, Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """The lines to write, what to give back, what to seal, the next day something becomes due.

    `is_prepaid`: among the lines is one that must be paid before its service goes live.
    """

    lines: Sequence[Line]
    credits: Sequence[CreditLine]
    seals: Mapping[str, date]
    next_on: date | None
    is_prepaid: bool


def first_key(subscription: Subscription) -> LineKey:
    """Name the first line a subscription ever gets."""
    return subscription.id, LineKind.RECURRING, subscription.charged_from


def rate(facts: Facts, book: PriceBook, today: date) -> Rated:
    """Compare what should be charged by today with what is. Raises NotFound for a missing price."""
    account = facts.account
    terms = Terms(book=book, currency=account.currency, bill_day=account.bill_day)
    lines: list[Line] = []
    seals: dict[str, date] = {}
    looks: list[date] = []
    for subject in _subjects(facts, book):
        fresh = missing(desired(subject, terms, today), facts.lines)
        lines += fresh
        sealed = sealed_until(subject, account.bill_day, today)
        if fresh or sealed != subject.open_from:
            seals[subject.id] = sealed
        day = next_charge(subject, account.bill_day, today)
        looks += [day] if day else []
    lines += charged_once(facts, book, today)
    return Rated(
        lines=lines,
        credits=given_back(facts, book),
        seals=seals,
        next_on=min(looks, default=None),
        is_prepaid=_is_prepaid(facts, lines),
    )


def _subjects(facts: Facts, book: PriceBook) -> Iterator[Subject]:
    for household in facts.households:
        yield from _subscribed(household, book)
        yield from rented(household, book)


def _subscribed(household: Household, book: PriceBook) -> Iterator[Subject]:
    for one in sorted(household.subscriptions, key=lambda one: _rank(one, book)):
        offering = book.offering(one.offering)
        yield Subject(
            id=one.id,
            service=one.service,
            kind=LineKind.RECURRING,
            offering=offering,
            label=offering.name,
            start=one.charged_from,
            until=one.until_on,
            open_from=one.open_from,
        )


def _rank(one: Subscription, book: PriceBook) -> tuple[bool, str, date]:
    """Print the plan first, then the rest by its code."""
    is_plan = book.offering(one.offering).kind is OfferingKind.PLAN
    return not is_plan, one.offering, one.from_on


def _is_prepaid(facts: Facts, lines: Sequence[Line]) -> bool:
    keys = {line.key for line in lines}
    return any(
        one.activation is Activation.PAID and first_key(one) in keys
        for household in facts.households
        for one in household.subscriptions
    )
