"""What a subscriber does about a debt: pays on the provider's own page, or promises to pay; and
how the next ones are paid: cards are left on the provider's page, chosen, removed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from app.desk import debits, methods, paying
from app.identity.guesses import Pace, Paces
from app.web.origin import own_address
from app.web.page.fields import Day, OnceForm
from app.web.page.once import Deed, beside, in_one
from app.web.page.reply import refused, see
from app.web.portal.home import PATH, Home
from app.web.problem import BadRequest
from app.web.route import Call, Policy, Route
from billing.flows.debits.mandate import Wish
from runtime.store import Tx
from terms.errors import DomainError, Invalid, Permanent, TargetError
from terms.http import page_address

# Each is a page that the provider has to make.
PAGES = Pace(at_once=10, every=timedelta(minutes=1))


class PromiseForm(OnceForm):
    """By which day it is paid."""

    until: Day = None


class MethodForm(OnceForm):
    """Which card; none for a new one."""

    method: Annotated[str, Field(max_length=40)] = ""


class MandateForm(OnceForm):
    """Which account, whose, and that its holder allows it."""

    iban: Annotated[str, Field(min_length=1, max_length=60)]
    holder: Annotated[str, Field(min_length=1, max_length=70)]
    accepted: Literal["yes", ""] = ""


class Paying:
    """The forms beside what is owed."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        theirs = Policy.SUBSCRIBER
        pay, promise, cards = f"{PATH}pay", f"{PATH}promise", f"{PATH}cards"
        deeds = {"add": self._add, "default": self._prefer, "remove": self._remove}
        return (
            *(
                Route(
                    method="POST",
                    path=f"{cards}/{name}",
                    policy=theirs,
                    handler=handler,
                    form=MethodForm,
                )
                for name, handler in deeds.items()
            ),
            Route(
                method="POST",
                path=f"{PATH}mandate",
                policy=theirs,
                handler=self._mandate,
                form=MandateForm,
            ),
            Route(method="POST", path=pay, policy=theirs, handler=self._pay, form=OnceForm),
            Route(
                method="POST", path=promise, policy=theirs, handler=self._promise, form=PromiseForm
            ),
        )

    async def _pay(self, call: Call) -> web.Response:
        # Not once for one form: it is the same page by itself, as long as the same is owed.
        try:
            url = await _pay_page(call)
        except Invalid:
            return see(f"{PATH}?done=nothing")
        except TargetError as error:
            return _unopened(error)
        except DomainError as error:
            return await self.home.page(call, *refused(error))
        # A form may lead nowhere else (form-action of our policy), a page that opens by itself may.
        return await self.home.phone.page(call, "portal_leaving", url=url)

    async def _add(self, call: Call) -> web.Response:
        try:
            url = await beside(call, _card_page)
        except TargetError as error:
            return _unopened(error)
        except (BadRequest, DomainError) as error:
            return await self.home.page(call, *refused(error))
        return await self.home.phone.page(call, "portal_leaving", url=url)

    async def _prefer(self, call: Call) -> web.Response:
        return await self._changed(call, _preferred, "card")

    async def _remove(self, call: Call) -> web.Response:
        return await self._changed(call, _removed, "no_card")

    async def _changed(self, call: Call, deed: Deed, done: str) -> web.Response:
        try:
            await in_one(call, deed)
        except (BadRequest, DomainError) as error:
            return await self.home.page(call, *refused(error))
        return see(f"{PATH}?done={done}")

    async def _mandate(self, call: Call) -> web.Response:
        return await self._changed(call, _given, "mandate")

    async def _promise(self, call: Call) -> web.Response:
        try:
            await in_one(call, _promised)
        except (BadRequest, DomainError) as error:
            return await self.home.page(call, *refused(error))
        return see(f"{PATH}?done=promised")


def _unopened(error: TargetError) -> web.Response:
    return see(f"{PATH}?done={'never' if isinstance(error, Permanent) else 'away'}")


async def _pay_page(call: Call) -> str:
    back_to = f"{own_address(call.request)}{PATH}?done=back"
    link = await paying.pay_link(
        call.house, call.subscriber.contract, back_to=back_to, paces=paces_of(call)
    )
    return led_to(link.url)


async def _card_page(call: Call) -> str:
    form: MethodForm = call.form
    back_to = f"{own_address(call.request)}{PATH}?done=left"
    url = await methods.setup_link(
        call.house,
        call.subscriber.contract,
        replaces=form.method,
        back_to=back_to,
        paces=paces_of(call),
    )
    return led_to(url)


async def _preferred(call: Call, tx: Tx) -> str:
    form: MethodForm = call.form
    return await methods.prefer(
        call.house, tx, call.subscriber.contract, form.method, actor=call.actor
    )


async def _removed(call: Call, tx: Tx) -> str:
    form: MethodForm = call.form
    return await methods.remove(
        call.house, tx, call.subscriber.contract, form.method, actor=call.actor
    )


async def _given(call: Call, tx: Tx) -> str:
    form: MandateForm = call.form
    if not form.accepted:
        raise Invalid("accepted", "without it nothing may be debited")
    wish = Wish(iban=form.iban, holder=form.holder)
    given = await debits.give(
        call.house, tx, call.subscriber.contract, wish, actor=call.actor, reason="on the portal"
    )
    return given.reference


async def _promised(call: Call, tx: Tx) -> str:
    form: PromiseForm = call.form
    if form.until is None:
        raise Invalid("until", "choose a day")
    made = await paying.promise(
        call.house, tx, call.subscriber.contract, form.until, actor=call.actor
    )
    return str(made.until_on)


def paces_of(call: Call) -> Paces:
    """Say how fast a subscriber may have pages made, of whichever kind."""
    return {f"pay {call.subscriber.id}": PAGES}


def led_to(url: str) -> str:
    """Give the address of a page of a provider. Raises Permanent where none may be led there."""
    if not may_lead_to(url):
        raise Permanent("the provider's page is neither https nor on this machine")
    return url


def may_lead_to(url: str) -> bool:
    """Whether a browser may be led to a page of a provider: https, or this very machine."""
    try:
        page_address(url)
    except ValueError:
        return False
    return True
