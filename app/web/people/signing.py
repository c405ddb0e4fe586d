"""/sign-in and /sign-out: the only way to a sign-in from outside."""

from __future__ import annotations

from aiohttp import web

from app.identity import people
from app.identity.door import Given, NotLetIn, TooOften
from app.identity.roles import FIRST_OWNER, about
from app.web import cookies
from app.web.access import signed_in
from app.web.caller import address, may_sign_in
from app.web.leading import SIGN_IN_PATH, SIGN_OUT_PATH, local_path
from app.web.origin import check_from_here
from app.web.page.door import FORM_BYTES_MAX, PLAIN, Next, Secret, SignInQuery, Typed
from app.web.page.fields import NoFields
from app.web.page.phone import Phone
from app.web.page.reply import see
from app.web.page.words import why
from app.web.reading import read_form, validated
from app.web.route import Call, Form, Policy, Route

SAID = {"out": "You are signed out.", "password": "Sign in with the new password."}


class SignInForm(Form):
    """What somebody types."""

    name: Typed
    password: Secret
    next: Next = ""


class Signing:
    """The two pages of the door."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.house = phone.house

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        return (
            Route(
                method="GET",
                path=SIGN_IN_PATH,
                policy=Policy.OPEN,
                handler=self._ask,
                query=SignInQuery,
            ),
            Route(method="POST", path=SIGN_IN_PATH, policy=Policy.OPEN, handler=self._sign_in),
            Route(
                method="POST",
                path=SIGN_OUT_PATH,
                policy=Policy.PERSON,
                handler=self._sign_out,
                form=NoFields,
            ),
        )

    async def _ask(self, call: Call) -> web.Response:
        query: SignInQuery = call.query
        here = await signed_in(call.request, self.house)
        if here:
            return see(local_path(query.next) or about(here.person.role).home)
        if not may_sign_in(call.request, self.house.settings):
            return await self._page(call, PLAIN, status=403)
        form = SignInForm(name="", password="", next=query.next)
        return await self._page(call, SAID.get(query.done, ""), form)

    async def _sign_in(self, call: Call) -> web.Response:
        request, settings = call.request, self.house.settings
        check_from_here(request)
        if not may_sign_in(request, settings):
            return await self._page(call, PLAIN, status=403)
        form = validated(SignInForm, await read_form(request, FORM_BYTES_MAX))
        given = Given(
            name=form.name,
            password=form.password,
            address=address(request, settings),
            browser=cookies.read(request, settings, cookies.PEOPLE.browser),
            user_agent=request.headers.get("User-Agent", ""),
            former_token=cookies.read(request, settings, cookies.PEOPLE.sign_in),
        )
        try:
            let = await self.house.keeper.sign_in(given)
        except NotLetIn:
            return await self._page(call, "Name or password is wrong.", form, status=400)
        except TooOften as error:
            page = await self._page(call, why(error), form, status=429)
            page.headers["Retry-After"] = str(error.wait_s)
            return page
        response = see(local_path(form.next) or about(let.person.role).home)
        cookies.keep(response, settings, cookies.PEOPLE, let)
        return response

    async def _sign_out(self, call: Call) -> web.Response:
        await self.house.keeper.sign_out(call.signed_in)
        response = see(f"{SIGN_IN_PATH}?done=out")
        cookies.drop(response, self.house.settings, cookies.PEOPLE.sign_in)
        return response

    async def _page(
        self, call: Call, said: str, form: SignInForm | None = None, *, status: int = 200
    ) -> web.Response:
        async with self.house.store.read() as tx:
            is_anybody = bool(await people.roles(tx))
        return await self.phone.page(
            call,
            "sign_in",
            first="" if is_anybody else FIRST_OWNER,
            said=said,
            tone="good" if status < 400 else "bad",  # noqa: PLR2004 - where failure begins
            status=status,
            form=form,
            next=local_path(form.next) if form else "",
        )
