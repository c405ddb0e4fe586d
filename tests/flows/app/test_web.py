"""What the HTTP edge lets in, and what it says when it does not."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from pydantic import TypeAdapter

from app.desk import clock
from app.identity.roles import Right
from app.web import connection, openapi
from app.web.api.routes import API
from app.web.problem import STATUS, problem_of
from app.web.route import Policy
from app.web.routes import all_routes
from app.web.serving import POLICIES, make_app
from app.web.site import Site
from app.web.static import Static
from terms import errors
from terms.errors import BoxofficeError, DomainError, Invalid, TargetError, Throttled
from tests.flows.app.visitor import let_in

ORDER = {"contract": "300001", "name": "Flat 1", "plan": "HARBOUR"}

SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "",
    "Referrer-Policy": "same-origin",
    "Server": "boxoffice",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def path_of(path: str) -> str:
    """Put something into every named part of a path."""
    return re.sub(r"\{[a-z]+\}", "x", path)


async def test_every_route_has_a_policy_and_nothing_else_is_served(served):
    """The router knows exactly the declared routes, each with a policy."""
    app = make_app(served.house, all_routes(Site(served.house), dict))
    known = {(r.method, r.resource.canonical) for r in app.router.routes() if r.resource}
    policies = app[POLICIES]
    assert known == set(policies)
    assert set(policies.values()) <= {*Policy, *Right}


async def test_a_route_declared_twice_stops_the_start(house):
    """Two handlers under one method and path are an error at start, not a surprise later."""
    routes = Static().routes()
    with pytest.raises(ValueError, match="declared twice"):
        make_app(house, (*routes, *routes))


async def test_without_a_token_the_api_tells_nothing(served):
    """Every API route answers 401 without a token, with a wrong one and with an empty one."""
    for headers in ({}, {"Authorization": "Bearer nope"}, {"Authorization": "Bearer "}):
        for route in API:
            status, body, _ = await served.raw(route.method, path_of(route.path), headers=headers)
            assert status == 401, route.path
            assert json.loads(body)["title"] == "who are you"


async def test_the_console_asks_who_one_is_wherever_one_asks_from(served):
    """A browser on this very machine is led to the sign-in like any other, and so is `/`."""
    for headers in ({}, {"Host": "boxoffice.example"}, {"X-Forwarded-For": "192.0.2.1"}):
        status, _, answered = await served.raw("GET", "/console/", headers=headers)
        assert (status, answered["Location"]) == (303, "/sign-in?next=/console/")
        assert (await served.raw("GET", "/", headers=headers))[2]["Location"] == "/sign-in"
    assert (await (await let_in(served)).get("/")).location == "/console/"
    assert (await (await let_in(served, "technician")).get("/")).location == "/field/"


async def test_every_answer_carries_the_security_headers(served):
    """Every route answers everybody with the one table, word for word; a problem does, too."""
    routes = all_routes(served.site, dict)
    asked = [(route.method, path_of(route.path)) for route in routes]
    asked += [("GET", "/nosuch"), ("PUT", "/console/"), ("GET", Static().url("live.js"))]
    for method, path in asked:
        _, _, headers = await served.raw(method, path)
        found = {name: headers.get(name) for name in SECURITY}
        camera = "self" if path.startswith("/field") else ""
        wanted = SECURITY | {
            "Permissions-Policy": f"camera=({camera}), geolocation=(), microphone=(), payment=(), "
            "usb=()"
        }
        assert found == wanted, (method, path)
        is_kept = path.startswith("/static/") and path[-1] != "x"
        told = "public, max-age=31536000, immutable" if is_kept else "no-store"
        assert headers["Cache-Control"] == told, (method, path)
        assert "aiohttp" not in str(headers)
        assert headers["X-Request-Id"]
        assert "Strict-Transport-Security" not in headers


@pytest.mark.parametrize(
    ("proto", "networks", "told"),
    [
        ("https", ("127.0.0.0/8",), "max-age=31536000"),
        ("http", ("127.0.0.0/8",), None),
        ("https", ("10.0.0.0/8",), None),
    ],
)
async def test_who_came_by_tls_is_told_to_stay_with_it(served, proto, networks, told):
    """A proxy that is ours says that a browser came by TLS; anybody else's word counts nothing."""
    house = served.house
    house.settings = house.settings.model_copy(update={"proxy_networks": networks})
    by = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": proto}
    _, _, headers = await served.raw("GET", "/sign-in", headers=by)
    assert headers.get("Strict-Transport-Security") == told


async def test_static_files_are_named_by_their_content_and_kept_for_ever(served):
    """A file's address changes with its content, so it may be cached without end."""
    url = Static().url("console.css")
    status, body, headers = await served.raw("GET", url)
    assert status == 200
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert b"--paper" in body
    assert (await served.raw("GET", "/static/console.css"))[0] == 404
    assert (await served.raw("GET", "/static/..%2Froutes.py"))[0] == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[]", "body"),
        (b"null", "body"),
        (b'{"by": 5}', "by"),
        (b'{"by": true}', "by"),
        (b'{"by": "35d", "more": 1}', "more"),
        (b'{"by": "-1d"}', "by"),
        (b'{"by": "35"}', "by"),
        (b"{}", "by"),
        (b"[" * 60_000, "body"),
        (b'{"by": "\\ud800"}', "by"),
        (b"\xff\xfe", "body"),
    ],
)
async def test_a_wrong_body_is_answered_with_the_field(served, body, field):
    """Whatever is not what the route declares gets 400 and the name of the field."""
    headers = {"Authorization": f"Bearer {served.token}", "Content-Type": "application/json"}
    status, raw, answered = await served.raw(
        "POST", "/api/v1/clock/advance", data=body, headers=headers
    )
    problem = json.loads(raw)
    assert status == 400, problem
    assert answered["Content-Type"].startswith("application/problem+json")
    assert problem["field"] == field or "body" in {problem["field"], field}
    assert problem["request_id"] == answered["X-Request-Id"]
    assert problem["status"] == 400


async def test_the_wrong_content_type_path_and_method_are_problems_too(served):
    """415, 404 and 405 are problem details like all others."""
    headers = {"Authorization": f"Bearer {served.token}"}
    path = "/api/v1/clock/advance"
    status, _, _ = await served.raw("POST", path, data=b"by=35d", headers=headers)
    assert status == 415
    status, body, _ = await served.raw("GET", "/api/v1/nosuch", headers=headers)
    assert (status, json.loads(body)["title"]) == (404, "not found")
    status, body, answered = await served.raw("DELETE", path, headers=headers)
    assert (status, answered["Allow"]) == (405, "POST")
    packed = headers | {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert (await served.raw("POST", path, data=b"x", headers=packed))[0] == 415


async def test_too_much_is_refused_before_it_is_read(served):
    """A body beyond the route's limit is 413, announced or not."""
    headers = {"Authorization": f"Bearer {served.token}", "Content-Type": "application/json"}
    path = "/api/v1/clock/advance"
    status, _, _ = await served.raw("POST", path, data=b"x" * 70_000, headers=headers)
    assert status == 413

    async def endless():
        for _ in range(40):
            yield b"x" * 4096

    status, _, _ = await served.raw("POST", path, data=endless(), headers=headers)
    assert status == 413


async def test_a_query_is_as_strict_as_a_body(served):
    """Unknown, repeated and impossible query values are refused by name."""
    for query, field in (
        ("nosuch=1", "nosuch"),
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("limit=5&limit=6", "limit"),
    ):
        status, problem = await served.api("GET", f"orders?{query}")
        assert (status, problem["field"]) == (400, field)


def test_every_class_of_error_has_its_status():
    """Each class of terms.errors is answered by the narrowest line of the one table."""
    made = {Invalid: Invalid("f", "why"), Throttled: Throttled("later", 7)}
    for kind in _all(BoxofficeError):
        if kind in {BoxofficeError, DomainError, TargetError}:
            continue
        error = made.get(kind) or kind("why")
        response = problem_of(error, "id")
        fitting = [status for known, status, _ in STATUS if issubclass(kind, known)]
        assert response.status == fitting[0]
    assert problem_of(Throttled("later", 7), "id").headers["Retry-After"] == "7"


def _all(kind: type) -> list[type]:
    found = [kind]
    children: list[type] = kind.__subclasses__()
    for child in children:
        if child.__module__ == errors.__name__:
            found += _all(child)
    return found


async def test_a_fault_of_ours_tells_no_detail(served, monkeypatch):
    """An unexpected error is 500 with the request's id, and nothing of its text."""

    async def broken(_house, _tx):
        raise RuntimeError("secret-canary")

    monkeypatch.setattr(clock, "tell", broken)
    status, problem = await served.api("GET", "clock")
    assert status == 500
    assert "canary" not in json.dumps(problem)
    assert problem["request_id"]


async def test_a_connection_that_says_nothing_is_closed(served, monkeypatch):
    """Half a request head, and then silence, ends the connection."""
    monkeypatch.setattr(connection, "FIRST_REQUEST_S", 0.05)
    port = int(served.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    writer.close()


async def test_a_connection_too_many_is_turned_away(served, monkeypatch):
    """Beyond the limit a connection is closed at once; those before it go on."""
    monkeypatch.setattr(connection, "CONNECTIONS_MAX", 2)
    port = int(served.url.rpartition(":")[2])
    pairs = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
    async with asyncio.timeout(10):
        assert await pairs[2][0].read() == b""
    pairs[0][1].write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert (await pairs[0][0].read()).startswith(b"HTTP/1.1 200")
    for _, writer in pairs:
        writer.close()


async def test_moving_the_clock_needs_permission(served):
    """Business time moves where it is allowed, everywhere at once, and never back."""
    status, before = await served.api("GET", "clock")
    assert status == 200
    status, after = await served.api("POST", "clock/advance", {"by": "1w2d"})
    assert status == 200
    assert after["offset_s"] - before["offset_s"] == 9 * 86_400
    served.house.settings = served.house.settings.model_copy(update={"allow_time_travel": False})
    status, problem = await served.api("POST", "clock/advance", {"by": "1d"})
    assert (status, problem["title"]) == (403, "not allowed")


def test_shapes_can_be_answered():
    """Every declared answer is a type that can be written as JSON."""
    for route in API:
        assert route.answer is not None, route.path
        TypeAdapter(route.answer).json_schema(mode="serialization")


async def test_the_numbers_are_those_of_the_database(harbour, served):
    """Queues and targets are counted when somebody asks; an emptied queue is told as empty."""
    _, body, _ = await served.raw("GET", "/metrics")
    assert b'boxoffice_work_due{kind="settle",target=""} 25.0' in body
    assert b'boxoffice_target_up{target="portal-north"} 1.0' in body
    async with harbour.store.begin() as tx:
        await tx.driver("DELETE FROM work")
    _, body, _ = await served.raw("GET", "/metrics")
    assert b'boxoffice_work_due{kind="settle",target=""} 0.0' in body


async def test_the_api_is_described_to_anybody(served):
    """The description and its page are served without a token, and the page needs no script."""
    status, body, headers = await served.raw("GET", "/api/openapi.json")
    assert (status, body.decode()) == (200, openapi.text())
    assert headers["Content-Type"].startswith("application/json")
    status, body, headers = await served.raw("GET", "/api/docs")
    page = body.decode()
    assert status == 200
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)
    for route in API:
        assert route.path.removeprefix("/api/v1") in page
    anchors = set(re.findall(r'href="#([^"]+)"', page))
    assert anchors <= set(re.findall(r'id="([^"]+)"', page))
