"""From declared routes to a running application: policy, reading, answering, errors.

Every request passes `_served`, whatever the route; there is no second way in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Middleware
from pydantic import TypeAdapter

from app.web import counting
from app.web.access import admit
from app.web.connection import Connection
from app.web.headers import REQUEST_ID, put_headers
from app.web.problem import UNKNOWN_CALLER, BadRequest, Problem, problem_of
from app.web.reading import read_body, read_proven_form, read_query
from app.web.route import Call, Policy, Route
from app.wiring import House
from runtime.chance import new_id
from runtime.retry import is_store_trouble
from runtime.store.patience import patience
from runtime.telemetry import bound, get_log
from terms.errors import BoxofficeError

log = get_log()

POLICIES = web.AppKey("policies", dict[tuple[str, str], Policy])

# Whoever asks is told soon that the database does not answer, and when to come again.
PATIENCE_S = 2.0
COME_AGAIN_S = 2

_Served = Callable[[web.Request], Awaitable[web.StreamResponse]]
Refused = Callable[[web.Request, int, str, str], web.Response | None]


def make_app(
    house: House, routes: Iterable[Route], refused: Refused | None = None
) -> web.Application:
    """Put routes together. A path and method declared twice is an error at start.

    `refused` may draw a page for people (status, title, detail) where a problem document would
    be shown to a browser.
    """
    app = web.Application(middlewares=[_outermost(house, refused)])
    app[POLICIES] = {}
    app.on_response_prepare.append(put_headers)
    for route in routes:
        key = (route.method, route.path)
        if key in app[POLICIES]:
            raise ValueError(f"declared twice: {route.method} {route.path}")
        app[POLICIES][key] = route.policy
        app.router.add_route(route.method, route.path, _handler(house, route))
    return app


def _outermost(house: House, refused: Refused | None) -> Middleware:
    @web.middleware
    async def pass_through(request: web.Request, handler: _Served) -> web.StreamResponse:
        """Give the request an id, and every failure an answer that tells nothing it should not."""
        if isinstance(request.protocol, Connection):
            request.protocol.heard()
        request_id = new_id(house.clock.machine_now(), house.chance)
        request[REQUEST_ID] = request_id
        began_s = counting.now_s()
        with bound(request_id=request_id), patience(PATIENCE_S):
            response = await _answered(request, handler, request_id)
        counting.count(request, response, began_s)
        if refused is not None and isinstance(response, Problem):
            page = refused(request, response.status, response.title, response.detail)
            return _as_page(page, response) if page else response
        return response

    return pass_through


async def _answered(request: web.Request, handler: _Served, request_id: str) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        return _of_library(error, request_id)
    except BadRequest as error:
        headers = {"WWW-Authenticate": "Bearer"} if error.status == UNKNOWN_CALLER else None
        return Problem(
            error.status, error.title, str(error), request_id, errors=error.errors, headers=headers
        )
    except BoxofficeError as error:
        return problem_of(error, request_id)
    except Exception as error:
        if is_store_trouble(error):
            return _not_now(request_id)
        log.exception("web.failed", method=request.method, path=request.path)
        why = "something broke on our side; the request id finds it in the log"
        return Problem(500, "internal error", why, request_id)


def _as_page(page: web.Response, problem: Problem) -> web.Response:
    """Say beside the page, too, when to come again."""
    if "Retry-After" in problem.headers:
        page.headers["Retry-After"] = problem.headers["Retry-After"]
    return page


def _not_now(request_id: str) -> Problem:
    """Ask to come again: the database is away, busy or gave this up for the sake of another."""
    why = "the database does not answer in time; whether this was done has to be looked up"
    headers = {"Retry-After": str(COME_AGAIN_S)}
    return Problem(503, "not now", why, request_id, headers=headers)


def _of_library(error: web.HTTPException, request_id: str) -> web.StreamResponse:
    """Turn "no such path" and "no such method" into problems; who is led elsewhere goes there."""
    if isinstance(error, web.HTTPMove):
        return web.Response(status=error.status, headers={"Location": str(error.location)})
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
    why = "there is nothing under this path" if error.status == 404 else error.reason  # noqa: PLR2004
    return Problem(error.status, error.reason.lower(), why, request_id, headers=headers)


def _handler(house: House, route: Route) -> _Served:
    adapter: TypeAdapter[Any] | None = TypeAdapter(route.answer) if route.answer else None

    async def served(request: web.Request) -> web.StreamResponse:
        here = await admit(request, house, route.policy)
        query = read_query(request, route.query) if route.query else None
        size = route.body_bytes_max
        told = await read_body(request, route.body, size) if route.body else None
        form = None
        if route.form and here:
            form = await read_proven_form(request, route.form, size, here.form_token)
        call = Call(
            request=request,
            house=house,
            id=request[REQUEST_ID],
            query=query,
            body=told,
            form=form,
            here=here,
        )
        result = await route.handler(call)
        if isinstance(result, web.StreamResponse):
            return result
        if adapter is None:
            raise TypeError(f"{route.method} {route.path} answers without declaring what")
        body = adapter.dump_json(result)
        return web.Response(status=route.status, body=body, content_type="application/json")

    return served
