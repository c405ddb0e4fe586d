"""How many requests there were and how long they took, by route; never by path, which has names."""

from __future__ import annotations

import asyncio

from aiohttp import web

from runtime.telemetry import counter, histogram

NO_ROUTE = "none"

_requests = counter("boxoffice_http_requests", "Requests answered", "route", "status")
_took = histogram(
    "boxoffice_http_request_seconds",
    "How long requests took until they were answered, live pages apart",
    "route",
)


def now_s() -> float:
    """Tell the time to count from."""
    return asyncio.get_running_loop().time()


def count(request: web.Request, response: web.StreamResponse, began_s: float) -> None:
    """Count one request that was answered."""
    route = _route(request)
    _requests.inc(route, str(response.status))
    if isinstance(response, web.Response):  # others go on for as long as somebody watches
        _took.observe(route, amount=now_s() - began_s)


def _route(request: web.Request) -> str:
    """Name what was asked for as it is declared, such as `GET /api/v1/accounts/{contract}`."""
    resource = request.match_info.route.resource
    return f"{request.method} {resource.canonical}" if resource is not None else NO_ROUTE
