"""/portal/me: a subscriber's own sign-ins and password, and which offers are welcome."""

from __future__ import annotations

from typing import Literal

from aiohttp import web

from app.desk import leaving
from app.identity import own, subscribers
from app.identity.door import TooOften
from app.identity.passwords import PASSWORD_CHARS_MIN
from app.web import cookies
from app.web.leading import PORTAL
from app.web.page.door import SAID, PasswordForm, Secret, password_told
from app.web.page.fields import DoneQuery, NoFields
from app.web.page.phone import Phone
from app.web.page.reply import see
from app.web.page.words import Tone
from app.web.route import Call, Form, Handler, Policy, Route
from messages.plan import Via
from terms.errors import Invalid

PATH = f"{PORTAL}/me"
_CHOSEN = "Offers come only where you want them."
_OFFERS = {Via.SCREEN: "on the screen", Via.MAIL: "by mail", Via.SMS: "by short message"}


class OwnPasswordForm(PasswordForm):
    """A password; whoever has come in by a code need not know the one before."""

    current: Secret = ""


class OffersForm(Form):
    """By which channels offers are welcome; whatever is not ticked is not sent."""

    screen: Literal["yes", ""] = ""
    mail: Literal["yes", ""] = ""
    sms: Literal["yes", ""] = ""


class Me:
    """The page and its forms."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.house = phone.house

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        theirs = Policy.SUBSCRIBER
        return (
            Route(method="GET", path=PATH, policy=theirs, handler=self._show, query=DoneQuery),
            self._post("/offers", self._offers, OffersForm),
            self._post("/password", self._set_password, OwnPasswordForm),
            self._post("/sign-ins/revoke", self._revoke_others, NoFields),
            self._post("/sign-ins/{id}/revoke", self._revoke, NoFields),
        )

    def _post(self, path: str, handler: Handler, form: type[Form]) -> Route:
        return Route(
            method="POST",
            path=PATH + path,
            policy=Policy.SUBSCRIBER,
            handler=handler,
            form=form,
        )

    async def _show(self, call: Call) -> web.Response:
        done = call.query.done
        return await self._page(call, _CHOSEN if done == "offers" else SAID.get(done, ""))

    async def _offers(self, call: Call) -> web.Response:
        form, one = call.form, call.subscriber
        async with self.house.store.begin() as tx:
            for via in Via:
                await leaving.say(
                    self.house,
                    tx,
                    one.contract,
                    via,
                    is_declined=getattr(form, via.value) != "yes",
                    actor=one.actor,
                )
        return see(f"{PATH}?done=offers")

    async def _set_password(self, call: Call) -> web.Response:
        form: OwnPasswordForm = call.form
        if form.new != form.again:
            return await self._page(call, "The two passwords differ.", "bad", 400)
        try:
            let = await own.set_password(
                self.house.codes, call.visit, current=form.current, new=form.new
            )
        except Invalid as error:
            return await self._page(call, password_told(error.field, error.reason), "bad", 400)
        except TooOften as error:
            return await self._page(call, f"{error}.", "bad", 429)
        response = see(f"{PATH}?done=password")
        cookies.keep(response, self.house.settings, cookies.SUBSCRIBERS, let)
        return response

    async def _revoke(self, call: Call) -> web.Response:
        async with self.house.store.begin() as tx:
            one = call.subscriber
            await self.house.subscribers.revoke(tx, one, call.part("id"), one.actor)
        return see(f"{PATH}?done=revoked")

    async def _revoke_others(self, call: Call) -> web.Response:
        one, mine = call.subscriber, call.visit.sign_in.id
        async with self.house.store.begin() as tx:
            await self.house.subscribers.revoke_all(tx, one, one.actor, but=mine)
        return see(f"{PATH}?done=others")

    async def _page(
        self, call: Call, said: str, tone: Tone = "good", status: int = 200
    ) -> web.Response:
        keeper, one = self.house.subscribers, call.subscriber
        asks = await own.asks_for_current(self.house.codes, call.visit)
        async with self.house.store.read() as tx:
            live = await keeper.sign_ins.live(
                tx, one.id, keeper.lasting, keeper.clock.machine_now()
            )
            has_password = bool(await subscribers.kept(tx, one.id))
            declined = await leaving.declined(tx, one.contract)
        return await self.phone.page(
            call,
            "portal_me",
            said=said,
            tone=tone,
            status=status,
            sign_ins=live,
            mine=call.visit.sign_in.id,
            contract=one.contract,
            asks_current=asks,
            has_password=has_password,
            chars_min=PASSWORD_CHARS_MIN,
            offers=[(via.value, word, via not in declined) for via, word in _OFFERS.items()],
        )
