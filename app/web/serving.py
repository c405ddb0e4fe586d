"""From declared routes to a running application: policy, reading, answering, errors.

Every request passes `_served`, whatever the route; there is no second way in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import cache
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Middleware
from pydantic import TypeAdapter

from app.web import counting
from app.web.access import Caller, admit
from app.web.asking import JSON, Asking
from app.web.callers import Callers
from app.web.connection import Connection
from app.web.headers import REQUEST_ID, putting
from app.web.problem import BadRequest, Problem, problem_of
from app.web.reading import read_json, read_parts, read_proven_form, read_query, validated_json
from app.web.route import SAFE_METHODS, Call, Gate, Route
from app.wiring import House
from runtime.chance import new_id
from runtime.patience import patience
from runtime.retry import is_lost
from runtime.store.audit import because
from runtime.telemetry import bound, get_log
from terms.errors import BoxofficeError

log = get_log()

LOST = "the database does not answer just now: try again in a moment"
POLICIES = web.AppKey("policies", dict[tuple[str, str], Gate])

# Whoever asks is told soon that the database does not answer, and when to come again.
PATIENCE_S = 2.0
COME_AGAIN_S = "2"

_Served = Callable[[web.Request], Awaitable[web.StreamResponse]]
Refused = Callable[[web.Request, Problem], web.Response | None]


def make_app(
    house: House, routes: Iterable[Route], refused: Refused | None = None
) -> web.Application:
    """Put routes together. A path and method declared twice is an error at start.

    `refused` may draw a page for people where a problem document would be shown to a browser.
    """
    app = web.Application(middlewares=[_outermost(house, refused)])
    app[POLICIES] = {}
    app.on_response_prepare.append(putting(house))
    callers, asking = Callers(house), Asking(house)
    for route in routes:
        key = (route.method, route.path)
        if key in app[POLICIES]:
            raise ValueError(f"declared twice: {route.method} {route.path}")
        app[POLICIES][key] = route.policy
        app.router.add_route(route.method, route.path, _handler(house, callers, asking, route))
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
            page = refused(request, response)
            return _as_page(page, response) if page else response
        return response

    return pass_through


async def _answered(request: web.Request, handler: _Served, request_id: str) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        return _of_library(error, request_id)
    except BadRequest as error:
        return Problem(
            error.status,
            error.title,
            str(error),
            request_id,
            errors=error.errors,
            headers=error.headers,
        )
    except BoxofficeError as error:
        return problem_of(error, request_id)
    except Exception as error:
        if is_lost(error):
            # What is wrong with the database is told by those who ask it all the time.
            log.warning("web.database_lost", method=request.method, path=request.path)
            return Problem(
                503, "out of reach", LOST, request_id, headers={"Retry-After": COME_AGAIN_S}
            )
        log.exception("web.failed", method=request.method, path=request.path)
        why = "something broke on our side; the request id finds it in the log"
        return Problem(500, "internal error", why, request_id)


def _as_page(page: web.Response, problem: Problem) -> web.Response:
    """Say beside the page, too, when to come again."""
    if "Retry-After" in problem.headers:
        page.headers["Retry-After"] = problem.headers["Retry-After"]
    return page


def _of_library(error: web.HTTPException, request_id: str) -> web.StreamResponse:
    """Turn "no such path" and "no such method" into problems; who is led elsewhere goes there."""
    if isinstance(error, web.HTTPMove):
        return web.Response(status=error.status, headers={"Location": str(error.location)})
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
    why = "there is nothing under this path" if error.status == 404 else error.reason  # noqa: PLR2004
    return Problem(error.status, error.reason.lower(), why, request_id, headers=headers)


@cache
def _writer(shape: Any) -> TypeAdapter[Any]:
    """Make what writes answers of a shape, once: to make it costs more than a thousand answers."""
    return TypeAdapter(shape)


def _handler(house: House, callers: Callers, asking: Asking, route: Route) -> _Served:
    adapter = _writer(route.answer) if route.answer else None
    where = f"{route.method} {route.path}"

    def written(result: Any) -> bytes:
        if adapter is None:
            raise TypeError(f"{where} answers without declaring what")
        return adapter.dump_json(result)

    async def served(request: web.Request) -> web.StreamResponse:
        caller = await admit(request, house, callers, route.policy)
        call, raw = await _read(request, house, route, caller)
        with because(_reason(call)):
            return await answered(call, raw, request)

    async def answered(call: Call, raw: bytes, request: web.Request) -> web.StreamResponse:
        if call.bearer is not None and request.method not in SAFE_METHODS:
            return await asking.changed(route, call, raw, written)
        if route.handler is None:
            raise TypeError(f"{where} changes something for nobody who is known")
        result = await route.handler(call)
        if isinstance(result, web.StreamResponse):
            return result
        return web.Response(status=route.status, body=written(result), content_type=JSON)

    return served


def _reason(call: Call) -> str:
    """Tell why somebody asks for it, where that is said; what is of a subscriber says where."""
    said = getattr(call.body or call.form, "reason", None)
    return said or ("at the portal" if call.guest else "")


async def _read(
    request: web.Request, house: House, route: Route, caller: Caller
) -> tuple[Call, bytes]:
    """Read what the route declares; with it the bytes of a JSON body."""
    size = route.body_bytes_max
    parts = read_parts(request, route.parts)
    query = read_query(request, route.query) if route.query else None
    raw = await read_json(request, size) if route.body else b""
    form = None
    if route.form and caller.form_token:
        form = await read_proven_form(request, route.form, size, caller.form_token)
    call = Call(
        request=request,
        house=house,
        id=request[REQUEST_ID],
        parts=parts,
        query=query,
        body=validated_json(route.body, raw) if route.body else None,
        form=form,
        here=caller.here,
        guest=caller.guest,
        bearer=caller.bearer,
        actor=caller.actor,
    )
    return call, raw
