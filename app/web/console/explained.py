"""/console/lines/...: one line of a document, why it comes to what it does; goodwill for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from aiohttp import web
from pydantic import Field

from app.desk import goodwill
from app.desk.auditing import naming
from app.desk.typed import plain
from app.identity.roles import Right
from app.web.console.forms import DeedForm
from app.web.console.sayings import SaidQuery, told
from app.web.page.once import in_one
from app.web.page.reply import html, see
from app.web.page.words import money, shown
from app.web.route import Call, Route
from billing.reads import explaining
from billing.reads.sources import Source
from runtime.store import Tx

if TYPE_CHECKING:
    from app.web.console.pages import Console

PATH = "/console/lines/{number}"


class GoodwillForm(DeedForm):
    """How much: an amount, or a share of what the line charged."""

    amount: Annotated[str, Field(min_length=1, max_length=20)]


class Explained:
    """The page."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.house = console.house

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        give, care = f"{PATH}/goodwill", Right.CARE
        return (
            self.console.page(PATH, self._show, SaidQuery),
            Route(method="POST", path=give, policy=care, handler=self._give, form=GoodwillForm),
        )

    async def _give(self, call: Call) -> web.Response:
        said = await told(call, in_one(call, _given))
        return see(f"/console/lines/{quote(call.part('number'), safe='')}?said={said}")

    async def _show(self, call: Call) -> web.Response:
        async with self.house.store.read() as tx:
            frame = await self.console.frame(tx, call, call.query.said)
            found = await explaining.line(tx, call.part("number"))
            name = await naming(tx)
        words = [found.word, *(one.word for one in found.given_back)]
        who = {one.by: name(one.by) for one in words if one}
        sources = [(one.kind, _days(one), one.detail) for one in found.sources]
        page = self.console.drawing.page("line", frame=frame, line=found, sources=sources, who=who)
        return html(page)


async def _given(call: Call, tx: Tx) -> str:
    form: GoodwillForm = call.form
    text = plain(form.amount)
    is_share = text.endswith("%")
    done = await goodwill.give(
        call.house,
        tx,
        call.part("number"),
        amount=None if is_share else text,
        percent=text if is_share else None,
        reason=form.reason,
        reference=f"desk-{call.once[:32]}",
        actor=call.actor,
    )
    return f"{money(done.amount)} is given back by {done.note}."


def _days(one: Source) -> str:
    ends = f" to {shown(one.until_on)}" if one.until_on else ""
    return f"from {shown(one.from_on)}{ends}"
