"""/console/accounts/.../wallet: what is in a wallet, money put in by a link, money paid out."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from aiohttp import web
from pydantic import Field

from app.desk import wallet
from app.desk.typed import plain
from app.identity.roles import Right
from app.web.console.forms import DeedForm
from app.web.console.sayings import SaidQuery, told
from app.web.cursor import read_cursor
from app.web.page.fields import After
from app.web.page.once import Ask, beside, in_one
from app.web.page.reply import html, see
from app.web.page.wallet import LINES_MAX, walleted
from app.web.page.words import money
from app.web.route import Call, Form, Route
from billing.payments.refunds import RefundState
from billing.reads import wallet as reading
from runtime.store import Tx
from terms.money import total

if TYPE_CHECKING:
    from app.web.console.pages import Console

PATH = "/console/accounts/{contract}/wallet"


class WalletQuery(SaidQuery):
    """Behind which line the page begins."""

    after: After = ""


class TopUpForm(DeedForm):
    """How much."""

    amount: Annotated[str, Field(min_length=1, max_length=20)]


class PayOutForm(DeedForm):
    """How much goes back, all that may unless said, and why."""

    amount: Annotated[str, Field(max_length=20)] = ""
    reason: Annotated[str, Field(min_length=1, max_length=200)]


class Walleted:
    """The page and its forms."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.house = console.house

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        return (
            self.console.page(PATH, self._show, WalletQuery),
            self._form("top-up", lambda call: beside(call, _link), Right.SEE, TopUpForm),
            self._form(
                "pay-out", lambda call: in_one(call, _pay_out), Right.TAKE_MONEY, PayOutForm
            ),
        )

    def _form(self, name: str, done: Ask, right: Right, form: type[Form]) -> Route:
        async def handle(call: Call) -> web.Response:
            said = await told(call, done(call))
            back = PATH.replace("{contract}", quote(call.part("contract"), safe=""))
            return see(f"{back}?said={said}")

        return Route(method="POST", path=f"{PATH}/{name}", policy=right, handler=handle, form=form)

    async def _show(self, call: Call) -> web.Response:
        query: WalletQuery = call.query
        place = read_cursor(query.after, datetime, str)
        async with self.house.store.read() as tx:
            frame = await self.console.frame(tx, call, query.said)
            found = await reading.wallet(
                tx,
                call.part("contract"),
                limit=LINES_MAX + 1,
                behind=(place[0], place[1]) if place else None,
            )
        return html(self.console.drawing.page("wallet", frame=frame, wallet=walleted(found)))


async def _link(call: Call) -> str:
    form: TopUpForm = call.form
    amount = plain(form.amount)
    link = await wallet.top_up_link(call.house, call.part("contract"), amount)
    return f"{money(link.amount)} can be paid here:\n{link.url}"


async def _pay_out(call: Call, tx: Tx) -> str:
    form: PayOutForm = call.form
    done = await wallet.pay_out(
        call.house,
        tx,
        call.part("contract"),
        amount=plain(form.amount) or None,
        reason=form.reason,
        reference=f"desk-{call.once[:32]}",
        actor=call.actor,
    )
    if done[0].state is RefundState.WAITING:
        amount = total((one.amount for one in done), done[0].amount.currency)
        return f"{amount} waits for a second person: nothing has left."
    parts = ", ".join(
        money(one.amount)
        + (" handed over" if one.state is RefundState.DONE else " by its provider")
        for one in done
    )
    return f"Paid out: {parts}."
