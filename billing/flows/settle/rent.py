"""What follows from holding devices besides rent: a deposit, a fee for what is lost. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from billing.catalog.model import PriceBook
from billing.equipment.model import Ending, Rental, kept_of_deposit
from billing.flows.settle.facts import Facts
from billing.flows.settle.voided import given_back, taken
from billing.invoicing.credit import Charged, CreditLine, whole_of
from billing.rating.model import Charge, Line, LineKind, once
from billing.tax.model import UNTAXED


def rental_label(one: Rental, book: PriceBook) -> str:
    """Name a rental on invoices."""
    return f"{book.offering(one.offering).name} {one.model} {one.serial}"


def charged_once(facts: Facts, book: PriceBook, today: date) -> Iterator[Line]:
    """Yield the deposits and fees that should stand by today and do not."""
    for household in facts.households:
        for one in household.rentals:
            if _takes_deposit(one, facts, today):
                yield from _deposit(one, facts, book)
            elif one.until_on and one.ending is Ending.LOST and one.id in facts.reopened:
                yield from _lost_fee(one, one.until_on, facts, book)


def _deposit(one: Rental, facts: Facts, book: PriceBook) -> Iterator[Line]:
    sold = book.price_on(one.offering, facts.account.currency, one.from_on)
    charge = once(LineKind.DEPOSIT, one.from_on, sold, sold.deposit, UNTAXED)
    yield from _line(one, "Deposit", charge, book)


def _lost_fee(one: Rental, on: date, facts: Facts, book: PriceBook) -> Iterator[Line]:
    sold = book.price_on(one.offering, facts.account.currency, on)
    charge = once(LineKind.LOST_FEE, on, sold, sold.lost_fee, book.offering(one.offering).tax)
    before = _of_kind(one, facts, LineKind.LOST_FEE)
    if not taken(before, facts.voided):
        take = sum(each.line.charge.period.end == charge.period.end for each in before)
        yield from _line(one, "Lost:", charge, book, take)


def given_back_once(facts: Facts) -> Iterator[CreditLine]:
    """Yield what is to be given back of deposits and fees, and was not yet."""
    for household in facts.households:
        for one in household.rentals:
            if one.id in facts.reopened:
                yield from _given_back(one, facts)


def _given_back(one: Rental, facts: Facts) -> Iterator[CreditLine]:
    once = [*_of_kind(one, facts, LineKind.DEPOSIT), *_of_kind(one, facts, LineKind.LOST_FEE)]
    for each in once:
        if each.invoice in facts.voided:
            yield from given_back(each, facts.account.zone)
    for each in _of_kind(one, facts, LineKind.DEPOSIT):
        kept = kept_of_deposit(one, each.line.charge.amount.amount_minor)
        if each.held and kept is not None and each.invoice not in facts.voided:
            credit = whole_of(each, kept_minor=kept)
            yield from [credit] if credit else []
    for each in _of_kind(one, facts, LineKind.LOST_FEE):
        if each.held and one.ending is not Ending.LOST and each.invoice not in facts.voided:
            credit = whole_of(each)
            yield from [credit] if credit else []


def _line(one: Rental, word: str, charge: Charge, book: PriceBook, take: int = 0) -> Iterator[Line]:
    if charge.amount.amount_minor:
        label = f"{word} {rental_label(one, book)}"
        yield Line(service=one.service, subject=one.id, label=label, charge=charge, take=take)


def _takes_deposit(one: Rental, facts: Facts, today: date) -> bool:
    is_new = one.id not in facts.deposited and not one.is_from_elsewhere
    return one.is_running and is_new and one.charged_until is None and one.from_on <= today


def _of_kind(one: Rental, facts: Facts, kind: LineKind) -> list[Charged]:
    charged = facts.charged.get(one.id, {}).values()
    return [each for each in charged if each.line.charge.kind is kind]
