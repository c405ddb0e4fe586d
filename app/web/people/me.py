"""/me: somebody's own sign-ins and password."""

from __future__ import annotations

from aiohttp import web

from app.identity import deeds
from app.identity.door import TooOften
from app.identity.passwords import PASSWORD_CHARS_MIN
from app.identity.roles import about
from app.web import cookies
from app.web.page.door import SAID, PasswordForm, password_told
from app.web.page.fields import DoneQuery, NoFields
from app.web.page.phone import Phone
from app.web.page.reply import see
from app.web.page.words import Tone
from app.web.route import Call, Form, Handler, Policy, Route
from terms.errors import Invalid

PATH = "/me"


class Me:
    """The page and its forms."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.house = phone.house

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        page = Route(
            method="GET", path=PATH, policy=Policy.PERSON, handler=self._show, query=DoneQuery
        )
        return (
            page,
            self._post("/password", self._change_password, PasswordForm),
            self._post("/sign-ins/revoke", self._revoke_others, NoFields),
            self._post("/sign-ins/{id}/revoke", self._revoke, NoFields),
        )

    def _post(self, path: str, handler: Handler, form: type[Form]) -> Route:
        return Route(
            method="POST",
            path=PATH + path,
            policy=Policy.PERSON,
            handler=handler,
            form=form,
        )

    async def _show(self, call: Call) -> web.Response:
        return await self._page(call, SAID.get(call.query.done, ""))

    async def _change_password(self, call: Call) -> web.Response:
        form: PasswordForm = call.form
        if form.new != form.again:
            return await self._page(call, "The two new passwords differ.", "bad", 400)
        try:
            let = await deeds.change_own_password(
                self.house.keeper, call.signed_in, current=form.current, new=form.new
            )
        except Invalid as error:
            return await self._page(call, password_told(error.field, error.reason), "bad", 400)
        except TooOften as error:
            return await self._page(call, f"{error}.", "bad", 429)
        response = see(f"{PATH}?done=password")
        cookies.keep(response, self.house.settings, cookies.PEOPLE, let)
        return response

    async def _revoke(self, call: Call) -> web.Response:
        one = call.person
        async with self.house.store.begin() as tx:
            await deeds.revoke(self.house.keeper, tx, one, call.part("id"), one.actor)
        return see(f"{PATH}?done=revoked")

    async def _revoke_others(self, call: Call) -> web.Response:
        one, mine = call.person, call.signed_in.sign_in.id
        async with self.house.store.begin() as tx:
            await deeds.revoke_all(self.house.keeper, tx, one, one.actor, but=mine)
        return see(f"{PATH}?done=others")

    async def _page(
        self, call: Call, said: str, tone: Tone = "good", status: int = 200
    ) -> web.Response:
        keeper = self.house.keeper
        now = keeper.clock.machine_now()
        async with self.house.store.read() as tx:
            live = await keeper.sign_ins.live(tx, call.person.id, keeper.lasting, now)
        return await self.phone.page(
            call,
            "me",
            said=said,
            tone=tone,
            status=status,
            person=call.person,
            role=about(call.person.role).word,
            sign_ins=live,
            mine=call.signed_in.sign_in.id,
            chars_min=PASSWORD_CHARS_MIN,
        )
