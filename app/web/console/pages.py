"""The console's routes: pages, the forms on them, and the stream that keeps them fresh.

Everybody gets the same numbers; which buttons are beside them is a matter of the reader's role.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from app.desk import business
from app.desk.boxes import holder_of
from app.desk.waiting import waiting as read_waiting
from app.identity.roles import Right, about
from app.web.access import KNOWN, signed_in
from app.web.console import deeds, waiting
from app.web.console.account import account, besides, listing
from app.web.console.forms import (
    DecideForm,
    DeclineForm,
    DismissForm,
    RefundForm,
    ReleaseForm,
    RepairForm,
    ResolveForm,
    UsageForm,
)
from app.web.console.kept import Kept
from app.web.console.overview import Overview, overview
from app.web.console.sayings import NOTHING_SAID, SaidQuery, Saying, told, unseal
from app.web.console.words import offset
from app.web.cursor import cursor, cut, read_cursor
from app.web.leading import SIGN_IN_PATH
from app.web.links import Shown, links
from app.web.live import Live
from app.web.page.drawing import Drawing
from app.web.page.fields import After, NoFields, PartsQuery
from app.web.page.once import Deed
from app.web.page.refusing import shown
from app.web.page.reply import html, see
from app.web.problem import BadRequest, Problem
from app.web.route import Call, Form, Handler, Policy, Query, Route
from app.web.static import Static
from app.wiring import House
from runtime.store import Tx

PREFIX = "/console/"
WAITING = "/console/waiting"
PARTS = ("clock", "tiles", "targets", "queue", "parked", "drift", "jobs", "story")
HOUSEHOLD_PARTS = (
    "clock",
    "account_state",
    "account_money",
    "account_payments",
    "account_boxes",
    "account_holdings",
    "account_messages",
    "account_story",
)
LINES_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around every page, and which buttons are on it.

    `once` names the forms of this very page, so that each is done once.
    """

    operator: str
    business_now: datetime
    zone: str
    offset: str
    token: str = ""
    once: str = ""
    home: str = "/sign-in"
    leave: str = "/sign-out"
    rights: frozenset[Right] = frozenset()
    links: tuple[Shown, ...] = ()
    said: Saying = NOTHING_SAID


class AccountsQuery(Query):
    """Which accounts."""

    search: Annotated[str, Field(max_length=80)] = ""
    after: After = ""


class Console:
    """The pages of one process."""

    def __init__(self, house: House, static: Static) -> None:
        self.house = house
        self.drawing = Drawing(static)
        self.first: Kept[Overview] = Kept(self._gather)
        self.live = Live(self._draw_parts, house.store.outages)
        # Stands in parts that are drawn for many, where each reader's form token belongs.
        self._token_mark = house.chance.token(16)

    def routes(self) -> tuple[Route, ...]:
        """Declare everything under /console/."""
        target = "/console/targets/{name}"
        return (
            Route(method="GET", path="/", policy=Policy.OPEN, handler=self._begin),
            Route(method="GET", path="/console", policy=Policy.OPEN, handler=_to_console),
            self.page("/console/", self._overview, SaidQuery),
            self.page("/console/accounts", self._accounts, AccountsQuery),
            self.page("/console/accounts/{contract}", self._account, SaidQuery),
            self.page(WAITING, self._waiting, SaidQuery),
            self.page("/console/events", self._events, PartsQuery),
            self._form(f"{target}/approve", deeds.approve, Right.RUN_BUSINESS, DecideForm),
            self._form(f"{target}/reject", deeds.reject, form=DecideForm),
            self._form(f"{target}/release", deeds.release_target),
            self._form(f"{target}/enable", deeds.enable_target, form=DecideForm),
            self._form(f"{target}/disable", deeds.disable_target, form=DecideForm),
            self._form("/console/parked/release", deeds.release_work, form=ReleaseForm),
            self._form("/console/drift/repair", deeds.repair, form=RepairForm),
            self._form(
                f"{WAITING}/resolve", deeds.resolve, Right.MOVE_BOXES, ResolveForm, back=WAITING
            ),
            self._form(
                f"{WAITING}/refunds/release",
                deeds.release_refund,
                Right.TAKE_MONEY,
                RefundForm,
                back=WAITING,
            ),
            self._form(
                f"{WAITING}/refunds/decline",
                deeds.decline_refund,
                Right.TAKE_MONEY,
                DeclineForm,
                back=WAITING,
            ),
            self._form(
                f"{WAITING}/usage/release", deeds.release_usage, form=UsageForm, back=WAITING
            ),
            self._form(
                f"{WAITING}/usage/dismiss", deeds.dismiss_usage, form=DismissForm, back=WAITING
            ),
        )

    def close(self) -> None:
        """Send away whoever still watches."""
        self.live.close()
        self.first.close()

    def refused(self, request: web.Request, problem: Problem) -> web.Response | None:
        """Draw a page for what failed at the console, with the links of whoever is signed in;
        None for everybody else.
        """
        if not request.path.startswith(PREFIX):
            return None
        now = self.house.clock.machine_now()
        frame = Frame(operator=self.drawing.operator, business_now=now, zone="UTC", offset="")
        if (caller := request.get(KNOWN)) and (here := caller.here):
            frame = replace(
                _worn(frame, here.person.role),
                token=here.form_token,
                links=links(here.person.role, request.path),
            )
        page = self.drawing.page("refused", frame=frame, **shown(request, problem))
        return html(page, problem.status)

    def page(self, path: str, handler: Handler, query: type[Query]) -> Route:
        """Declare a page that everybody may see who may see the console."""
        return Route(method="GET", path=path, policy=Right.SEE, handler=handler, query=query)

    def _form(
        self,
        path: str,
        deed: Deed,
        right: Right = Right.OPERATE,
        form: type[Form] = NoFields,
        *,
        back: str = PREFIX,
    ) -> Route:
        async def handle(call: Call) -> web.Response:
            page = call.form.back if isinstance(call.form, ReleaseForm) else back
            return see(f"{page}?said={await told(call, self._done(call, deed))}")

        return Route(method="POST", path=path, policy=right, handler=handle, form=form)

    async def _done(self, call: Call, deed: Deed) -> str:
        async with self.house.store.begin() as tx:
            return await deed(call, tx)

    async def _begin(self, call: Call) -> web.Response:
        """Lead to where somebody's day begins, and everybody else to the sign-in page."""
        here = await signed_in(call.request, self.house)
        return see(about(here.person.role).home if here else SIGN_IN_PATH)

    async def frame(self, tx: Tx, call: Call, said: str = "") -> Frame:
        """Give what is around a page of whoever asks, with what the last form has to say."""
        here = call.signed_in
        return replace(
            _worn(await self._bare(tx), here.person.role),
            token=here.form_token,
            once=self.house.chance.token(16),
            links=links(here.person.role, call.request.path),
            said=unseal(call, said),
        )

    async def _bare(self, tx: Tx) -> Frame:
        """Give what is around a page for everybody alike."""
        known = await business.find(tx)
        ahead = await self.house.clock.offset(tx)
        self.drawing.operator = known.name if known else "Boxoffice"
        return Frame(
            operator=self.drawing.operator,
            business_now=self.house.clock.machine_now() + ahead,
            zone=known.zone if known else "UTC",
            offset=offset(ahead),
            token=self._token_mark,
        )

    async def _overview(self, call: Call) -> web.Response:
        async with self.house.store.read() as tx:
            frame = await self.frame(tx, call, call.query.said)
        # Once for all who look; whoever did something sees it done.
        found = await self.first.get(is_fresh=bool(call.query.said))
        return html(self.drawing.page("overview", frame=frame, overview=found))

    async def _gather(self) -> Overview:
        async with self.house.store.read() as tx:
            return await overview(self.house, tx)

    async def _waiting(self, call: Call) -> web.Response:
        async with self.house.store.read() as tx:
            frame = await self.frame(tx, call, call.query.said)
            found = waiting.page(await read_waiting(tx, rows_max=LINES_MAX))
        return html(self.drawing.page("waiting", frame=frame, waiting=found, me=call.actor))

    async def _accounts(self, call: Call) -> web.Response:
        query: AccountsQuery = call.query
        (after,) = read_cursor(query.after, str) or ("",)
        async with self.house.store.read() as tx:
            frame = await self.frame(tx, call)
            lines = await listing(tx, query.search, after, LINES_MAX + 1)
        shown, last = cut(lines, LINES_MAX)
        behind = cursor((last.contract,)) if last else ""
        page = self.drawing.page(
            "accounts", frame=frame, lines=shown, search=query.search, next=behind
        )
        return html(page)

    async def _account(self, call: Call) -> web.Response:
        async with self.house.store.read() as tx:
            frame = await self.frame(tx, call, call.query.said)
            found = await account(self.house, tx, call.part("contract"))
            more = await besides(self.house, tx, call.part("contract"), frame.zone)
        return html(self.drawing.page("account", frame=frame, account=found, **more))

    async def _events(self, call: Call) -> web.StreamResponse:
        if self.live.is_full:
            raise BadRequest(503, "too many watch", "close another page that watches")
        here, contract = call.signed_in, call.query.contract
        if contract:
            async with self.house.store.read() as tx:
                await holder_of(tx, contract)
        known = HOUSEHOLD_PARTS if contract else PARTS
        wanted = frozenset(call.query.parts.split(",")) & frozenset(known)
        return await self.live.feed(
            call.request,
            {f"{here.person.role} {contract} {part}": part for part in wanted},
            partial(self.house.keeper.is_in, here),
            lambda drawn: drawn.replace(self._token_mark, here.form_token),
        )

    async def _draw_parts(self, wanted: frozenset[str]) -> Mapping[str, str]:
        """Draw parts once for each role that watches them: "owner  drift", "owner 100001 story"."""
        keys = [(key, *key.split(" ")) for key in sorted(wanted)]
        contracts = {key[2] for key in keys}
        async with self.house.store.read() as tx:
            bare = await self._bare(tx)
            found = {
                contract: {"account": await account(self.house, tx, contract)}
                for contract in contracts
                if contract
            }
        first = await self._seen() if "" in contracts else {}
        drawn = {}
        for key, role, contract, part in keys:
            frame = _worn(bare, role)
            drawn[key] = self.drawing.part(part, frame=frame, **found.get(contract, first))
        return drawn

    async def _seen(self) -> Mapping[str, Any]:
        """Give what parts of the first page are drawn from."""
        found = await self.first.get()
        return {"overview": found, "moments": found.story}


def _worn(bare: Frame, role: str) -> Frame:
    """Give a role's frame: its buttons and its home."""
    return replace(bare, rights=about(role).rights, home=about(role).home)


async def _to_console(_call: Call) -> web.Response:
    return see(PREFIX)
