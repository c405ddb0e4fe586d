"""The books as a whole: reports as of a day of the operator, what is given up, the journal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from app.desk import business
from app.desk.auditing import note
from app.wiring import House
from billing.flows.write_off import WrittenOff, write_off_invoice
from billing.reads import books, journal
from billing.reads.books import Aged, Balance, DeferredMonth
from billing.reads.journal import Span
from runtime.store import Tx
from terms.calendar import local_date

UTC_ZONE = "UTC"


async def today(house: House, tx: Tx) -> date:
    """Tell the operator's day; in UTC before there is an operator."""
    found = await business.find(tx)
    now = await house.clock.business_now(tx)
    return local_date(now, found.zone if found else UTC_ZONE)


async def trial(house: House, until: date | None) -> list[Balance]:
    """Read the trial balance."""
    async with house.store.read() as tx:
        return await books.trial(tx, until)


async def ageing(house: House, on: date | None) -> list[Aged]:
    """Read how old debts are, today unless a day is said."""
    async with house.store.read() as tx:
        return await books.ageing(tx, on or await today(house, tx))


async def deferred(house: House, since: date | None, until: date | None) -> list[DeferredMonth]:
    """Roll deferred revenue forward; from this year's begin to this month unless days are said."""
    async with house.store.read() as tx:
        last = until or await today(house, tx)
        return await books.deferred(tx, since or last.replace(month=1, day=1), last)


async def write_off(house: House, tx: Tx, number: str, *, reason: str, actor: str) -> WrittenOff:
    """Give up what is open of an invoice. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    done = await write_off_invoice(house.desk, tx, number, now, reason=reason)
    if done.is_new:
        await note(
            house,
            tx,
            actor=actor,
            action="invoice.write_off",
            subject=f"account:{done.account}",
            reason=reason,
            before=f"{done.amount} open of {done.number}",
            after="written off",
        )
    return done


async def export(house: House, form: str, span: Span, write: Callable[[str], object]) -> int:
    """Write the journal in a format, page by page; returns how many postings there were.

    Each page is read in a transaction of its own: what is posted meanwhile may be in it or not,
    whole either way.
    """
    out = journal.FORMATS[form]()
    write(out.head)
    count, after = 0, ""
    while True:
        async with house.store.read() as tx:
            found = await journal.page(tx, span, after)
        if not found:
            return count
        for one in found:
            write(out.text(one))
        count, after = count + len(found), found[-1].id
