"""A subscriber types the code of a promotion. Whoever guesses is soon too often here."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from aiohttp import web
from pydantic import Field

from app.desk import redeeming
from app.identity.guesses import Pace
from app.web.page.fields import OnceForm
from app.web.page.once import in_one
from app.web.page.reply import refused, see
from app.web.portal.home import PATH, Home
from app.web.problem import BadRequest
from app.web.route import Call, Policy, Route
from runtime.store import Tx
from terms.errors import DomainError

OF_ONE = Pace(at_once=5, every=timedelta(minutes=5))
OF_ALL = Pace(at_once=120, every=timedelta(seconds=1))
CODE_CHARS_MAX = 40


class CodeForm(OnceForm):
    """What is typed."""

    code: Annotated[str, Field(max_length=CODE_CHARS_MAX)]


class Redeeming:
    """The form beside what is owed."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def routes(self) -> tuple[Route, ...]:
        """Declare it."""
        theirs, path = Policy.SUBSCRIBER, f"{PATH}redeem"
        return (
            Route(method="POST", path=path, policy=theirs, handler=self._redeem, form=CodeForm),
        )

    async def _redeem(self, call: Call) -> web.Response:
        paces = {f"code {call.subscriber.id}": OF_ONE, "codes": OF_ALL}
        try:
            await self.home.house.subscribers.take(paces)
            await in_one(call, _redeemed)
        except (BadRequest, DomainError) as error:
            return await self.home.page(call, *refused(error))
        return see(f"{PATH}?done=redeemed")


async def _redeemed(call: Call, tx: Tx) -> str:
    form: CodeForm = call.form
    made = await redeeming.redeem(
        call.house, tx, call.subscriber.contract, form.code, actor=call.actor
    )
    return made.code
