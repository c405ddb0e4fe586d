"""Reading what a request brings: bytes up to a limit and within a time, then a strict model."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from aiohttp import web
from pydantic import BaseModel, ValidationError

from app.web.problem import BadRequest, FieldError
from runtime.secrets import same

BODY_WITHIN_S = 10.0
FORM_FIELDS_MAX = 50
FORM_TOKEN = "token"  # noqa: S105 - the name of the hidden field
ERRORS_MAX = 50

M = TypeVar("M", bound=BaseModel)


async def read_bytes(request: web.Request, bytes_max: int) -> bytes:
    """Read the whole body. Raises BadRequest for one too large, too slow, or packed."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise BadRequest(415, "unsupported encoding", "send the body as it is, not compressed")
    declared = request.content_length
    if declared is not None and declared > bytes_max:
        raise _too_large(bytes_max)
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            return await _read(request, bytes_max)
    except TimeoutError:
        why = f"the body did not arrive within {BODY_WITHIN_S:.0f} s"
        raise BadRequest(408, "too slow", why) from None
    except (web.RequestPayloadError, ConnectionError):
        raise BadRequest(400, "broken body", "the body ended before its end") from None


async def _read(request: web.Request, bytes_max: int) -> bytes:
    content = bytearray()
    async for chunk in request.content.iter_any():
        content += chunk
        if len(content) > bytes_max:
            raise _too_large(bytes_max)
    return bytes(content)


async def read_body(request: web.Request, model: type[M], bytes_max: int) -> M:
    """Read the body as JSON of a model."""
    if request.content_type != "application/json":
        raise BadRequest(415, "unsupported content", "send the body as application/json")
    return validated_json(model, await read_bytes(request, bytes_max))


def validated_json(model: type[M], raw: bytes) -> M:
    """Read a model from bytes. Raises BadRequest naming every wrong field."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise _refused(error) from None
    except (ValueError, RecursionError):
        raise BadRequest(400, "invalid input", "the body is not JSON") from None


def read_query(request: web.Request, model: type[M]) -> M:
    """Read the query string. Raises BadRequest for unknown, repeated or wrong names."""
    query = request.query
    repeated = sorted({name for name in query if len(query.getall(name)) > 1})
    if repeated:
        errors = [FieldError(field=name, why="given more than once") for name in repeated]
        raise BadRequest(400, "invalid input", f"{repeated[0]}: given more than once", errors)
    return validated(model, dict(query))


def validated(model: type[M], values: Mapping[str, Any]) -> M:
    """Make a model from text values. Raises BadRequest naming every wrong one."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _refused(error) from None


async def read_form(request: web.Request, bytes_max: int) -> dict[str, str]:
    """Read a form of plain fields; the last of a repeated name counts."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise BadRequest(415, "unsupported content", "send the form as the page does")
    raw = await read_bytes(request, bytes_max)
    try:
        text = raw.decode()
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=FORM_FIELDS_MAX)
    except (UnicodeDecodeError, ValueError):
        raise BadRequest(400, "invalid input", "the form cannot be read") from None
    return dict(pairs)


async def read_proven_form(request: web.Request, model: type[M], bytes_max: int, token: str) -> M:
    """Read a form that has to bring the token of its page. Raises BadRequest."""
    form = await read_form(request, bytes_max)
    if not same(form.pop(FORM_TOKEN, ""), token):
        why = "the page is of an earlier sign-in: go back, reload and try again"
        raise BadRequest(403, "not allowed", why)
    return validated(model, form)


def _too_large(bytes_max: int) -> BadRequest:
    return BadRequest(413, "too large", f"the body is larger than {bytes_max} bytes")


def _refused(error: ValidationError) -> BadRequest:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    errors = [
        FieldError(
            field=".".join(str(part) for part in wrong["loc"]) or "body",
            why=wrong["msg"].removeprefix("Value error, "),
        )
        for wrong in found[:ERRORS_MAX]
    ]
    return BadRequest(400, "invalid input", f"{errors[0].field}: {errors[0].why}", errors)
