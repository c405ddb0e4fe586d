"""Finding households by what somebody says of them: indexed, never a look at all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select

from billing.accounts import finding
from billing.accounts.store import account, customer, search_term, service
from billing.cash.store import receipt
from billing.invoicing.store import invoice
from runtime.store import Tx

CONTRACT, NAME, PHONE = "contract", "name", "phone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A household, and by what it was found."""

    by: str
    contract: str
    name: str


async def by_words(tx: Tx, text: str, *, found_max: int) -> list[Found]:
    """Find households by contract, name and phone, in this order."""
    found: dict[str, Found] = {}
    wanted = (
        (CONTRACT, _begin(finding.contract_begins(text))),
        (NAME, _all_begin(finding.words_begin(text))),
        (PHONE, _begin(finding.phone_ends(text))),
    )
    for by, condition in wanted:
        if condition is not None and len(found) < found_max:
            query = _households().where(condition).order_by(search_term.c.term).limit(found_max)
            for row in await tx.rows(query):
                one = Found(by=by, contract=row.contract, name=row.name)
                found.setdefault(row.contract, one)
    return list(found.values())[:found_max]


async def by_invoice(tx: Tx, number: str) -> tuple[str, str] | None:
    """Find the contract and name of whoever has been sent an invoice; None for no such invoice."""
    query = (
        select(service.c.contract, customer.c.name)
        .select_from(
            invoice.join(account, account.c.id == invoice.c.account_id)
            .join(customer, customer.c.id == account.c.customer_id)
            .join(service, service.c.account_id == account.c.id)
        )
        .where(invoice.c.number == number)
        .order_by(service.c.contract)
        .limit(1)
    )
    row = await tx.first(query)
    return (row.contract, row.name) if row else None


async def by_receipt(tx: Tx, number: str) -> tuple[str, str] | None:
    """Find the contract and name of whoever has a receipt; None for no such receipt."""
    query = (
        select(service.c.contract, customer.c.name)
        .select_from(
            receipt.join(account, account.c.id == receipt.c.account_id)
            .join(customer, customer.c.id == account.c.customer_id)
            .join(service, service.c.account_id == account.c.id)
        )
        .where(receipt.c.number == number)
        .order_by(service.c.contract)
        .limit(1)
    )
    row = await tx.first(query)
    return (row.contract, row.name) if row else None


def any_of(text: str) -> ColumnElement[bool] | None:
    """Tell which services are meant by the beginning of a contract or by words of a name."""
    conditions = [
        condition
        for condition in (
            _begin(finding.contract_begins(text)),
            _all_begin(finding.words_begin(text)),
        )
        if condition is not None
    ]
    if not conditions:
        return None
    return service.c.id.in_(select(search_term.c.service_id).where(or_(*conditions)))


def _households() -> Select[Any]:
    return select(service.c.contract, customer.c.name, search_term.c.term).select_from(
        search_term.join(service, service.c.id == search_term.c.service_id)
        .join(account, account.c.id == service.c.account_id)
        .join(customer, customer.c.id == account.c.customer_id)
    )


def _begin(beginning: str) -> ColumnElement[bool] | None:
    return _between(search_term.c.term, beginning) if beginning else None


def _all_begin(beginnings: Sequence[str]) -> ColumnElement[bool] | None:
    """Ask for the longest word, which the fewest have, and for the others of who has it."""
    if not beginnings:
        return None
    other = search_term.alias()
    of_same = other.c.service_id == search_term.c.service_id
    others = [exists().where(of_same, _between(other.c.term, one)) for one in beginnings[1:]]
    return and_(_between(search_term.c.term, beginnings[0]), *others)


def _between(column: ColumnElement[str], beginning: str) -> ColumnElement[bool]:
    return and_(column >= beginning, column < finding.behind(beginning))
