"""The two cookies of somebody who signs in: the sign-in, and what tells a known browser.

`__Host-` ties them to this very host and to TLS (RFC 6265bis, 4.1.3.2); Chromium and Firefox take
plain HTTP on a loopback address for as good. `insecure_cookies` gives that up for a closed network.
"""

from __future__ import annotations

from datetime import timedelta

from aiohttp import web

from app.identity.keeper import Let
from app.identity.sign_ins import KNOWN_FOR
from app.settings import Settings

_SECURE_PREFIX = "__Host-"
SIGN_IN = "boxoffice"
BROWSER = "boxoffice-browser"
_GONE = timedelta(0)


def read(request: web.Request, settings: Settings, name: str) -> str:
    """Give what the browser keeps under a name; empty where it keeps nothing."""
    return request.cookies.get(_named(settings, name), "")


def keep(response: web.StreamResponse, settings: Settings, let: Let) -> None:
    """Have the browser keep a sign-in as long as it may last, and be known longer."""
    lasting = let.sign_in.ends_at - let.sign_in.made_at
    _put(response, settings, SIGN_IN, let.token, lasting)
    _put(response, settings, BROWSER, let.browser, KNOWN_FOR)


def drop(response: web.StreamResponse, settings: Settings) -> None:
    """Have the browser forget a sign-in; it stays known."""
    _put(response, settings, SIGN_IN, "", _GONE)


def _put(
    response: web.StreamResponse, settings: Settings, name: str, value: str, lasting: timedelta
) -> None:
    response.set_cookie(
        _named(settings, name),
        value,
        max_age=int(lasting.total_seconds()),
        path="/",
        secure=not settings.insecure_cookies,
        httponly=True,
        samesite="Lax",
    )


def _named(settings: Settings, name: str) -> str:
    return name if settings.insecure_cookies else _SECURE_PREFIX + name
