"""What follows from holding devices: rent, a deposit, a fee for what is lost, and credits. Pure.

Rent is charged up to the end of a period; what lies behind the end of its rental is given back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from billing.catalog.model import PriceBook
from billing.equipment.model import Ending, Rental, kept_of_deposit
from billing.flows.settle.facts import Facts, Household
from billing.invoicing.credit import Charged, CreditLine, rest_of, whole_of
from billing.rating.model import Line, LineKind, Subject, once


def rented(household: Household, book: PriceBook) -> Iterator[Subject]:
    """Yield the rentals of a household as subjects of rating."""
    for one in household.rentals:
        offering = book.offering(one.offering)
        yield Subject(
            id=one.id,
            service=one.service,
            kind=LineKind.RENTAL,
            offering=offering,
            label=_label(one, book),
            start=one.charged_from,
            until=one.until_on,
            open_from=one.open_from,
        )


def charged_once(facts: Facts, book: PriceBook, today: date) -> Iterator[Line]:
    """Yield the deposits and fees that should stand by today and do not.

    A deposit comes with the first line of its rental, as long as that is not sealed.
    """
    for household in facts.households:
        for one, subject in zip(household.rentals, rented(household, book), strict=True):
            if _takes_deposit(one, today):
                sold = book.price_on(one.offering, facts.account.currency, one.from_on)
                line = once(subject, LineKind.DEPOSIT, one.from_on, sold, sold.deposit)
            elif one.until_on and one.ending is Ending.LOST and not _has_fee(one, facts):
                sold = book.price_on(one.offering, facts.account.currency, one.until_on)
                line = once(subject, LineKind.LOST_FEE, one.until_on, sold, sold.lost_fee)
            else:
                continue
            if line.amount.amount_minor and line.key not in facts.lines:
                yield line


def given_back(facts: Facts, book: PriceBook) -> list[CreditLine]:
    """List what is to be given back of the lines of ended rentals, and was not yet."""
    found = [
        _credit(one, each, _label(one, book))
        for household in facts.households
        for one in household.rentals
        for each in facts.charged.get(one.id, ())
    ]
    return [line for line in found if line is not None]


def _takes_deposit(one: Rental, today: date) -> bool:
    is_first = one.open_from == one.charged_from and not one.is_from_elsewhere
    return one.is_running and is_first and one.from_on <= today


def _has_fee(one: Rental, facts: Facts) -> bool:
    charged: Sequence[Charged] = facts.charged.get(one.id, ())
    return any(each.line.kind is LineKind.LOST_FEE for each in charged)


def _credit(one: Rental, each: Charged, label: str) -> CreditLine | None:
    match each.line.kind:
        case LineKind.RENTAL if one.until_on:
            return rest_of(each, one.until_on, label)
        case LineKind.DEPOSIT:
            kept = kept_of_deposit(one, each.line.amount.amount_minor)
            return None if kept is None else whole_of(each, each.line.label, kept_minor=kept)
        case LineKind.LOST_FEE if one.ending is not Ending.LOST:
            return whole_of(each, each.line.label)
        case _:
            return None


def _label(one: Rental, book: PriceBook) -> str:
    return f"{book.offering(one.offering).name} {one.model} {one.serial}"
