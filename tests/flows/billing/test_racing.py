"""Deeds that meet the bill run: each happened before it or after it, and never in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from billing.catalog.terms import When
from billing.flows.cancel import cancel
from billing.flows.change import Change, change
from billing.flows.desk import Desk
from billing.flows.pay import take_cash
from billing.flows.refund import give_back
from billing.flows.settle import settle
from billing.flows.tax_place import tax_in
from billing.invoicing.store import credit_line, credit_note, invoice, invoice_line
from billing.ledger.store import entry, posting
from billing.payments.refunds import RefundWish
from billing.tax.model import TaxRate
from runtime.patience import Moved
from runtime.retry import serialisable
from runtime.store import Tx
from terms.ids import AccountId
from terms.money import Money, Rate
from tests.fixtures.billing import PUBLICATION, SINCE, Office
from tests.flows.billing.books import check_books

KIND = "settle"
BEFORE, AFTER, RACING = "100001", "100002", "100003"
ABROAD = TaxRate(tax="standard", effective_from=SINCE, rate=Rate.parse("10%"), jurisdiction="SI")
BILL_DAY = datetime(2026, 4, 1, 6, tzinfo=UTC)

Deed = Callable[[Desk, Tx, str, datetime], Awaitable[object]]


async def paid_back(desk: Desk, tx: Tx, contract: str, now: datetime) -> None:
    """Give back a part of what was paid in cash."""
    wish = RefundWish(
        charge=f"till-{contract}",
        amount=Money(500, "EUR"),
        reference=f"back-{contract}",
        reason="x",
    )
    await give_back(desk, tx, contract, wish, now, by="test")


DEEDS: dict[str, Deed] = {
    "another plan": lambda desk, tx, who, now: change(desk, tx, who, Change(plan="LARGE"), now),
    "an add-on": lambda desk, tx, who, now: change(desk, tx, who, Change(add=("SPORT",)), now),
    "an end": lambda desk, tx, who, now: cancel(desk, tx, who, When.NOW, now),
    "another address": lambda desk, tx, who, _now: tax_in(desk, tx, who, "SI"),
    "money back": paid_back,
}


async def run(office: Office, contract: str, account: AccountId) -> None:
    """Settle one account as the bill run does: what moved meanwhile is settled anew."""

    async def once() -> None:
        claims = await office.desk.work.take(KIND, [account])
        try:
            async with office.store.decide() as deciding:
                await settle(office.desk, deciding.tx, [account], office.now, look=deciding.look)
                if deciding.tx.is_later:
                    await office.desk.work.insist(deciding.tx, claims)
                await office.desk.work.complete(deciding.tx, claims)
        except BaseException:
            office.desk.numbers.forget()
            raise

    for _ in range(20):
        try:
            await serialisable(once)
            return
        except Moved:
            continue
    raise AssertionError(f"{contract} was never settled")


async def told(office: Office, account: str) -> list[tuple[object, ...]]:
    """List what was charged, given back and booked, without ids and names of documents."""
    lines, notes = invoice_line.c, credit_line.c
    charged = select(
        lines.offering, lines.period_start, lines.period_end, lines.net_minor, lines.tax_minor
    ).join(invoice, invoice.c.id == lines.invoice_id)
    given = select(notes.period_start, notes.period_end, notes.net_minor, notes.tax_minor).join(
        credit_note, credit_note.c.id == notes.note_id
    )
    booked = select(entry.c.book, entry.c.amount_minor).join(
        posting, posting.c.id == entry.c.posting_id
    )
    async with office.store.read() as tx:
        rows = [
            *await tx.rows(charged.where(invoice.c.account_id == account)),
            *await tx.rows(given.where(credit_note.c.account_id == account)),
            *await tx.rows(booked.where(posting.c.account_id == account)),
        ]
    return sorted((tuple(row) for row in rows), key=repr)


@pytest.mark.parametrize("name", list(DEEDS))
async def test_a_deed_is_before_the_run_or_after_it(office: Office, name: str):
    """Done in the middle of the run it comes to what it comes to before or after, to the cent."""
    await office.publish(replace(PUBLICATION, taxes=(*PUBLICATION.taxes, ABROAD)))
    accounts = {}
    for contract in (BEFORE, AFTER, RACING):
        accounts[contract] = await office.join(contract, method=None)
        async with office.store.begin() as tx:
            await take_cash(
                office.desk,
                tx,
                contract,
                office.now,
                amount=Money(9_000, "EUR"),
                reference=f"till-{contract}",
            )
        await office.settle(accounts[contract])
    office.now = BILL_DAY

    async def do(contract: str) -> None:
        async def once() -> None:
            async with office.store.begin() as tx:
                await DEEDS[name](office.desk, tx, contract, office.now)
                await office.desk.work.mark(tx, KIND, [accounts[contract]])

        await serialisable(once)

    async with office.store.begin() as tx:
        await office.desk.work.mark(tx, KIND, list(accounts.values()))
    await do(BEFORE)
    await run(office, AFTER, accounts[AFTER])
    await do(AFTER)
    await asyncio.gather(run(office, RACING, accounts[RACING]), do(RACING))
    for contract, account in accounts.items():
        await run(office, contract, account)
    either = [await told(office, accounts[contract]) for contract in (BEFORE, AFTER)]
    assert await told(office, accounts[RACING]) in either
    await check_books(office.store)
