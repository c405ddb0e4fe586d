"""What the page of a failed request says: which fields were wrong, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from app.web.leading import local_path
from app.web.page.words import sentence
from app.web.problem import Problem
from app.web.route import SAFE_METHODS

_NOT_AS_ASKED = 400


def shown(request: web.Request, problem: Problem) -> Mapping[str, Any]:
    """Give what the template of a refusal shows."""
    return {
        "title": problem.title.capitalize(),
        "detail": sentence(problem.detail),
        "wrong": [(_called(one.field), sentence(one.why)) for one in problem.errors],
        "back": _back(request, problem),
    }


def _called(field: str) -> str:
    return field.replace("_", " ").capitalize()


def _back(request: web.Request, problem: Problem) -> str:
    """Lead to the page somebody came from, if it is one of ours; never to the one that failed."""
    asked, _, query = request.raw_path.partition("?")
    try:
        came = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return ""
    if came.netloc and came.netloc == request.host:
        # What was said there is not said again.
        more = "" if "said=" in came.query or not came.query else f"?{came.query}"
        path = local_path(came.path + more)
        if path != request.raw_path:
            return path
    is_odd_question = query and problem.status == _NOT_AS_ASKED
    return local_path(asked) if is_odd_question and request.method in SAFE_METHODS else ""
