"""Errors as problem details (RFC 9457): one table from class to status, nothing secret in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from aiohttp import web
from pydantic import TypeAdapter

from terms.errors import (
    BoxofficeError,
    DomainError,
    Duplicate,
    Forbidden,
    Invalid,
    InvalidTransition,
    NotFound,
    TargetError,
    Throttled,
    Unreachable,
)

MEDIA_TYPE = "application/problem+json"
UNKNOWN_CALLER = 401

# The first class that fits decides, so the narrower ones stand first.
STATUS: tuple[tuple[type[BoxofficeError], int, str], ...] = (
    (NotFound, 404, "not found"),
    (Invalid, 400, "invalid input"),
    (InvalidTransition, 409, "not possible in this state"),
    (Duplicate, 409, "exists already"),
    (Forbidden, 403, "not allowed"),
    (DomainError, 400, "refused"),
    (Throttled, 503, "a system beside us asks to wait"),
    (Unreachable, 504, "a system beside us does not answer"),
    (TargetError, 502, "a system beside us refused"),
)
_OTHERWISE = (400, "refused")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One wrong field, by its path in the body, the query or the path of the request."""

    field: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemDocument:
    """Why a request failed (RFC 9457). Where fields are wrong, `field` is the first of them."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    field: str = ""
    errors: Sequence[FieldError] = ()


_PROBLEM = TypeAdapter(ProblemDocument)


class BadRequest(Exception):
    """The request cannot be read as what the route declares."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        errors: Sequence[FieldError] = (),
        *,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.errors = tuple(errors)
        self.retry_after_s = retry_after_s

    @property
    def headers(self) -> dict[str, str]:
        """Name the headers that belong to the answer."""
        if self.status == UNKNOWN_CALLER:
            return {"WWW-Authenticate": "Bearer"}
        return {} if self.retry_after_s is None else _retry_after(self.retry_after_s)


class Problem(web.Response):
    """The answer to a request that failed."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        request_id: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        content = ProblemDocument(
            type="about:blank",
            title=title,
            status=status,
            detail=detail,
            request_id=request_id,
            field=errors[0].field if errors else "",
            errors=errors,
        )
        body = _PROBLEM.dump_json(content, exclude_defaults=True)
        super().__init__(status=status, body=body, content_type=MEDIA_TYPE, headers=headers)
        self.title = title
        self.detail = detail
        self.errors = tuple(errors)


def problem_of(error: BoxofficeError, request_id: str) -> Problem:
    """Make the answer to an error raised on purpose."""
    fitting = ((status, title) for kind, status, title in STATUS if isinstance(error, kind))
    status, title = next(fitting, _OTHERWISE)
    errors = [FieldError(field=error.field, why=error.reason)] if isinstance(error, Invalid) else []
    headers = _retry_after(error.retry_after_s) if isinstance(error, Throttled) else None
    return Problem(status, title, str(error), request_id, errors=errors, headers=headers)


def _retry_after(seconds: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, ceil(seconds)))}
