"""/console/vouchers: batches of prepaid cards, what dealers owe; a new batch is shown once."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from aiohttp import web
from pydantic import Field

from app.desk import business, voucher_paper, vouchers
from app.desk.typed import plain
from app.identity.roles import Right
from app.web.console.forms import DeedForm
from app.web.console.sayings import SaidQuery, told
from app.web.cursor import cursor, cut, read_cursor
from app.web.page.fields import After, Day
from app.web.page.once import in_one
from app.web.page.reply import html, see
from app.web.page.words import Tone, shown
from app.web.route import Call, Form, Handler, Route
from billing.flows.vouchers import BatchOrder, MadeBatch
from billing.reads import vouchers as reading
from billing.vouchers.model import Batch, BatchState
from runtime.store import Tx
from terms.errors import Invalid

if TYPE_CHECKING:
    from app.web.console.pages import Console
    from app.wiring import House

BATCHES_SHOWN = 20
PATH = "/console/vouchers"
SHEET_CARDS_MAX = 500  # a page of more is too heavy for a browser
_STATES: dict[BatchState, tuple[Tone, str]] = {
    BatchState.MADE: ("warn", "not active"),
    BatchState.ACTIVE: ("good", "active"),
    BatchState.STOPPED: ("off", "stopped"),
}


class MakeForm(DeedForm):
    """Which cards."""

    name: Annotated[str, Field(min_length=1, max_length=40)]
    value: Annotated[str, Field(min_length=1, max_length=20)]
    currency: Annotated[str, Field(min_length=3, max_length=3)]
    count: Annotated[int, Field(ge=1, le=SHEET_CARDS_MAX)]
    valid_until: Day = None
    dealer: Annotated[str, Field(min_length=1, max_length=80)]
    margin: Annotated[str, Field(max_length=12)] = "0%"
    prefix: Annotated[str, Field(max_length=6)] = ""

    def order(self) -> BatchOrder:
        """Read it. Raises Invalid."""
        if self.valid_until is None:
            raise Invalid("valid_until", "choose a day")
        value = plain(self.value, "value")
        return BatchOrder(
            name=self.name.strip(),
            value=vouchers.read_value(value, self.currency.strip().upper()),
            count=self.count,
            valid_until=self.valid_until,
            dealer=self.dealer,
            margin=vouchers.read_margin(self.margin or "0%"),
            prefix=self.prefix,
        )


class BatchesQuery(SaidQuery):
    """Behind which batch the page begins."""

    after: After = ""


class BatchForm(DeedForm):
    """Which batch."""

    batch: Annotated[str, Field(min_length=1, max_length=40)]


Act = Callable[..., Awaitable[Batch]]


class Vouchers:
    """The page and its forms."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.house: House = console.house

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        return (
            self.console.page(PATH, self._show, BatchesQuery),
            self._form("make", self._make, MakeForm),
            self._form("activate", self._doing(vouchers.activate, "is active now"), BatchForm),
            self._form("stop", self._doing(vouchers.stop, "is stopped for good"), BatchForm),
        )

    def _form(self, name: str, handler: Handler, form: type[Form]) -> Route:
        path = f"{PATH}/{name}"
        return Route(
            method="POST", path=path, policy=Right.RUN_BUSINESS, handler=handler, form=form
        )

    def _doing(self, act: Act, words: str) -> Handler:
        async def deed(call: Call, tx: Tx) -> str:
            form: BatchForm = call.form
            reason = form.reason.strip()
            batch = await act(call.house, tx, form.batch, actor=call.actor, reason=reason)
            return f"{batch.name} {words}."

        async def handle(call: Call) -> web.Response:
            return see(f"{PATH}?said={await told(call, in_one(call, deed))}")

        return handle

    async def _show(self, call: Call) -> web.Response:
        query: BatchesQuery = call.query
        behind = read_cursor(query.after, datetime, str)
        async with self.house.store.read() as tx:
            frame = await self.console.frame(tx, call, query.said)
            known = await business.find(tx)
            dealers = await reading.dealers(tx)
            found = await reading.listing(tx, limit=BATCHES_SHOWN + 1, behind=behind)
        batches, last = cut(found, BATCHES_SHOWN)
        page = self.console.drawing.page(
            "vouchers",
            frame=frame,
            rows=[(one, *_STATES[one.state], shown(one.valid_until)) for one in batches],
            dealers=dealers,
            next=cursor(reading.place_of(last)) if last else "",
            currency=known.currency if known else "",
            cards_max=SHEET_CARDS_MAX,
        )
        return html(page)

    async def _make(self, call: Call) -> web.Response:
        """Make a batch; its codes are on the answer itself, which nobody keeps."""
        form: MakeForm = call.form
        made: list[MadeBatch] = []

        async def deed(call: Call, tx: Tx) -> str:
            reason = form.reason.strip()
            one = await vouchers.make(self.house, tx, form.order(), actor=call.actor, reason=reason)
            made.append(one)
            return f"{one.batch.name} was made; its codes were shown then, and never again."

        said = await told(call, in_one(call, deed))
        return await self._cards(call, made[0]) if made else see(f"{PATH}?said={said}")

    async def _cards(self, call: Call, made: MadeBatch) -> web.Response:
        async with self.house.store.read() as tx:
            frame = await self.console.frame(tx, call)
        cards = await asyncio.to_thread(_drawn, made)
        listed = base64.b64encode(voucher_paper.listed(made).encode()).decode()
        page = self.console.drawing.page(
            "voucher_cards",
            frame=frame,
            batch=made.batch,
            until=shown(made.batch.valid_until),
            file=f"{quote(made.batch.name)}.csv",
            csv=f"data:text/csv;base64,{listed}",
            cards=cards,
        )
        return html(page)


def _drawn(made: MadeBatch) -> list[tuple[str, str, str]]:
    """Draw all cards, beside whatever else is answered meanwhile."""
    return [(one, code, voucher_paper.drawn(code)) for one, code in voucher_paper.cards(made)]
