"""The matrix of roles: every route, whoever asks, cell by cell, from the routes themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

import pytest
from yarl import URL

from app.identity.keeper import form_token
from app.identity.roles import ROLES, covers
from app.web.people.phone import LINKS, NoFields
from app.web.route import OF_PEOPLE, Call, Policy, Route
from app.web.routes import all_routes
from tests.flows.app.visitor import ELSEWHERE, SIGN_IN, added, hurry

EVERYBODY = frozenset({"anonymous", "technician", "owner", "token", "local"})
# Who is let in under which policy. A new policy has to say so here.
OPENS: Mapping[Policy, frozenset[str]] = {
    Policy.OPEN: EVERYBODY,
    Policy.SIGNED: EVERYBODY,
    Policy.TOKEN: frozenset({"token"}),
    Policy.LOCAL: frozenset({"local"}),
    Policy.LOCAL_OR_TOKEN: frozenset({"local", "token"}),
    Policy.PERSON: frozenset({"technician", "owner"}),
    Policy.TECHNICIAN: frozenset({"technician", "owner"}),
    Policy.OWNER: frozenset({"owner"}),
}
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
async def asking(served):
    """Ask one route as somebody: whether that one is let in."""
    hurry(served.house)
    people = {role: await added(served.house, role, role) for role in ROLES}

    async def headers(who: str) -> tuple[dict[str, str], str]:
        """Give what one sends, and the token for forms."""
        if who == "local":
            return {}, served.site.console.token.value
        sent = {"X-Forwarded-For": ELSEWHERE}
        if who == "token":
            return sent | {"Authorization": f"Bearer {served.token}"}, ""
        if who in people:
            keeper = served.house.keeper
            async with served.house.store.begin() as tx:
                let = await keeper.begin(tx, people[who], label="matrix")
            return sent | {"Cookie": f"{SIGN_IN}={let.token}"}, form_token(let.token)
        return sent, ""

    async def ask(route: Route, who: str) -> bool:
        sent, token = await headers(who)
        url = URL(served.url + re.sub(r"\{[a-z_]+\}", "x", route.path), encoded=True)
        data = None
        if route.method == "POST":
            sent, data = FORM | sent, urlencode({"token": token}).encode()
        # The answer's body is left alone: one of them never ends.
        async with served.session.request(
            route.method, url, headers=sent, data=data, allow_redirects=False
        ) as answer:
            led_to = answer.headers.get("Location", "")
            is_led = route.policy in OF_PEOPLE and re.fullmatch(r"/sign-in(\?next=.*)?", led_to)
            return answer.status not in {401, 403} and not is_led

    return ask


async def test_each_cell_of_the_matrix(served, asking):
    """Each route lets in exactly whom its policy names, and turns everybody else away."""
    routes = all_routes(served.site, dict)
    assert set(OPENS) == set(Policy)
    assert {route.policy for route in routes} == set(Policy)
    wrong = [
        (route.method, route.path, who)
        for route in routes
        for who in sorted(EVERYBODY)
        if await asking(route, who) != (who in OPENS[route.policy])
    ]
    assert wrong == []


def test_each_role_and_policy_of_people_know_each_other():
    """A policy that names a role names one there is; an owner includes each of them."""
    roles = {policy.value for policy in OF_PEOPLE - {Policy.PERSON}}
    assert roles == set(ROLES)
    assert all(covers("owner", role) for role in ROLES)
    assert not covers("technician", "owner")
    assert not covers("king", "king")
    assert {link.policy for link in LINKS} <= OF_PEOPLE
    assert all(role.includes <= set(ROLES) for role in ROLES.values())


async def test_a_route_for_people_cannot_forget_its_form():
    """A change without a form's token, or a form that nobody would check, stops the start."""

    async def handler(_call: Call) -> None: ...

    with pytest.raises(ValueError, match="by forms alone"):
        Route(method="POST", path="/field/x", policy=Policy.TECHNICIAN, handler=handler)
    with pytest.raises(ValueError, match="by forms alone"):
        Route(method="POST", path="/x", policy=Policy.OPEN, handler=handler, form=NoFields)
    call = Call.__new__(Call)
    object.__setattr__(call, "here", None)
    with pytest.raises(TypeError, match="not signed in"):
        _ = call.person
