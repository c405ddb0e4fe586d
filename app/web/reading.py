"""Reading what a request brings: bytes up to a limit and within a time, then a strict model."""

from __future__ import annotations

import asyncio
import json
from codecs import BOM_UTF8
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from aiohttp import web
from pydantic import BaseModel, ValidationError

from app import cards
from app.web.problem import BadRequest, FieldError
from app.web.refusals import refused
from runtime.secrets import same

BODY_WITHIN_S = 10.0
FORM_FIELDS_MAX = 50
_TWICE = "given more than once"
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


async def read_json(request: web.Request, bytes_max: int) -> bytes:
    """Read the bytes of a body that is to be JSON."""
    if request.content_type != "application/json":
        raise BadRequest(415, "unsupported content", "send the body as application/json")
    return await read_bytes(request, bytes_max)


def validated_json(model: type[M], raw: bytes) -> M:
    """Read a model from bytes. Raises BadRequest naming every wrong field.

    The model is strict with bytes alone: with values read before, it would refuse days and take
    the last of two fields of one name. So the names are looked at beside it, and no text may hold
    the number of a card.
    """
    if raw.startswith(BOM_UTF8):
        raise wrong("body", why="begins with a byte order mark: send plain UTF-8")
    try:
        found = model.model_validate_json(raw)
        _OBJECTS.decode(raw.decode())
    except ValidationError as error:
        raise _refused(error) from None
    except (ValueError, RecursionError):
        raise wrong("body", why="is not JSON") from None
    return found


def read_parts(request: web.Request, model: type[M] | None) -> M | None:
    """Read the named parts of the path. Raises BadRequest naming every wrong one."""
    parts = request.match_info
    if model is not None:
        return validated(model, dict(parts))
    for name, value in parts.items():
        if "\0" in value:
            raise wrong(name, why="holds the character U+0000")
    return None


def read_query(request: web.Request, model: type[M]) -> M:
    """Read the query string. Raises BadRequest for unknown, repeated or wrong names."""
    query = request.query
    repeated = sorted({name for name in query if len(query.getall(name)) > 1})
    if repeated:
        raise wrong(*repeated, why=_TWICE)
    return validated(model, dict(query))


def wrong(*fields: str, why: str) -> BadRequest:
    """Make the refusal of fields that are wrong for one reason."""
    errors = [FieldError(field=name, why=why) for name in fields]
    return BadRequest(400, "invalid input", f"{fields[0]}: {why}", errors)


def validated(model: type[M], values: Mapping[str, Any]) -> M:
    """Make a model from text values. Raises BadRequest naming every wrong one."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _refused(error) from None


async def read_form(request: web.Request, bytes_max: int) -> dict[str, str]:
    """Read a form of plain fields; the last of a repeated name counts. No field may hold a card."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise BadRequest(415, "unsupported content", "send the form as the page does")
    raw = await read_bytes(request, bytes_max)
    try:
        text = raw.decode()
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=FORM_FIELDS_MAX)
    except (UnicodeDecodeError, ValueError):
        raise BadRequest(400, "invalid input", "the form cannot be read") from None
    for name, value in pairs:
        _no_card(name, value)
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
    found = error.errors(include_url=False, include_input=False)
    told = [refused(one) for one in found[:ERRORS_MAX]]
    errors = [FieldError(field=field, why=why) for field, why in told]
    return BadRequest(400, "invalid input", f"{errors[0].field}: {errors[0].why}", errors)


def _sound(pairs: list[tuple[str, Any]]) -> None:
    """Refuse an object that says the same name twice, as nobody knows which is meant, and cards."""
    names = set()
    for name, value in pairs:
        if name in names:
            raise wrong(name, why=_TWICE)
        names.add(name)
        for text in value if isinstance(value, list) else (value,):
            if isinstance(text, str):
                _no_card(name, text)


def _no_card(name: str, text: str) -> None:
    if why := cards.problem(name, text):
        raise wrong(name, why=why)


def _ignored(_number: str) -> None:
    return None


# Sees names and texts of objects; what numbers are is for the model to say.
_OBJECTS = json.JSONDecoder(
    object_pairs_hook=_sound,
    parse_int=_ignored,
    parse_float=_ignored,
    parse_constant=_ignored,
)
