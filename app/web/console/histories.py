"""/console/accounts/CONTRACT/history: facts, orders, messages and what people did, in one line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from aiohttp import web

from app.desk.auditing import Sought, Told, reading
from app.desk.boxes import holder_of
from app.web.console.story import MOMENTS_MAX, Moment, by_time, moments_of
from app.web.cursor import cursor, read_cursor
from app.web.page.fields import After
from app.web.page.reply import html
from app.web.route import Call, Query, Route
from runtime.store import Tx

if TYPE_CHECKING:
    from app.web.console.pages import Console

# Fewer than each source gives, so that what is shown has no gap.
PAGE_MAX = MOMENTS_MAX - 10
PATH = "/console/accounts/{contract}/history"


class HistoryQuery(Query):
    """Before which instant the page begins."""

    after: After = ""


class Histories:
    """The page."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def routes(self) -> tuple[Route, ...]:
        """Declare it."""
        return (self.console.page(PATH, self._show, HistoryQuery),)

    async def _show(self, call: Call) -> web.Response:
        (before,) = read_cursor(call.query.after, datetime) or (None,)
        contract = call.part("contract")
        async with call.house.store.read() as tx:
            frame = await self.console.frame(tx, call)
            found = await history(tx, contract, before)
        shown = first_page(found)
        page = self.console.drawing.page(
            "history",
            frame=frame,
            contract=contract,
            moments=shown,
            next=cursor((shown[-1].at,)) if len(shown) < len(found) else "",
        )
        return html(page)


async def history(tx: Tx, contract: str, before: datetime | None) -> list[Moment]:
    """Tell what happened to a household and what was done for it. Raises NotFound."""
    holder = await holder_of(tx, contract)
    moments = await moments_of(tx, holder.service, holder.account, before)
    sought = Sought(subject=f"contract:{contract}", before=before)
    deeds = [_of_deed(one) for one in await reading(tx, sought, deeds_max=MOMENTS_MAX)]
    return sorted([*moments, *deeds], key=by_time, reverse=True)


def first_page(found: Sequence[Moment]) -> Sequence[Moment]:
    """Cut a page off; what happened at one instant stays on one page."""
    if len(found) <= PAGE_MAX:
        return found
    last = found[PAGE_MAX - 1].at
    return [one for one in found if one.at >= last]


def _of_deed(one: Told) -> Moment:
    change = " → ".join(part for part in (one.before, one.after) if part)
    more = ": ".join(part for part in (change, one.reason) if part)
    return Moment(
        id=f"audit:{one.position}",
        at=one.at,
        tone="calm",
        text=f"{one.who}: {one.action}",
        more=more,
    )
