"""Invoices and credit notes of a subscriber, a list and one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated
from urllib.parse import quote

from aiohttp import web
from pydantic import BeforeValidator, Field

from app.desk import documents
from app.web.cursor import cut
from app.web.leading import PORTAL
from app.web.page.papers import credit_note, invoice, paid, stated
from app.web.page.phone import Phone
from app.web.page.words import Tone, money, shown
from app.web.route import Call, Policy, Query, Route
from billing.reads import credit_notes, invoices
from billing.reads.credit_notes import CreditNoteView
from billing.reads.invoices import InvoiceView
from terms.calendar import local_date

PATH = f"{PORTAL}/invoices"
NOTES = f"{PORTAL}/credit-notes"
STATEMENT = f"{PORTAL}/statement"
ROWS_MAX = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow:
    """An invoice or a credit note as a line of a list."""

    href: str
    number: str
    issued_on: str
    total: str
    tone: Tone
    state: str
    open: str = ""  # where it is a part of the total


class BehindQuery(Query):
    """Only documents older than this one."""

    behind: Annotated[str, Field(max_length=40)] = ""


def _day_or_none(text: object) -> object:
    """Take what is no day for none: the page shows the usual ones."""
    try:
        return date.fromisoformat(text) if isinstance(text, str) else text
    except ValueError:
        return None


class DaysQuery(Query):
    """From which day to which."""

    since: Annotated[date | None, BeforeValidator(_day_or_none)] = None
    until: Annotated[date | None, BeforeValidator(_day_or_none)] = None


class Documents:
    """The pages."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.house = phone.house

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        theirs = Policy.SUBSCRIBER
        one, note = f"{PATH}/{{number}}", f"{NOTES}/{{number}}"
        return (
            Route(method="GET", path=PATH, policy=theirs, handler=self._list, query=BehindQuery),
            Route(method="GET", path=one, policy=theirs, handler=self._invoice),
            Route(method="GET", path=note, policy=theirs, handler=self._note),
            Route(
                method="GET",
                path=STATEMENT,
                policy=theirs,
                handler=self._statement,
                query=DaysQuery,
            ),
        )

    async def _list(self, call: Call) -> web.Response:
        one, behind = call.subscriber, call.query.behind
        async with self.house.store.read() as tx:
            today = local_date(await self.house.clock.business_now(tx), one.zone)
            found = await invoices.page_of_account(tx, one.id, behind=behind, limit=ROWS_MAX + 1)
            notes = [] if behind else await credit_notes.of_account(tx, one.id, limit=ROWS_MAX)
        newest, last = cut(found, ROWS_MAX)
        return await self.phone.page(
            call,
            "portal_invoices",
            rows=[_invoiced(each, today) for each in newest],
            notes=[_row(NOTES, each, "good", "given back") for each in notes],
            older=last.number if last else "",
        )

    async def _statement(self, call: Call) -> web.Response:
        one, query = call.subscriber, call.query
        async with self.house.store.read() as tx:
            found = await documents.of_account(
                self.house, tx, one.id, one.zone, since=query.since, until=query.until
            )
        return await self.phone.page(call, "portal_statement", statement=stated(found))

    async def _invoice(self, call: Call) -> web.Response:
        one = call.subscriber
        async with self.house.store.read() as tx:
            today = local_date(await self.house.clock.business_now(tx), one.zone)
            found = await invoices.one_of_account(tx, one.id, call.part("number"))
        return await self.phone.page(call, "portal_invoice", invoice=invoice(found, today))

    async def _note(self, call: Call) -> web.Response:
        async with self.house.store.read() as tx:
            found = await credit_notes.one_of_account(tx, call.subscriber.id, call.part("number"))
        return await self.phone.page(call, "portal_credit_note", note=credit_note(found))


def _invoiced(one: InvoiceView, today: date) -> DocumentRow:
    """Show an invoice; of one that is partly paid what is open, too."""
    row = _row(PATH, one, *paid(one, today))
    is_part = one.open.amount_minor and one.open != one.total
    return replace(row, open=money(one.open)) if is_part else row


def _row(at: str, one: InvoiceView | CreditNoteView, tone: Tone, state: str) -> DocumentRow:
    return DocumentRow(
        href=f"{at}/{quote(one.number, safe='')}",
        number=one.number,
        issued_on=shown(one.issued_on),
        total=money(one.total),
        tone=tone,
        state=state,
    )
