"""/portal/unsubscribe/...: the link of a letter. One click declines such letters (RFC 8058).

The link itself proves whose it is: a mail program that follows it has no cookie of ours.
"""

from __future__ import annotations

from aiohttp import web

from app.desk import leaving
from app.desk.leaving_link import PATH
from app.web.page.phone import Phone
from app.web.route import Call, Policy, Route
from messages.plan import Via


class Unsubscribing:
    """The page, and what its button does."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.house = phone.house

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        path = f"{PATH}{{token}}"
        return (
            Route(method="GET", path=path, policy=Policy.SIGNED, handler=self._show),
            Route(method="POST", path=path, policy=Policy.SIGNED, handler=self._leave),
        )

    async def _show(self, call: Call) -> web.Response:
        async with self.house.store.read() as tx:
            await leaving.whose(self.house, tx, call.part("token"))
        return await self._page(call, is_done=False)

    async def _leave(self, call: Call) -> web.Response:
        async with self.house.store.begin() as tx:
            contract = await leaving.whose(self.house, tx, call.part("token"))
            await leaving.say(
                self.house, tx, contract, Via.MAIL, is_declined=True, actor=leaving.LINK
            )
        return await self._page(call, is_done=True)

    async def _page(self, call: Call, *, is_done: bool) -> web.Response:
        here = f"{PATH}{call.part('token')}"
        return await self.phone.page(call, "portal_unsubscribe", here=here, is_done=is_done)
