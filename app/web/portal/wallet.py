"""/portal/wallet: what a subscriber has with us, how it came and went, and more of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from aiohttp import web
from pydantic import Field

from app.desk import wallet
from app.desk.typed import plain
from app.web.cursor import read_cursor
from app.web.leading import PORTAL
from app.web.origin import own_address
from app.web.page.fields import After, OnceForm
from app.web.page.once import beside
from app.web.page.phone import Phone
from app.web.page.reply import refused
from app.web.page.wallet import LINES_MAX, walleted
from app.web.page.words import Tone
from app.web.portal.paying import led_to, paces_of
from app.web.problem import BadRequest
from app.web.route import Call, Policy, Query, Route, shows, takes
from billing.reads import wallet as reading
from terms.errors import DomainError, Permanent, TargetError

PATH = f"{PORTAL}/wallet"
AWAY = "The page to pay on cannot be opened just now. Try again in a few minutes."

NEVER = "The page to pay on cannot be opened. Try another amount, or call us."


class WalletQuery(Query):
    """Behind which line the page begins."""

    after: After = ""


class TopUpForm(OnceForm):
    """How much."""

    amount: Annotated[str, Field(max_length=20)] = ""


class Wallet:
    """The page and its form."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.house = phone.house

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        theirs = Policy.SUBSCRIBER
        return (
            shows(PATH, theirs, self._show, WalletQuery),
            takes(f"{PATH}/top-up", theirs, self._top_up, TopUpForm),
        )

    async def _show(self, call: Call) -> web.Response:
        return await self._page(call, after=call.query.after)

    async def _page(
        self, call: Call, said: str = "", tone: Tone = "good", status: int = 200, after: str = ""
    ) -> web.Response:
        place = read_cursor(after, datetime, str)
        async with self.house.store.read() as tx:
            found = await reading.wallet(
                tx,
                call.subscriber.contract,
                limit=LINES_MAX + 1,
                behind=(place[0], place[1]) if place else None,
            )
        return await self.phone.page(
            call, "portal_wallet", said=said, tone=tone, status=status, wallet=walleted(found)
        )

    async def _top_up(self, call: Call) -> web.Response:
        try:
            url = await beside(call, _page_of)
        except Permanent:
            return await self._page(call, NEVER, "bad")
        except TargetError:
            return await self._page(call, AWAY, "bad")
        except (BadRequest, DomainError) as error:
            return await self._page(call, *refused(error))
        # A form may lead nowhere else (form-action of our policy), a page that opens by itself may.
        return await self.phone.page(call, "portal_leaving", url=url)


async def _page_of(call: Call) -> str:
    form: TopUpForm = call.form
    back_to = f"{own_address(call.request)}{PORTAL}/?done=back"
    amount = plain(form.amount)
    link = await wallet.top_up_link(
        call.house, call.subscriber.contract, amount, back_to=back_to, paces=paces_of(call)
    )
    return led_to(link.url)
