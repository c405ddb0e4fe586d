"""Who is let in: the one place where a route's policy is asked.

A token is known by its hash, see `callers`. A person has a sign-in, and a role with rights; a
subscriber has a sign-in of another kind, and no right but to what is their own. From
where one asks matters for the numbers of the process alone, told to a program on this machine.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from app.identity.door import Here
from app.identity.people import Person
from app.identity.roles import Right, may
from app.identity.subscribers import Subscriber
from app.identity.tokens import Bearer, Scope
from app.web import cookies
from app.web.api.shapes import PREFIX as API
from app.web.caller import is_local
from app.web.callers import Callers
from app.web.leading import PORTAL, sign_in_url
from app.web.origin import check_from_here
from app.web.problem import UNKNOWN_CALLER, BadRequest
from app.web.route import OF_PEOPLE, SAFE_METHODS, Gate, Policy
from app.wiring import House


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who was let in: `here` on routes for people, `guest` on those for subscribers, `bearer` where
    a token has opened the route.

    `actor` names each.
    """

    here: Here[Person] | None = None
    guest: Here[Subscriber] | None = None
    bearer: Bearer | None = None
    actor: str = ""

    @property
    def form_token(self) -> str:
        """What has to come back in every form; empty for whoever has no sign-in."""
        found = self.here or self.guest
        return found.form_token if found else ""


# Who is signed in, whatever becomes of the request: a page that refuses has their links.
KNOWN = web.RequestKey("known", Caller)


async def admit(request: web.Request, house: House, callers: Callers, policy: Gate) -> Caller:
    """Let the request pass, or raise BadRequest with 401, 403, 429, or lead to the sign-in page."""
    if policy in OF_PEOPLE:
        here = await _person(request, house, policy)
        return Caller(here=here, actor=here.person.actor)
    if policy is Policy.SUBSCRIBER:
        guest = await _subscriber(request, house)
        return Caller(guest=guest, actor=guest.person.actor)
    if policy in {Policy.OPEN, Policy.SIGNED}:
        return Caller()
    if policy is Policy.LOCAL_OR_TOKEN and is_local(request):
        return Caller()
    bearer = await callers.admit(request)
    if bearer.scope is Scope.READ and request.method not in SAFE_METHODS:
        raise BadRequest(403, "not allowed", f"the token {bearer.name} may look, not change")
    return Caller(bearer=bearer, actor=bearer.actor)


async def signed_in(request: web.Request, house: House) -> Here[Person] | None:
    """Tell who of the operator's people is signed in, if anybody."""
    return await house.keeper.who(cookies.read(request, house.settings, cookies.PEOPLE.sign_in))


async def visiting(request: web.Request, house: House) -> Here[Subscriber] | None:
    """Tell which subscriber is signed in, if any."""
    token = cookies.read(request, house.settings, cookies.SUBSCRIBERS.sign_in)
    return await house.subscribers.who(token)


async def _subscriber(request: web.Request, house: House) -> Here[Subscriber]:
    guest = await visiting(request, house)
    if guest is None:
        asked_for = request.raw_path if request.method in SAFE_METHODS else ""
        raise web.HTTPSeeOther(sign_in_url(asked_for, at=PORTAL))
    request[KNOWN] = Caller(guest=guest)
    if request.method not in SAFE_METHODS:
        check_from_here(request)
    return guest


async def _person(request: web.Request, house: House, policy: Gate) -> Here[Person]:
    here = await signed_in(request, house)
    if here is None:
        if request.path.startswith(f"{API}/"):
            raise BadRequest(UNKNOWN_CALLER, "who are you", "sign in first")
        asked_for = request.raw_path if request.method in SAFE_METHODS else ""
        raise web.HTTPSeeOther(sign_in_url(asked_for))
    request[KNOWN] = Caller(here=here)
    if request.method not in SAFE_METHODS:
        check_from_here(request)
    if isinstance(policy, Right) and not may(here.person.role, policy):
        raise BadRequest(403, "not allowed", "your role does not open this page")
    return here
