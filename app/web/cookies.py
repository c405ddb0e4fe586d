"""The cookies of somebody who signs in: the sign-in, and what tells a known browser.

People of the operator and subscribers have cookies of their own: neither opens the other's pages.

`__Host-` ties them to this very host and to TLS (RFC 6265bis, 4.1.3.2); Chromium and Firefox take
plain HTTP on a loopback address for as good. `insecure_cookies` gives that up for a closed network.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aiohttp import web

from app.identity.door import Let
from app.identity.sign_ins import KNOWN_FOR
from app.settings import Settings

_SECURE_PREFIX = "__Host-"
_GONE = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Jar:
    """The names of one population's cookies."""

    sign_in: str
    browser: str


PEOPLE = Jar(sign_in="boxoffice", browser="boxoffice-browser")
SUBSCRIBERS = Jar(sign_in="boxoffice-portal", browser="boxoffice-portal-browser")


def read(request: web.Request, settings: Settings, name: str) -> str:
    """Give what the browser keeps under a name; empty where it keeps nothing."""
    return request.cookies.get(_named(settings, name), "")


def keep(response: web.StreamResponse, settings: Settings, jar: Jar, let: Let[Any]) -> None:
    """Have the browser keep a sign-in as long as it may last, and be known longer."""
    lasting = let.sign_in.ends_at - let.sign_in.made_at
    put(response, settings, jar.sign_in, let.token, lasting)
    put(response, settings, jar.browser, let.browser, KNOWN_FOR)


def drop(response: web.StreamResponse, settings: Settings, name: str) -> None:
    """Have the browser forget what it keeps under a name."""
    put(response, settings, name, "", _GONE)


def put(
    response: web.StreamResponse, settings: Settings, name: str, value: str, lasting: timedelta
) -> None:
    """Have the browser keep something that no script reads."""
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
