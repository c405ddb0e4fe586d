"""What accounts were billed lately: what a bill that is to come is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median_low
from typing import Any

from sqlalchemy import Select, func, select

from billing.accounts.store import account, customer
from billing.invoicing.store import invoice
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from terms.ids import AccountId
from terms.money import Money

LOOKS_BACK_INVOICES = 3


async def usual(tx: Tx, accounts: Sequence[AccountId]) -> Mapping[AccountId, Money]:
    """Tell the median of each account's last three invoices; whoever has none is left out."""
    totals: dict[AccountId, list[Money]] = {}
    for row in await _LAST.rows(tx, {KEYS: packed(tx.engine, sorted(accounts))}):
        totals.setdefault(row.account_id, []).append(Money(row.total_minor, row.currency))
    return {key: _middle(found) for key, found in totals.items()}


async def names(tx: Tx, accounts: Sequence[AccountId]) -> Mapping[AccountId, tuple[str, str]]:
    """Tell the number and the name of each account."""
    rows = await _NAMES.rows(tx, {KEYS: packed(tx.engine, sorted(accounts))})
    return {AccountId(row.id): (row.number, row.name) for row in rows}


def _middle(totals: Sequence[Money]) -> Money:
    newest = totals[0].currency
    return Money(median_low(one.amount_minor for one in totals if one.currency == newest), newest)


def _last(engine: Engine) -> Select[Any]:
    c = invoice.c
    newest = func.row_number().over(partition_by=c.account_id, order_by=c.sequence.desc())
    ranked = (
        select(c.account_id, c.total_minor, c.currency, c.sequence, newest.label("place"))
        .where(among(engine, c.account_id))
        .subquery()
    )
    r = ranked.c
    query = select(r.account_id, r.total_minor, r.currency).where(r.place <= LOOKS_BACK_INVOICES)
    return query.order_by(r.account_id, r.sequence.desc())


def _names(engine: Engine) -> Select[Any]:
    joined = account.join(customer, customer.c.id == account.c.customer_id)
    query = select(account.c.id, account.c.number, customer.c.name).select_from(joined)
    return query.where(among(engine, account.c.id))


_LAST = PreparedQuery(_last)
_NAMES = PreparedQuery(_names)
