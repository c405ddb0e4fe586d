"""Who is let in: the one place where a route's policy is asked.

A token is compared by its hash in the database. "Local" is a browser on this machine: the peer's
address and the name it asked for are both ours, so neither another machine nor a page of another
name that resolves to us gets in; behind a proxy nobody is local.
"""

from __future__ import annotations

from ipaddress import ip_address

from aiohttp import web

from app.identity import tokens
from app.web.problem import BadRequest
from app.web.route import Policy
from app.wiring import House

_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via")
_SCHEME = "bearer "


async def admit(request: web.Request, house: House, policy: Policy) -> None:
    """Let the request pass or raise BadRequest with 401 or 403."""
    if policy in {Policy.OPEN, Policy.SIGNED}:
        return
    if policy in {Policy.LOCAL, Policy.LOCAL_OR_TOKEN} and is_local(request):
        return
    if policy is Policy.LOCAL:
        why = "this page is served to a browser on the same machine only"
        raise BadRequest(403, "not allowed", why)
    if not await _has_token(request, house):
        why = "send an API token: Authorization: Bearer ..."
        raise BadRequest(401, "who are you", why)


def is_local(request: web.Request) -> bool:
    """Whether a program on this very machine asks for a name of this very machine."""
    peer = request.transport.get_extra_info("peername") if request.transport else None
    if not peer or any(name in request.headers for name in _PROXY_HEADERS):
        return False
    host = request.headers.get("Host", "")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return ip_address(peer[0]).is_loopback and name.lower() in _LOCAL_NAMES


async def _has_token(request: web.Request, house: House) -> bool:
    given = request.headers.get("Authorization", "")
    if given[: len(_SCHEME)].lower() != _SCHEME:
        return False
    async with house.store.read() as tx:
        return await tokens.is_known(tx, given[len(_SCHEME) :].strip())
