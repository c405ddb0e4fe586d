"""What a subscriber does about a debt: pays on the provider's own page, or promises to pay."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from aiohttp import web

from app.desk import paying
from app.identity.guesses import Pace
from app.web.origin import own_address
from app.web.page.fields import Day, OnceForm
from app.web.page.once import beside, in_one
from app.web.page.reply import refused, see
from app.web.portal.home import PATH, Home
from app.web.problem import BadRequest
from app.web.route import Call, Policy, Route
from runtime.store import Tx
from terms.errors import DomainError, Invalid, Permanent, TargetError

# Each is a page that the provider has to make.
PAGES = Pace(at_once=10, every=timedelta(minutes=1))
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class PromiseForm(OnceForm):
    """By which day it is paid."""

    until: Day = None


class Paying:
    """The forms beside what is owed."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        theirs = Policy.SUBSCRIBER
        pay, promise = f"{PATH}pay", f"{PATH}promise"
        return (
            Route(method="POST", path=pay, policy=theirs, handler=self._pay, form=OnceForm),
            Route(
                method="POST", path=promise, policy=theirs, handler=self._promise, form=PromiseForm
            ),
        )

    async def _pay(self, call: Call) -> web.Response:
        try:
            url = await beside(call, _pay_page)
        except Invalid:
            return see(f"{PATH}?done=nothing")
        except (DomainError, TargetError):
            return see(f"{PATH}?done=away")
        # A form may lead nowhere else (form-action of our policy), a page that opens by itself may.
        return await self.home.phone.page(call, "portal_leaving", url=url)

    async def _promise(self, call: Call) -> web.Response:
        try:
            await in_one(call, _promised)
        except (BadRequest, DomainError) as error:
            return await self.home.page(call, *refused(error))
        return see(f"{PATH}?done=promised")


async def _pay_page(call: Call) -> str:
    await call.house.subscribers.take({f"pay {call.subscriber.id}": PAGES})
    back_to = f"{own_address(call.request)}{PATH}?done=back"
    link = await paying.pay_link(call.house, call.subscriber.contract, back_to=back_to)
    if not may_lead_to(link.url):
        raise Permanent("the provider's page is neither https nor on this machine")
    return link.url


async def _promised(call: Call, tx: Tx) -> str:
    form: PromiseForm = call.form
    if form.until is None:
        raise Invalid("until", "choose a day")
    made = await paying.promise(
        call.house, tx, call.subscriber.contract, form.until, actor=call.actor
    )
    return str(made.until_on)


def may_lead_to(url: str) -> bool:
    """Whether a browser may be led to a page of a provider: https, or this very machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (
        parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    )
