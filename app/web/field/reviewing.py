"""What boxes show that does not fit, for the office to decide about."""

from __future__ import annotations

from aiohttp import web

from app.desk import reviews
from app.desk.waiting import waiting as read_waiting
from app.identity.roles import Right
from app.web.console import waiting
from app.web.console.forms import ResolveForm
from app.web.field.words import sentence
from app.web.people.phone import DoneQuery, Phone, see
from app.web.problem import problem_of
from app.web.route import Call, Route
from terms.errors import DomainError

PATH = "/field/reviews"
SHOWN_MAX = 200


class Reviewing:
    """The list and its forms."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.house = phone.house

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        here = Right.MOVE_BOXES
        return (
            Route(method="GET", path=PATH, policy=here, handler=self._list, query=DoneQuery),
            Route(method="POST", path=PATH, policy=here, handler=self._resolve, form=ResolveForm),
        )

    async def _list(self, call: Call) -> web.Response:
        return await self._page(call, "It is settled." if call.query.done == "settled" else "")

    async def _resolve(self, call: Call) -> web.Response:
        form: ResolveForm = call.form
        try:
            async with self.house.store.begin() as tx:
                await reviews.resolve(
                    self.house,
                    tx,
                    form.id,
                    form.resolution.strip(),
                    actor=call.person.actor,
                    forget_key=form.forget_key == "yes",
                )
        except DomainError as error:
            return await self._page(call, sentence(error), problem_of(error, call.id).status)
        return see(f"{PATH}?done=settled")

    async def _page(self, call: Call, said: str, status: int = 200) -> web.Response:
        async with self.house.store.read() as tx:
            found = waiting.page(await read_waiting(tx, rows_max=SHOWN_MAX))
        return await self.phone.page(
            call,
            "field_reviews",
            said=said,
            tone="good" if status < 400 else "bad",  # noqa: PLR2004 - where failure begins
            status=status,
            waiting=found,
        )
