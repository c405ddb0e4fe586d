"""/set-up: the first owner, by the code that was shown where the product was started."""

from __future__ import annotations

from aiohttp import web

from app.identity.browser import named
from app.identity.first import FirstOwner
from app.identity.passwords import PASSWORD_CHARS_MIN
from app.identity.roles import OWNER, about
from app.web import cookies
from app.web.caller import may_sign_in
from app.web.leading import SET_UP_PATH
from app.web.origin import check_from_here
from app.web.page.door import FORM_BYTES_MAX, Secret, Typed
from app.web.page.phone import Phone
from app.web.page.reply import see
from app.web.problem import BadRequest, problem_of
from app.web.reading import read_form, validated
from app.web.route import Call, Form, Policy, Route
from terms.errors import DomainError


class SetUpForm(Form):
    """The code, and who the owner is."""

    code: Secret
    name: Typed
    display: Typed = ""
    password: Secret
    again: Secret


class SettingUp:
    """The page; nothing is there once an owner is."""

    def __init__(self, phone: Phone, first: FirstOwner) -> None:
        self.phone = phone
        self.first = first

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        path = SET_UP_PATH
        return (
            Route(method="GET", path=path, policy=Policy.OPEN, handler=self._ask),
            Route(method="POST", path=path, policy=Policy.OPEN, handler=self._make),
        )

    async def _ask(self, call: Call) -> web.Response:
        await self._check(call)
        return await self._page(call, SetUpForm(code="", name="", password="", again=""))

    async def _make(self, call: Call) -> web.Response:
        await self._check(call)
        request = call.request
        check_from_here(request)
        form = validated(SetUpForm, await read_form(request, FORM_BYTES_MAX))
        if form.password != form.again:
            return await self._page(call, form, "The two passwords differ.", 400)
        try:
            let = await self.first.make(
                form.code.strip(),
                name=form.name,
                display=form.display,
                password=form.password,
                label=named(request.headers.get("User-Agent", "")),
            )
        except DomainError as error:
            return await self._page(call, form, f"{error}.", problem_of(error, call.id).status)
        response = see(about(OWNER).home)
        cookies.keep(response, call.house.settings, cookies.PEOPLE, let)
        return response

    async def _check(self, call: Call) -> None:
        """Raise BadRequest where no code is waited for, or somebody could listen."""
        settings = call.house.settings
        async with call.house.store.read() as tx:
            is_open = await self.first.is_open(tx)
        if not is_open:
            raise BadRequest(404, "not found", "nothing is to be set up, or the code is void")
        if not may_sign_in(call.request, settings):
            raise BadRequest(403, "not allowed", "this address is not encrypted: use https://")

    async def _page(
        self, call: Call, form: SetUpForm, said: str = "", status: int = 200
    ) -> web.Response:
        return await self.phone.page(
            call,
            "set_up",
            said=said,
            tone="bad",
            status=status,
            form=form,
            chars_min=PASSWORD_CHARS_MIN,
        )
