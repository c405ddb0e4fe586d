"""/field/: where a technician's day begins."""

from __future__ import annotations

from aiohttp import web

from app.web.people.phone import Phone, role_word, see
from app.web.route import Call, Policy, Route

PATH = "/field/"


class Field:
    """The technician's pages."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        return (
            Route(method="GET", path=PATH, policy=Policy.TECHNICIAN, handler=self._home),
            Route(method="GET", path="/field", policy=Policy.TECHNICIAN, handler=_to_home),
        )

    async def _home(self, call: Call) -> web.Response:
        role = role_word(call.person.role)
        return await self.phone.page(call, "field", person=call.person, role=role)


async def _to_home(_call: Call) -> web.Response:
    return see(PATH)
