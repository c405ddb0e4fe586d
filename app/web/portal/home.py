"""/portal/: what a subscriber has, whether it is on, what is owed and why; kept fresh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial

from aiohttp import web

from app.desk.shopping import counter
from app.web.leading import PORTAL
from app.web.live import Live
from app.web.page.account import Having, PaymentRow, having, payments, promise_last_on, promised
from app.web.page.extras import extras
from app.web.page.fields import DoneQuery, PartsQuery
from app.web.page.papers import paid
from app.web.page.phone import Phone, PhoneFrame
from app.web.page.ways import kept
from app.web.page.words import Tone, money, shown
from app.web.portal.picture import Picture, picture
from app.web.problem import BadRequest
from app.web.route import Call, Policy, Route
from billing.payments.model import AttemptState
from billing.reads import account as accounts
from billing.reads import debits
from billing.reads.account import AccountView
from gateway.reads import services, targets
from runtime.store import Tx
from terms.calendar import local_date, period_containing
from terms.entitlement import ServiceState

PATH = f"{PORTAL}/"
PARTS = ("portal_picture", "portal_money")
WATCHERS_MAX = 200
LASTS_S = 60.0
PAYMENTS_MAX = 5
SAID: Mapping[str, tuple[str, Tone]] = {
    "back": (
        "Thank you. The payment stands here as soon as the provider has told us of it.",
        "good",
    ),
    "promised": ("Thank you. Until that day nothing is switched off for it.", "good"),
    "redeemed": ("The code is taken: what it is of is yours.", "good"),
    "voucher": ("Thank you. The money of the voucher is taken up in a moment.", "good"),
    "joined": ("Welcome. From now on what you pay brings points.", "good"),
    "spent": ("The points are credit now: it pays what is owed, or what comes next.", "good"),
    "code": ("Your code stands below.", "good"),
    "left": (
        "Thank you. A card that was left is charged from now on; it shows below shortly.",
        "good",
    ),
    "card": ("That card is charged from now on.", "good"),
    "mandate": (
        "Thank you. That account is debited from now on; you are told before.",
        "good",
    ),
    "no_card": ("That card is never charged again.", "good"),
    "nothing": ("Nothing is owed: there is nothing to pay.", "good"),
    "never": ("The page of the payment provider cannot be opened. Please call us.", "bad"),
    "away": ("The page to pay on cannot be opened just now. Try again in a few minutes.", "bad"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInvoice:
    """An invoice that is not paid, and what is left of it."""

    number: str
    due_on: str
    open: str
    tone: Tone
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HomePage:
    """What a subscriber has, owes and paid lately.

    `next_on` is the day of the next invoice; empty where none is to come. `promise_last_on` is
    None where no promise may be made.
    """

    contract: str
    name: str
    zone: str
    picture: Picture
    having: tuple[Having, ...]
    owed: str
    owes: bool
    credit: str
    open_invoices: tuple[OpenInvoice, ...]
    collecting: str
    next_on: str
    promise: str
    today: date
    promise_last_on: date | None
    payments: tuple[PaymentRow, ...]


class Home:
    """The first page, and what keeps it fresh."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.house = phone.house
        self.live = Live(
            self._draw, self.house.store.outages, watchers_max=WATCHERS_MAX, lasts_s=LASTS_S
        )
        # Stand in parts that are drawn for many, where what is of one reader alone belongs.
        self._token_mark = self.house.chance.token(16)
        self._once_mark = self.house.chance.token(16)

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        events, theirs = f"{PATH}events", Policy.SUBSCRIBER
        return (
            Route(method="GET", path=PATH, policy=theirs, handler=self._show, query=DoneQuery),
            Route(method="GET", path=events, policy=theirs, handler=self._events, query=PartsQuery),
        )

    async def page(
        self, call: Call, said: str = "", tone: Tone = "good", status: int = 200
    ) -> web.Response:
        """Draw the page for whoever is signed in."""
        async with self.house.store.read() as tx:
            about = await accounts.view(tx, call.subscriber.contract)
            found = await self._home(tx, about)
            at = await counter(self.house, tx, about.service.id, about.zone)
            more = await extras(tx, at)
            cards = await kept(tx, call.subscriber.contract)
            creditor = await debits.creditor(tx)
        return await self.phone.page(
            call,
            "portal",
            said=said,
            tone=tone,
            status=status,
            home=found,
            extras=more,
            cards=cards,
            creditor=creditor,
        )

    async def _show(self, call: Call) -> web.Response:
        said, tone = SAID.get(call.query.done, ("", "good"))
        return await self.page(call, said, tone)

    async def _events(self, call: Call) -> web.StreamResponse:
        if self.live.is_full:
            raise BadRequest(503, "too many watch", "reload the page to see what is new")
        guest, once = call.visit, self.house.chance.token(16)
        wanted = frozenset(call.query.parts.split(",")) & frozenset(PARTS)

        def dress(drawn: str) -> str:
            return drawn.replace(self._token_mark, guest.form_token).replace(self._once_mark, once)

        return await self.live.feed(
            call.request,
            {f"{guest.person.contract} {part}": part for part in wanted},
            partial(self.house.subscribers.is_in, guest),
            dress,
        )

    async def _draw(self, wanted: frozenset[str]) -> Mapping[str, str]:
        """Draw parts of those who watch: "100001 portal_money"."""
        keys = [(key, *key.rsplit(" ", 1)) for key in sorted(wanted)]
        async with self.house.store.read() as tx:
            abouts = [await accounts.view(tx, one) for one in {key[1] for key in keys}]
            found = {one.service.contract: await self._home(tx, one) for one in abouts}
        drawn = {}
        frame = PhoneFrame(operator="", zone="", token=self._token_mark, once=self._once_mark)
        for key, contract, part in keys:
            drawn[key] = self.phone.drawing.part(part, frame=frame, home=found[contract])
        return drawn

    async def _home(self, tx: Tx, about: AccountView) -> HomePage:
        gateway = await services.overview(tx, about.service.id)
        down = frozenset(await targets.out_of_work(tx))
        today = local_date(await self.house.clock.business_now(tx), about.zone)
        return HomePage(
            contract=about.service.contract,
            name=about.name,
            zone=about.zone,
            picture=picture(about, gateway, down),
            having=having(about),
            owed=money(about.owed),
            owes=about.owed.amount_minor > 0,
            credit=money(about.credit) if about.credit.amount_minor else "",
            open_invoices=_open(about, today),
            collecting=_collecting(about),
            next_on=_next_on(about, today),
            promise=promised(about),
            today=today,
            promise_last_on=await promise_last_on(tx, about, today),
            payments=payments(about)[:PAYMENTS_MAX],
        )


def _open(about: AccountView, today: date) -> tuple[OpenInvoice, ...]:
    found = [(one, *paid(one, today)) for one in about.invoices if one.open.amount_minor]
    return tuple(
        OpenInvoice(
            number=one.number,
            due_on=shown(one.due_on),
            open=money(one.open),
            tone=tone,
            state=state,
        )
        for one, tone, state in found
    )


def _collecting(about: AccountView) -> str:
    """Tell what is being collected by itself just now."""
    found = [one.amount for one in about.attempts if one.state is AttemptState.OPEN]
    return money(found[0]) if found else ""


def _next_on(about: AccountView, today: date) -> str:
    """Tell when the next invoice comes, where something goes on until then."""
    if about.service.state in {None, ServiceState.ENDED}:
        return ""
    day = period_containing(today, about.bill_day).end
    goes_on = any(one.until_on is None or one.until_on > day for one in about.subscriptions)
    return shown(day) if goes_on else ""
