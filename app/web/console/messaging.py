"""/console/messages: who was told what, and how; /console/notices: how every notice reads."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

from aiohttp import web
from pydantic import Field

from app.desk import leaving, messages
from app.desk.messages import Asked
from app.identity.roles import Right
from app.web.console.forms import DeedForm
from app.web.console.words import delivered
from app.web.cursor import cursor, cut, read_cursor
from app.web.page.fields import After, Day, since
from app.web.page.reply import html
from app.web.route import Call, Query, Route
from messages.model import Outcome
from messages.plan import KINDS, Via
from runtime.store import Tx
from terms.errors import NotFound

if TYPE_CHECKING:
    from app.web.console.pages import Console

PATH, NOTICES = "/console/messages", "/console/notices"
ROWS_MAX = 50


class MessagesQuery(Query):
    """Which messages, and behind which one the page begins."""

    contract: Annotated[str, Field(max_length=80)] = ""
    channel: Literal["", "screen", "mail", "sms"] = ""
    outcome: Literal["", "begun", "sent", "waiting", "failed", "late", "unknown"] = ""
    kind: Annotated[str, Field(max_length=40)] = ""
    since: Day = None
    after: After = ""


class OffersForm(DeedForm):
    """Which channel, and whether announcements by it are welcome."""

    channel: Literal["screen", "mail", "sms"]
    welcome: Literal["yes", "no"]


async def offers(call: Call, tx: Tx) -> str:
    """Decline announcements by a channel for a household, or take them again."""
    form: OffersForm = call.form
    contract, via = call.part("contract"), Via(form.channel)
    is_declined = form.welcome == "no"
    await leaving.say(
        call.house,
        tx,
        contract,
        via,
        is_declined=is_declined,
        actor=call.actor,
        reason=form.reason.strip(),
    )
    return f"Announcements by {via} are {'declined' if is_declined else 'welcome'}."


class Messaging:
    """Both pages."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.house = console.house

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        see = Right.SEE
        return (
            Route(method="GET", path=PATH, policy=see, handler=self._log, query=MessagesQuery),
            Route(method="GET", path=NOTICES, policy=see, handler=self._notices, query=Query),
        )

    async def _log(self, call: Call) -> web.Response:
        query: MessagesQuery = call.query
        behind, unknown = read_cursor(query.after, datetime, str), ""
        async with self.house.store.read() as tx:
            frame = await self.console.frame(tx, call)
            asked = Asked(
                contract=query.contract.strip(),
                channel=query.channel,
                outcome=query.outcome,
                kind=query.kind,
                since=since(query.since, frame.zone),
            )
            try:
                found = await messages.reading(tx, asked, rows_max=ROWS_MAX + 1, behind=behind)
            except NotFound as error:
                found, unknown = [], f"{str(error).capitalize()}."
        shown, last = cut(found, ROWS_MAX)
        page = self.console.drawing.page(
            "messages",
            frame=frame,
            query=query,
            rows=[(one, *delivered(one.delivery)) for one in shown],
            unknown=unknown,
            next=cursor(last.place) if last else "",
            channels=[via.value for via in Via],
            outcomes=[outcome.value for outcome in Outcome],
            kinds=sorted(KINDS),
        )
        return html(page)

    async def _notices(self, call: Call) -> web.Response:
        async with self.house.store.read() as tx:
            frame = await self.console.frame(tx, call)
            found = await messages.wordings(tx)
        kinds = sorted({one.kind for one in found})
        groups = [(kind, [one for one in found if one.kind == kind]) for kind in kinds]
        return html(self.console.drawing.page("notices", frame=frame, groups=groups))
