"""The portal's door: a one-time code by e-mail, or a password; and the way out.

Whatever name is typed, the answer is the same and takes as long.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, TypeVar
from urllib.parse import quote

from aiohttp import web
from pydantic import Field

from app.identity.codes import DIGITS, LASTS, Asked
from app.identity.door import Given, Let, NotLetIn, TooOften
from app.identity.subscribers import Subscriber
from app.web import cookies
from app.web.access import visiting
from app.web.caller import address, may_sign_in
from app.web.leading import PORTAL, SIGN_IN_PATH, SIGN_OUT_PATH, local_path
from app.web.origin import check_from_here
from app.web.page.door import FORM_BYTES_MAX, PLAIN, Next, Secret, SignInQuery, Typed
from app.web.page.fields import NoFields
from app.web.page.phone import Phone
from app.web.page.reply import see
from app.web.page.words import Tone, why
from app.web.problem import BadRequest
from app.web.reading import read_form, validated
from app.web.route import Call, Form, Policy, Route
from runtime.retry import pause

HERE = PORTAL + SIGN_IN_PATH
CODE = f"{PORTAL}/code"
HOME = f"{PORTAL}/"
TICKET = "boxoffice-portal-ticket"
# No answer about a name comes sooner, so that none tells whether a letter was written.
ANSWERED_AFTER_S = 0.25
SAID = {"out": "You are signed out."}
WRONG = "Number, address or password is wrong."
WRONG_CODE = "This is not the code, or it is over. Look again, or ask for another one."

F = TypeVar("F", bound=Form)


class AskForm(Form):
    """Whose code is asked for."""

    name: Typed
    next: Next = ""


class PasswordForm(AskForm):
    """What somebody types who has a password."""

    password: Secret


class CodeForm(Form):
    """The code, as the letter has it or without its gap."""

    code: Annotated[str, Field(max_length=40, repr=False)]
    next: Next = ""


class Coming:
    """The pages in front of the door."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.house = phone.house

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        anybody = Policy.OPEN
        return (
            Route(method="GET", path=HERE, policy=anybody, handler=self._door, query=SignInQuery),
            Route(method="POST", path=HERE, policy=anybody, handler=self._by_password),
            Route(method="POST", path=CODE, policy=anybody, handler=self._ask),
            Route(method="GET", path=CODE, policy=anybody, handler=self._type, query=SignInQuery),
            Route(method="POST", path=f"{CODE}/check", policy=anybody, handler=self._by_code),
            Route(
                method="POST",
                path=PORTAL + SIGN_OUT_PATH,
                policy=Policy.SUBSCRIBER,
                handler=self._out,
                form=NoFields,
            ),
        )

    async def _door(self, call: Call) -> web.Response:
        query: SignInQuery = call.query
        if await visiting(call.request, self.house):
            return see(_inside(query.next))
        if not may_sign_in(call.request, self.house.settings):
            return await self.phone.page(call, "portal_sign_in", said=PLAIN, tone="bad", form=None)
        form = AskForm(name="", next=query.next)
        return await self._page(call, form, SAID.get(query.done, ""))

    async def _by_password(self, call: Call) -> web.Response:
        form = await self._read(call, PasswordForm)
        try:
            async with _answering():
                let = await self.house.subscribers.sign_in(
                    self._given(call, form.name, form.password)
                )
        except NotLetIn:
            return await self._page(call, form, WRONG, 400)
        except TooOften as error:
            return self._later(await self._page(call, form, why(error), 429), error)
        return self._in(let, form.next)

    async def _ask(self, call: Call) -> web.Response:
        form = await self._read(call, AskForm)
        request, settings = call.request, self.house.settings
        asked = Asked(
            name=form.name,
            address=address(request, settings),
            browser=cookies.read(request, settings, cookies.SUBSCRIBERS.browser),
        )
        try:
            async with _answering():
                ticket = await self.house.codes.ask(asked)
        except TooOften as error:
            return self._later(await self._page(call, form, why(error), 429), error)
        path = local_path(form.next)
        response = see(f"{CODE}?next={quote(path, safe='/')}" if path else CODE)
        cookies.put(response, settings, TICKET, ticket, LASTS)
        return response

    async def _type(self, call: Call) -> web.Response:
        return await self._code_page(call, call.query.next)

    async def _by_code(self, call: Call) -> web.Response:
        form = await self._read(call, CodeForm)
        settings = self.house.settings
        ticket = cookies.read(call.request, settings, TICKET)
        given = self._given(call, "", "".join(form.code.split()))
        try:
            let = await self.house.codes.sign_in(given, ticket)
        except NotLetIn:
            return await self._code_page(call, form.next, WRONG_CODE, 400)
        response = self._in(let, form.next)
        cookies.drop(response, settings, TICKET)
        return response

    async def _out(self, call: Call) -> web.Response:
        await self.house.subscribers.sign_out(call.visit)
        response = see(f"{HERE}?done=out")
        cookies.drop(response, self.house.settings, cookies.SUBSCRIBERS.sign_in)
        return response

    def _in(self, let: Let[Subscriber], wanted: str) -> web.Response:
        response = see(_inside(wanted))
        cookies.keep(response, self.house.settings, cookies.SUBSCRIBERS, let)
        return response

    async def _read(self, call: Call, model: type[F]) -> F:
        """Read a form of the door. Raises BadRequest where it is not ours, or could be heard."""
        check_from_here(call.request)
        if not may_sign_in(call.request, self.house.settings):
            raise BadRequest(403, "not allowed", PLAIN)
        return validated(model, await read_form(call.request, FORM_BYTES_MAX))

    def _given(self, call: Call, name: str, password: str) -> Given:
        request, settings = call.request, self.house.settings
        return Given(
            name=name,
            password=password,
            address=address(request, settings),
            browser=cookies.read(request, settings, cookies.SUBSCRIBERS.browser),
            user_agent=request.headers.get("User-Agent", ""),
            former_token=cookies.read(request, settings, cookies.SUBSCRIBERS.sign_in),
        )

    async def _page(
        self, call: Call, form: AskForm, said: str = "", status: int = 200
    ) -> web.Response:
        tone: Tone = "good" if status < 400 else "bad"  # noqa: PLR2004 - where failure begins
        path = local_path(form.next)
        return await self.phone.page(
            call, "portal_sign_in", said=said, tone=tone, status=status, form=form, next=path
        )

    async def _code_page(
        self, call: Call, wanted: str, said: str = "", status: int = 200
    ) -> web.Response:
        return await self.phone.page(
            call,
            "portal_code",
            said=said,
            tone="bad" if said else "good",
            status=status,
            next=local_path(wanted),
            minutes=int(LASTS.total_seconds()) // 60,
            digits=DIGITS,
        )

    @staticmethod
    def _later(page: web.Response, error: TooOften) -> web.Response:
        page.headers["Retry-After"] = str(error.wait_s)
        return page


@asynccontextmanager
async def _answering() -> AsyncIterator[None]:
    """Let no answer come sooner than any other one, a refusal neither."""
    now_s = asyncio.get_running_loop().time
    began_s = now_s()
    try:
        yield
    finally:
        await pause(max(0.0, ANSWERED_AFTER_S - (now_s() - began_s)))


def _inside(wanted: str) -> str:
    """Give where a sign-in leads: a page of the portal, never another one."""
    path = local_path(wanted)
    return path if path.startswith(HOME) else HOME
