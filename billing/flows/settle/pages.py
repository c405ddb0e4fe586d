"""Which pages to pay on are closed: those that were made for other debts than there are by now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Select, select

from billing.flows import pages
from billing.flows.desk import Desk
from billing.flows.settle.decide import Decision
from billing.payments.pages import mark_of, pay_page
from runtime.store import Tx
from runtime.store.among import by_key
from runtime.store.lease import Engine


def page_query(engine: Engine) -> Select[Any]:
    """Ask for the pages that are handed out."""
    c = pay_page.c
    handed_out = select(c.id, c.account_id, c.debts).where(~c.is_closing)
    return by_key(engine, handed_out, c.account_id)


async def close_pages(desk: Desk, tx: Tx, decisions: Sequence[Decision]) -> None:
    """Have the pages closed that are to pay something else than is owed after settling."""
    await pages.close(desk, tx, [key for one in decisions for key in _outdated(one)])


def _outdated(one: Decision) -> Iterator[str]:
    if one.facts.pages:
        owed = mark_of(one.purse.wallet(one.facts.account.currency).debts.items())
        yield from (key for key, debts in one.facts.pages.items() if debts != owed)
