"""A subscriber joins, spends points as credit, and asks for the code that brings others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from aiohttp import web
from pydantic import Field

from app.desk import loyalty
from app.web.console.household import POINTS_MAX, Key
from app.web.console.once import Sent, in_one
from app.web.field.words import sentence
from app.web.people.phone import see
from app.web.portal.home import PATH, Home
from app.web.problem import BadRequest
from app.web.route import Call, Form, Policy, Route
from runtime.store import Tx
from terms.errors import DomainError

Deed = Callable[[Call, Tx, str], Awaitable[str]]


class LoyalForm(Form):
    """The key of the page that the form is of."""

    once: Key


class SpendForm(LoyalForm):
    """How many points become credit."""

    points: Annotated[int, Field(ge=1, le=POINTS_MAX)]


class Loyal:
    """The forms beside the points."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        return (
            self._form("join", _joined, LoyalForm),
            self._form("spend", _spent, SpendForm),
            self._form("code", _code, LoyalForm),
        )

    def _form(self, name: str, deed: Deed, form: type[Form]) -> Route:
        async def handle(call: Call) -> web.Response:
            sent = Sent.of(call, call.form.once)
            try:
                done = await in_one(sent, lambda call, tx: deed(call, tx, sent.asked.once))
            except BadRequest as error:
                return await self.home.page(call, str(error), "bad", error.status)
            except DomainError as error:
                return await self.home.page(call, sentence(error), "bad", 400)
            return see(f"{PATH}?done={done}#points")

        path = f"{PATH}points/{name}"
        return Route(method="POST", path=path, policy=Policy.SUBSCRIBER, handler=handle, form=form)


async def _joined(call: Call, tx: Tx, _once: str) -> str:
    await loyalty.join(call.house, tx, call.subscriber.contract, call.actor)
    return "joined"


async def _spent(call: Call, tx: Tx, once: str) -> str:
    form: SpendForm = call.form
    await loyalty.spend(
        call.house,
        tx,
        call.subscriber.contract,
        call.actor,
        points=form.points,
        reference=f"portal-{once[:32]}",
    )
    return "spent"


async def _code(call: Call, tx: Tx, _once: str) -> str:
    await loyalty.code_of(call.house, tx, call.subscriber.contract, call.actor)
    return "code"
