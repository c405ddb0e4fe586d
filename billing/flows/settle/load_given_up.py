"""Loads what write-offs still stand for, of the accounts that something was given up of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, func, select

from billing.accounts.model import Perk
from billing.flows.settle.facts import Facts
from billing.payments.store import allocation, write_off
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from terms.ids import InvoiceId


async def load_given_up(tx: Tx, facts: Iterable[Facts]) -> None:
    """Load what is given up of each invoice, by write-off."""
    concerned = {one.account.id: one for one in facts if one.account.perks & Perk.GIVEN_UP}
    if not concerned:
        return
    for row in await _GIVEN_UP.rows(tx, {KEYS: packed(tx.engine, sorted(concerned))}):
        of_invoice = concerned[row.account_id].given_up.setdefault(InvoiceId(row.invoice_id), {})
        of_invoice[row.payer_id] = int(row.left_minor)


def _given_up_query(engine: Engine) -> Select[Any]:
    a = allocation.c
    left = func.sum(a.amount_minor)
    return (
        select(a.account_id, a.invoice_id, a.payer_id, left.label("left_minor"))
        .select_from(allocation.join(write_off, write_off.c.id == a.payer_id))
        .where(among(engine, a.account_id))
        .group_by(a.account_id, a.invoice_id, a.payer_id)
        .having(left > 0)
        .order_by(a.payer_id)
    )


_GIVEN_UP = PreparedQuery(_given_up_query)
