"""A subscriber joins, spends points as credit, and asks for the code that brings others."""

from __future__ import annotations

from aiohttp import web

from app.desk import loyalty
from app.web.page.fields import OnceForm, Points
from app.web.page.once import Deed, in_one
from app.web.page.reply import refused, see
from app.web.portal.home import PATH, Home
from app.web.problem import BadRequest
from app.web.route import Call, Form, Policy, Route
from runtime.store import Tx
from terms.errors import DomainError


class SpendForm(OnceForm):
    """How many points become credit."""

    points: Points


class Loyal:
    """The forms beside the points."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        return (
            self._form("join", _joined, OnceForm),
            self._form("spend", _spent, SpendForm),
            self._form("code", _code, OnceForm),
        )

    def _form(self, name: str, deed: Deed, form: type[Form]) -> Route:
        async def handle(call: Call) -> web.Response:
            try:
                done = await in_one(call, deed)
            except (BadRequest, DomainError) as error:
                return await self.home.page(call, *refused(error))
            return see(f"{PATH}?done={done}#points")

        path = f"{PATH}points/{name}"
        return Route(method="POST", path=path, policy=Policy.SUBSCRIBER, handler=handle, form=form)


async def _joined(call: Call, tx: Tx) -> str:
    await loyalty.join(call.house, tx, call.subscriber.contract, call.actor)
    return "joined"


async def _spent(call: Call, tx: Tx) -> str:
    form: SpendForm = call.form
    await loyalty.spend(
        call.house,
        tx,
        call.subscriber.contract,
        call.actor,
        points=form.points,
        reference=f"portal-{call.once[:32]}",
    )
    return "spent"


async def _code(call: Call, tx: Tx) -> str:
    await loyalty.code_of(call.house, tx, call.subscriber.contract, call.actor)
    return "code"
