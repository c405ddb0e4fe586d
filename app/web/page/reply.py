"""How a page answers: with HTML, by leading elsewhere, or by saying why a form was not done."""

from __future__ import annotations

from aiohttp import web

from app.identity.door import TooOften
from app.web.page.words import Tone, why
from app.web.problem import BadRequest
from terms.errors import DomainError


def html(page: str, status: int = 200) -> web.Response:
    """Answer with a page."""
    return web.Response(text=page, status=status, content_type="text/html", charset="utf-8")


def see(location: str) -> web.Response:
    """Lead elsewhere after a form, so that a reload repeats nothing."""
    return web.Response(status=303, headers={"Location": location})


def refused(error: BadRequest | DomainError) -> tuple[str, Tone, int]:
    """Give what the page of a form says, in which tone and with which status."""
    if isinstance(error, BadRequest):
        return str(error), "bad", error.status
    return why(error), "bad", 429 if isinstance(error, TooOften) else 400
