"""Whether a browser says that a form was sent by a page of ours."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from app.web.caller import is_local
from app.web.problem import BadRequest

_OUR_SITES = frozenset({"same-origin", "none"})


def check_from_here(request: web.Request) -> None:
    """Raise BadRequest for a request that another site made, or that does not say who did.

    Browsers tell it by Sec-Fetch-Site over TLS and on this machine, by Origin everywhere.
    """
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin", "")
    host = request.headers.get("Host", "")
    is_ours = site in _OUR_SITES if site is not None else bool(origin) and _of(origin) == host
    if not is_ours:
        raise BadRequest(403, "not allowed", "the form was not sent by our own page")


def own_address(request: web.Request) -> str:
    """Tell under which address of ours a browser has sent a form: scheme and host."""
    origin = request.headers.get("Origin", "")
    host = request.headers.get("Host", "")
    if _of(origin) == host:
        return origin
    return f"{'http' if is_local(request) else 'https'}://{host}"


def _of(origin: str) -> str:
    return urlsplit(origin).netloc
