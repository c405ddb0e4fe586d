"""The matrix of roles: every route, whoever asks, cell by cell, as the reference has it."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from yarl import URL

from app.identity import tokens
from app.identity.roles import OWNER, ROLES, Right, may
from app.web import callers
from app.web.links import FEW, LINKS, links, portal_links
from app.web.page.fields import NoFields
from app.web.roles_reference import ANYBODY, COLUMNS, LOCAL, SUBSCRIBER, TOKENS, lets_in, reference
from app.web.route import BY_SIGN_IN, OF_PEOPLE, Call, Policy, Route
from app.web.routes import all_routes
from tests.flows.app.guest import household, visiting
from tests.flows.app.visitor import ELSEWHERE, let_in

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "roles.md"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
# Signed in, and yet no more than anybody: shut out, or of a role that another version knows.
NOBODY, KING = "shut out", "king"
DOORS = r"(/portal)?/sign-in(\?next=.*)?"
ASKING = (*COLUMNS, NOBODY, KING)


@pytest.fixture(autouse=True)
def unhurried(monkeypatch):
    """Let strangers ask of every route at once: their pace is another test's."""
    monkeypatch.setattr(callers, "STRANGERS_BURST_S", 1_000.0)


@pytest.fixture
async def visitors(served):
    """Give each who asks by a sign-in their browser."""
    found = {role: await let_in(served, role) for role in ROLES}
    found[NOBODY] = await let_in(served, OWNER, "gone")
    found[KING] = await let_in(served, KING)
    await household(served.house, "100001")
    found[SUBSCRIBER] = await visiting(served, "100001")
    await served.house.store.once("UPDATE person SET disabled_at = 1 WHERE name = 'gone'", ())
    return found


@pytest.fixture
async def tokens_of(served):
    """Give a token of each scope."""
    house, found = served.house, {}
    for scope, word in TOKENS.items():
        async with house.store.begin() as tx:
            now = house.clock.machine_now()
            found[word] = await tokens.make(tx, scope.value, house.chance, now, scope=scope)
    return found


@pytest.fixture
def asking(served, visitors, tokens_of):
    """Ask one route as somebody: whether that one is let in."""

    async def ask(route: Route, who: str) -> bool:
        sent, token = {} if who == LOCAL else {"X-Forwarded-For": ELSEWHERE}, ""
        if who in tokens_of:
            sent["Authorization"] = f"Bearer {tokens_of[who]}"
        elif who in visitors:
            cookies, token = visitors[who].cookies, visitors[who].token
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        url = URL(served.url + re.sub(r"\{[a-z_]+\}", "x", route.path), encoded=True)
        data = None
        if route.method == "POST":
            sent, data = FORM | sent, urlencode({"token": token}).encode()
        # The answer's body is left alone: one of them never ends.
        async with served.session.request(
            route.method, url, headers=sent, data=data, allow_redirects=False
        ) as answer:
            led_to = answer.headers.get("Location", "")
            is_led = route.policy in BY_SIGN_IN and re.fullmatch(DOORS, led_to)
            return answer.status not in {401, 403} and not is_led

    return ask


def open_to(route: Route, who: str) -> bool:
    """Tell what the matrix says of one who asks."""
    if who == KING:
        return route.policy is Policy.PERSON or lets_in(route, ANYBODY)
    return lets_in(route, ANYBODY if who == NOBODY else who)


async def test_each_cell_of_the_matrix(served, asking):
    """Each route lets in exactly whom the matrix names, and turns everybody else away."""
    routes = all_routes(served.site, dict)
    assert {route.policy for route in routes} >= set(Policy)
    wrong = [
        (route.method, route.path, who)
        for route in sorted(routes, key=lambda one: one.path.endswith("/sign-out"))
        for who in ASKING
        if await asking(route, who) != open_to(route, who)
    ]
    assert wrong == []


def test_the_matrix_is_written_from_the_routes(served):
    """docs/reference/roles.md is what the routes and the roles say."""
    assert PAGE.read_text("utf-8") == reference(all_routes(served.site, dict)), (
        "write it again: .venv/bin/python -m app.web.roles_reference"
    )


def test_a_role_opens_what_its_rights_say():
    """An owner has every right, a role that nobody knows none, and each day begins where it may."""
    assert ROLES[OWNER].rights == frozenset(Right)
    assert not any(may(KING, right) for right in Right)
    assert may("cashier", Right.TAKE_MONEY)
    assert not may("technician", Right.SEE)
    for name, role in ROLES.items():
        assert role.home in {link.href for link in links(name, "/me")}, name
    assert [link.word for link in links(KING, "/me")] == ["Me"]
    assert {link.policy for link in LINKS} <= OF_PEOPLE


def test_the_bar_says_where_one_is():
    """Of all links whose address fits, the longest one is the page itself."""
    for path, word in (
        ("/console/", "Operations"),
        ("/console/accounts/200001", "Accounts"),
        ("/console/lines/INV-00000001.1", "Accounts"),
        ("/field/jobs", "Jobs"),
        ("/people/x", "People"),
    ):
        assert [one.word for one in links(OWNER, path) if one.is_here] == [word]
    assert [one.word for one in portal_links("/portal/statement") if one.is_here] == ["Invoices"]


def test_the_bar_folds_what_is_rare_where_it_is_long():
    """An owner has few links beside each other and the rest behind a word; the page one is on
    is never hidden, and who has few links has all of them.
    """
    assert sum(not one.is_folded for one in links(OWNER, "/console/")) <= FEW
    folded = {one.word for one in links(OWNER, "/console/") if one.is_folded}
    assert "Audit" in folded
    assert {one.word for one in links(OWNER, "/console/audit") if one.is_folded} == folded - {
        "Audit"
    }
    for role in ROLES.keys() - {OWNER}:
        assert not [one for one in links(role, "/me") if one.is_folded]


async def test_a_route_for_people_cannot_forget_its_form():
    """A change without a form's token, or a form that nobody would check, stops the start."""

    async def handler(_call: Call) -> None: ...

    with pytest.raises(ValueError, match="by forms alone"):
        Route(method="POST", path="/field/x", policy=Right.FIELD, handler=handler)
    with pytest.raises(ValueError, match="by forms alone"):
        Route(method="POST", path="/x", policy=Policy.OPEN, handler=handler, form=NoFields)
    call = Call.__new__(Call)
    object.__setattr__(call, "here", None)
    object.__setattr__(call, "guest", None)
    with pytest.raises(TypeError, match="not signed in"):
        _ = call.person
    with pytest.raises(TypeError, match="no subscriber"):
        _ = call.subscriber
