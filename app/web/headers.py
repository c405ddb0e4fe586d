"""The security headers of every answer, in one table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from app.web.caller import is_by_tls
from app.wiring import House

REQUEST_ID = web.RequestKey("request_id", str)
REQUEST_ID_HEADER = "X-Request-Id"

# Nothing is loaded from anywhere but here, nothing runs inline, nobody may frame us.
_CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

ALWAYS = {
    "Content-Security-Policy": _CONTENT_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Tells nobody else where somebody was; without it our own forms would come from "null".
    "Referrer-Policy": "same-origin",
    "Server": "boxoffice",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# A browser that came by TLS comes by nothing else for a year; other hosts of a name are not ours.
BY_TLS = {"Strict-Transport-Security": "max-age=31536000"}
UNLESS_SAID = {"Cache-Control": "no-store"}
# Technicians scan labels with the phone's camera; nobody else needs it.
CAMERA_AT = "/field"
_WITH_CAMERA = ALWAYS["Permissions-Policy"].replace("camera=()", "camera=(self)")


def putting(house: House) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Give what puts the table on each answer that is about to be sent."""

    async def put(request: web.Request, response: web.StreamResponse) -> None:
        _put(request, response)
        if is_by_tls(request, house.settings):
            response.headers.update(BY_TLS)

    return put


def _put(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(ALWAYS)
    if request.path.startswith(CAMERA_AT):
        response.headers["Permissions-Policy"] = _WITH_CAMERA
    for name, value in UNLESS_SAID.items():
        response.headers.setdefault(name, value)
    if found := request.get(REQUEST_ID):
        response.headers[REQUEST_ID_HEADER] = found
