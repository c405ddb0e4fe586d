"""Which late fees would come within some days if nobody paid, by the rules there are or by others.

Accounts are read in pages, each with as many statements however many there are. Nothing is written.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import false, select

from billing.accounts.store import account
from billing.dunning.late_fees import assess
from billing.dunning.segment import Segments
from billing.flows.settle.load_late import history_rows, late_of
from billing.payments.store import INVOICE, open_item
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.calendar import days_after, local_date
from terms.money import Money

PAGE = 500


@dataclass(slots=True, kw_only=True)
class FeesAhead:
    """How many fees of how many accounts, and what they come to in each currency."""

    accounts: int = 0
    fees: int = 0
    amounts: dict[str, Money] = field(default_factory=dict)

    def add(self, amounts: Sequence[Money]) -> None:
        """Count the fees of an account."""
        self.accounts += bool(amounts)
        self.fees += len(amounts)
        for one in amounts:
            known = self.amounts.get(one.currency)
            self.amounts[one.currency] = known + one if known else one


async def fees_ahead(
    tx: Tx, by: Sequence[Segments], now: datetime, *, days: int
) -> list[FeesAhead]:
    """Tell the late fees of the next days by each of several rules."""
    found = [FeesAhead() for _ in by]
    if not any(one.late_fees for rules in by for one in rules.each.values()):
        return found
    async for page in _pages(tx):
        history = await history_rows(tx, [row.id for row in page])
        for row in page:
            late = late_of(
                history.get(row.id, {}),
                row.currency,
                lambda at, zone=row.zone: local_date(at, zone),
            )
            today = local_date(now, row.zone)
            for rules, into in zip(by, found, strict=True):
                terms = rules.of(row.segment).late_fees_in(row.currency)
                ahead = assess(late.history, late.fees, terms, days_after(today, days))
                into.add([Money(one.amount_minor, row.currency) for one in ahead.fresh])
    return found


async def _pages(tx: Tx) -> AsyncIterator[Sequence[Any]]:
    """Read who owes anything but fees, in the order of their ids."""
    c, after = open_item.c, ""
    owing = (c.kind == INVOICE, c.is_fee == false())
    while True:
        query = select(c.account_id).where(*owing, c.account_id > after).distinct()
        rows = await tx.rows(query.order_by(c.account_id).limit(PAGE))
        keys = [row.account_id for row in rows]
        if not keys:
            return
        a = account.c
        owners = select(a.id, a.currency, a.zone, a.segment).where(among(tx.engine, a.id))
        yield await tx.rows(owners.order_by(a.id), {KEYS: packed(tx.engine, keys)})
        after = keys[-1]
