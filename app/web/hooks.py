"""Events of payment providers: proven, stored, marked, answered. Nothing else in the request."""

from __future__ import annotations

import orjson
from aiohttp import web

from app.web.problem import BadRequest
from app.web.reading import read_bytes
from app.web.route import Call, Policy, Route
from billing.flows.receive import receive
from runtime.retry import serialisable
from terms.errors import Forbidden, NotFound

EVENT_BYTES_MAX = 256 * 1024


async def take_event(call: Call) -> web.Response:
    """Store one event; known ones are answered alike."""
    body = await read_bytes(call.request, EVENT_BYTES_MAX)
    headers = {name.lower(): value for name, value in call.request.headers.items()}
    name = call.part("provider")
    if name not in call.house.providers:
        await call.house.refresh_providers()
    provider = call.house.providers.get(name)
    if provider is None:
        raise NotFound("there is no payment provider of this name")

    async def store() -> None:
        async with call.house.store.begin() as tx:
            await receive(call.house.desk, tx, name, headers, body)

    try:
        # Proven before the database is asked to write, so that forgeries cost it nothing.
        provider.verify(headers, body, call.house.clock.machine_now())
        await serialisable(store)
    except Forbidden as error:
        raise BadRequest(400, "not from the provider", str(error)) from None
    return web.Response(body=orjson.dumps({}), content_type="application/json")


ROUTES = (
    Route(
        method="POST",
        path="/hooks/payments/{provider}",
        policy=Policy.SIGNED,
        handler=take_event,
        body_bytes_max=EVENT_BYTES_MAX,
    ),
)
