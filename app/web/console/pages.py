"""The console's routes: pages, the forms on them, and the stream that keeps them fresh."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated

from aiohttp import web
from pydantic import Field

from app.desk import business, reviews, targets
from app.desk.waiting import waiting as read_waiting
from app.web.caller import is_local
from app.web.console import account as account_page
from app.web.console import waiting
from app.web.console.account import listing
from app.web.console.drawing import Drawing
from app.web.console.forms import FormToken, Sayings
from app.web.console.overview import overview
from app.web.console.views import Frame
from app.web.console.words import offset as told_offset
from app.web.leading import SIGN_IN_PATH
from app.web.live import Live
from app.web.problem import BadRequest
from app.web.route import Call, Policy, Query, Route
from app.web.static import Static
from app.wiring import House
from runtime.store import Tx
from terms.errors import BoxofficeError

ACTOR = "console"
PREFIX = "/console/"
PARTS = ("clock", "tiles", "targets", "queue", "parked", "drift", "jobs", "story")
LINES_MAX = 50

Deed = Callable[[House, Tx, Mapping[str, str], str], Awaitable[str]]


class AccountsQuery(Query):
    """Which accounts."""

    search: Annotated[str, Field(max_length=80)] = ""
    after: Annotated[str, Field(max_length=80)] = ""


class PartsQuery(Query):
    """Which parts of a page to keep fresh."""

    parts: Annotated[str, Field(max_length=200)] = ""


class SaidQuery(Query):
    """What the last form has to say."""

    said: Annotated[str, Field(max_length=40)] = ""


class Console:
    """The pages of one process."""

    def __init__(self, house: House, static: Static) -> None:
        self.house = house
        self.drawing = Drawing(static)
        self.token = FormToken(house.chance.token(32))
        self.sayings = Sayings(house.chance)
        self.live = Live(self._draw_parts, house.store.outages)

    def routes(self) -> tuple[Route, ...]:
        """Declare everything under /console/."""
        return (
            Route(method="GET", path="/", policy=Policy.OPEN, handler=_begin),
            Route(method="GET", path="/console", policy=Policy.OPEN, handler=_to_console),
            self._page("/console/", self._overview, SaidQuery),
            self._page("/console/accounts", self._accounts, AccountsQuery),
            self._page("/console/accounts/{contract}", self._account, SaidQuery),
            self._page("/console/waiting", self._waiting, SaidQuery),
            self._page("/console/events", self._events, PartsQuery),
            self._form("/console/targets/{name}/approve", _approve),
            self._form("/console/targets/{name}/reject", _reject),
            self._form("/console/targets/{name}/release", _release_target),
            self._form("/console/parked/release", _release_work),
            self._form("/console/drift/repair", _repair),
            self._form("/console/waiting/resolve", _resolve, back="/console/waiting"),
        )

    def refused(
        self, request: web.Request, status: int, title: str, detail: str
    ) -> web.Response | None:
        """Draw a page for a failed look at the console; None for everybody else."""
        if not request.path.startswith(PREFIX):
            return None
        frame = Frame(
            operator="Boxoffice",
            business_now=self.house.clock.machine_now(),
            zone="UTC",
            offset="",
            token="",
            page="",
        )
        page = self.drawing.page("refused", frame=frame, title=title.capitalize(), detail=detail)
        return web.Response(text=page, status=status, content_type="text/html", charset="utf-8")

    def _page(
        self, path: str, handler: Callable[[Call], Awaitable[object]], query: type[Query]
    ) -> Route:
        return Route(method="GET", path=path, policy=Policy.LOCAL, handler=handler, query=query)

    def _form(self, path: str, deed: Deed, *, back: str = PREFIX) -> Route:
        async def handle(call: Call) -> web.Response:
            form = await self.token.read(call.request)
            try:
                async with self.house.store.begin() as tx:
                    said = await deed(self.house, tx, form, call.request.match_info.get("name", ""))
                key = self.sayings.put(said, "good")
            except BoxofficeError as error:
                key = self.sayings.put(str(error), "bad")
            # Elsewhere, so that a reload repeats nothing.
            return web.Response(status=303, headers={"Location": f"{back}?said={key}"})

        return Route(method="POST", path=path, policy=Policy.LOCAL, handler=handle)

    async def _frame(self, tx: Tx, page: str, said_key: str = "") -> Frame:
        said, tone = self.sayings.take(said_key)
        about = await business.find(tx)
        ahead = await self.house.clock.offset(tx)
        return Frame(
            operator=about.name if about else "Boxoffice",
            business_now=self.house.clock.machine_now() + ahead,
            zone=about.zone if about else "UTC",
            offset=told_offset(ahead),
            token=self.token.value,
            page=page,
            said=said,
            said_tone=tone,
        )

    async def _overview(self, call: Call) -> web.Response:
        async with self.house.store.read() as tx:
            frame = await self._frame(tx, "overview", call.query.said)
            found = await overview(self.house, tx)
        return _html(self.drawing.page("overview", frame=frame, overview=found))

    async def _waiting(self, call: Call) -> web.Response:
        async with self.house.store.read() as tx:
            frame = await self._frame(tx, "waiting", call.query.said)
            found = waiting.page(await read_waiting(tx, rows_max=LINES_MAX))
        return _html(self.drawing.page("waiting", frame=frame, waiting=found))

    async def _accounts(self, call: Call) -> web.Response:
        query: AccountsQuery = call.query
        async with self.house.store.read() as tx:
            frame = await self._frame(tx, "accounts")
            lines = await listing(tx, query.search, query.after, LINES_MAX + 1)
        shown = lines[:LINES_MAX]
        behind = shown[-1].contract if len(lines) > LINES_MAX else ""
        page = self.drawing.page(
            "accounts", frame=frame, lines=shown, search=query.search, next=behind
        )
        return _html(page)

    async def _account(self, call: Call) -> web.Response:
        async with self.house.store.read() as tx:
            frame = await self._frame(tx, "accounts", call.query.said)
            found = await account_page.account(self.house, tx, call.part("contract"))
        return _html(self.drawing.page("account", frame=frame, account=found))

    async def _events(self, call: Call) -> web.StreamResponse:
        if self.live.is_full:
            raise BadRequest(503, "too many watch", "close another page that watches")
        wanted = frozenset(call.query.parts.split(",")) & frozenset(PARTS)
        return await self.live.feed(call.request, wanted)

    async def _draw_parts(self, wanted: frozenset[str]) -> Mapping[str, str]:
        async with self.house.store.read() as tx:
            frame = await self._frame(tx, "overview")
            found = await overview(self.house, tx)
        return {
            part: self.drawing.part(part, frame=frame, overview=found, moments=found.story)
            for part in PARTS
            if part in wanted
        }


def _html(page: str) -> web.Response:
    return web.Response(text=page, content_type="text/html", charset="utf-8")


async def _begin(call: Call) -> web.Response:
    """Lead to the console where it is shown, and everybody else to the sign-in page."""
    location = PREFIX if is_local(call.request) else SIGN_IN_PATH
    return web.Response(status=303, headers={"Location": location})


async def _to_console(_call: Call) -> web.Response:
    return web.Response(status=303, headers={"Location": "/console/"})


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


async def _approve(house: House, tx: Tx, _form: Mapping[str, str], name: str) -> str:
    count = await targets.approve(house, tx, name, ACTOR)
    return f"{name}: {_counted(count, 'household goes', 'households go')} dark."


async def _reject(house: House, tx: Tx, _form: Mapping[str, str], name: str) -> str:
    count = await targets.reject(house, tx, name, ACTOR)
    return f"{name}: {_counted(count, 'household stays', 'households stay')} on."


async def _release_target(house: House, tx: Tx, _form: Mapping[str, str], name: str) -> str:
    await targets.release_target(house, tx, name, ACTOR)
    return f"{name} is tried again."


async def _release_work(house: House, tx: Tx, form: Mapping[str, str], _name: str) -> str:
    kind, key = form.get("kind", ""), form.get("key", "")
    count = await targets.release_work(house, tx, kind, key, ACTOR)
    return "It is tried again." if count else "It was no longer parked."


async def _resolve(house: House, tx: Tx, form: Mapping[str, str], _name: str) -> str:
    id_, said = form.get("id", ""), form.get("resolution", "").strip()
    is_let_in = form.get("forget_key") == "yes"
    done = await reviews.resolve(house, tx, id_, said, actor=ACTOR, forget_key=is_let_in)
    return f"Box {done.serial}: it is settled."


async def _repair(house: House, tx: Tx, form: Mapping[str, str], _name: str) -> str:
    count = await targets.repair(house, tx, ACTOR, ids=[form.get("id", "")])
    return "It is being repaired." if count else "There was nothing left to repair."
