"""Events of payment providers: proven, stored, marked, answered. Nothing else in the request."""

from __future__ import annotations

import asyncio

import orjson
from aiohttp import web

from app.desk.inbox import Inbox
from app.web.problem import BadRequest
from app.web.reading import read_bytes
from app.web.route import Call, Policy, Route
from app.wiring import House
from billing.flows.receive import prove
from terms.errors import Forbidden, NotFound

EVENT_BYTES_MAX = 256 * 1024


def routes(house: House) -> tuple[Route, ...]:
    """Declare the door for the events of every provider."""
    inbox = Inbox(house)

    async def take_event(call: Call) -> web.Response:
        """Store the events of one message; known ones are answered alike."""
        body = await read_bytes(call.request, EVENT_BYTES_MAX)
        headers = {name.lower(): value for name, value in call.request.headers.items()}
        name = call.part("provider")
        if name not in call.house.providers:
            await call.house.refresh_providers()
        if name not in call.house.providers:
            raise NotFound("there is no payment provider of this name")
        try:
            # Proven before the database is asked to write, so that forgeries cost it nothing.
            messages = prove(call.house.desk, name, headers, body)
        except Forbidden as error:
            raise BadRequest(400, "not from the provider", str(error)) from None
        await asyncio.gather(*map(inbox.take, messages))
        return web.Response(body=orjson.dumps({}), content_type="application/json")

    return (
        Route(
            method="POST",
            path="/hooks/payments/{provider}",
            policy=Policy.SIGNED,
            handler=take_event,
            body_bytes_max=EVENT_BYTES_MAX,
        ),
    )
