"""/console/accounts/.../statement: an account's statement, for the screen and for paper."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from aiohttp import web
from pydantic import BeforeValidator

from app.desk import documents
from app.web.console.words import plain, shown
from app.web.people.phone import html
from app.web.route import Call, Query, Route
from billing.reads.statements import Statement

if TYPE_CHECKING:
    from app.web.console.pages import Console

PATH = "/console/accounts/{contract}/statement"
_KINDS = {
    "invoice": "Invoice",
    "credit_note": "Credit note",
    "payment": "Payment",
    "reversal": "Given back or taken back",
    "write_off": "Written off",
}


class DaysQuery(Query):
    """From which day to which."""

    since: Annotated[date | None, BeforeValidator(lambda text: text or None)] = None
    until: Annotated[date | None, BeforeValidator(lambda text: text or None)] = None


class Stated:
    """The page."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.house = console.house

    def routes(self) -> tuple[Route, ...]:
        """Declare it."""
        return (self.console.page(PATH, self._show, DaysQuery),)

    async def _show(self, call: Call) -> web.Response:
        query: DaysQuery = call.query
        async with self.house.store.read() as tx:
            frame = await self.console.frame(tx, call)
            found = await documents.statement(
                self.house, tx, call.part("contract"), query.since, query.until
            )
        page = self.console.drawing.page("statement", frame=frame, statement=stated(found))
        return html(page)


def stated(one: Statement) -> Mapping[str, Any]:
    """Write a statement for people."""
    return {
        "contract": one.contract,
        "name": one.name,
        "from_on": one.from_on,
        "to_on": one.to_on,
        "days": f"{shown(one.from_on)} to {shown(one.to_on)}",
        "opening": str(one.opening),
        "closing": str(one.closing),
        "lines": [
            {
                "on": shown(each.on),
                "what": _KINDS.get(each.kind, each.kind.replace("_", " ").capitalize()),
                "document": each.document,
                "amount": plain(each.amount),
                "balance": plain(each.balance),
            }
            for each in one.lines
        ],
    }
