"""The security headers of every answer, in one table."""

from __future__ import annotations

from aiohttp import web

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
UNLESS_SAID = {"Cache-Control": "no-store"}
# Technicians scan labels with the phone's camera; nobody else needs it.
CAMERA_AT = "/field"
_WITH_CAMERA = ALWAYS["Permissions-Policy"].replace("camera=()", "camera=(self)")


async def put_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put the table on an answer that is about to be sent."""
    response.headers.update(ALWAYS)
    if request.path.startswith(CAMERA_AT):
        response.headers["Permissions-Policy"] = _WITH_CAMERA
    for name, value in UNLESS_SAID.items():
        response.headers.setdefault(name, value)
    if found := request.get(REQUEST_ID):
        response.headers[REQUEST_ID_HEADER] = found
