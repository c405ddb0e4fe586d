"""docs/reference/api.md, written from the routes themselves: `python -m app.web.reference`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from app.web.problem import STATUS
from app.web.route import Route
from app.web.routes import API

_HEAD = """\
# The HTTP API

Written from the routes themselves by `.venv/bin/python -m app.web.reference >
docs/reference/api.md`; a test compares.

Everything is under `/api/v1` on the product's one port (by default `http://127.0.0.1:8080`). Every
call carries `Authorization: Bearer TOKEN`; the first token is in the file `api-token` of the data
folder. Questions and answers are JSON. A body with an unknown field, or with a value of another
type, is refused: nothing is guessed. A field marked `?` may be left out; lengths are counted in
characters, and what text is `like` is a regular expression.

- **Money** is answered as `{"amount_minor": 1990, "currency": "EUR", "text": "19.90"}` and sent as
  text, `"19.90"`, in the account's currency.
- **Instants** are ISO 8601 in UTC, **days** are `2026-03-31`.
- **Lists** come in pages: `?limit=` and `?after=`, with `next` in the answer while there is more.
- **Failures** are problem details (RFC 9457, `application/problem+json`): `title`, `detail`,
  `status`, `request_id`, and where fields are wrong `field` and `errors` (`field`, `why`).

Beside the API: `POST /hooks/payments/PROVIDER` takes the signed messages of payment providers (at
most 256 KiB; 200 once it is stored, 400 for a message that is not the provider's or not fresh);
`/console/` is for a browser on the same machine; `/sign-in`, `/me`, `/people` and `/field/` are
pages for [people who sign in](../howto/people.md); `/healthz` says that the process lives,
`/readyz` that it can work; `/metrics` is for the same machine, or with a token.

| status | when |
|---|---|
"""
_STATUS = (
    (400, "the request cannot be read as what the route declares"),
    (401, "no token, or none of ours"),
    (405, "another method is meant; `Allow` names it"),
    (408, "the body did not arrive within 10 s"),
    (413, "the body is too large"),
    (415, "the body is not `application/json`, or it is compressed"),
)
_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true` or `false`",
}
_LIMITS = (
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("minLength", "at least {} long"),
    ("maxLength", "at most {} long"),
    ("pattern", "like `{}`"),
)
# Text whose form is read by the product itself, so that its schema does not tell.
_FORMS = {
    "by": "like `35d`, `12h` or `1w2d`, of s, m, h, d and w",
    "mac": "a MAC address in any usual notation",
}


def reference() -> str:
    """Write the whole page."""
    parts = [_HEAD, _statuses(), *(_of_route(route) for route in API), "\n# Shapes\n"]
    return "".join([*parts, *(_of_shape(shape) for shape in _shapes())])


def _statuses() -> str:
    merged: dict[int, list[str]] = {}
    for status, title in sorted([*_STATUS, *((status, title) for _, status, title in STATUS)]):
        if title not in merged.setdefault(status, []):
            merged[status].append(title)
    return "".join(f"| {status} | {'; '.join(titles)} |\n" for status, titles in merged.items())


def _of_route(route: Route) -> str:
    lines = [f"\n## `{route.method} {route.path}`\n", f"{_words(route.handler)}\n"]
    if route.query:
        lines += ["Query:\n", *_asked(route.query), ""]
    if route.body:
        lines += _of_body(route.body)
    elif route.method != "GET":
        lines.append("No body is needed.\n")
    lines.append(f"Answers {route.status} with {_linked(route.answer)}.")
    return "\n".join(lines) + "\n"


def _of_body(model: type[BaseModel]) -> Iterator[str]:
    if not model.model_fields:
        yield "Body: nothing in it, `{}`.\n"
        return
    must = any(field.is_required() for field in model.model_fields.values())
    yield "Body:\n" if must else "Body, `{}` where nothing of it is given:\n"
    yield from _asked(model)
    yield ""


def _asked(model: type[BaseModel]) -> Iterator[str]:
    """Tell each field of a question as its schema has it; `?` marks what may be left out."""
    schema = model.model_json_schema()
    yield from _told(schema, schema.get("$defs", {}), "")


def _told(schema: Mapping[str, Any], shapes: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, field in schema["properties"].items():
        mark = "" if name in schema.get("required", ()) else "?"
        allowed = [one for one in field.get("anyOf", [field]) if one.get("type") != "null"]
        allowed = [
            shapes[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in allowed
        ]
        inner = [one for one in allowed if "properties" in one]
        kind = "an object" if inner else " or ".join(_kind(one) for one in allowed)
        default = field.get("default")
        usual = f"; default `{json.dumps(default)}`" if default not in (None, "") else ""
        words = f"; {_FORMS[name]}" if name in _FORMS else ""
        yield f"{indent}- `{name}{mark}`: {kind}{words}{usual}"
        for one in inner:
            yield from _told(one, shapes, indent + "  ")


def _kind(schema: Mapping[str, Any]) -> str:
    """Say what a value is and what limits it has."""
    if schema["type"] == "array":
        most = f"at most {schema['maxItems']}" if "maxItems" in schema else "any number"
        return f"a list, {most}, each {_kind(schema['items'])}"
    if words := schema.get("enum") or _alternatives(schema.get("pattern", "")):
        return " or ".join(f"`{word}`" for word in words)
    if schema.get("format") == "date":
        return "a day, `2026-03-31`"
    limits = [said.format(schema[key]) for key, said in _LIMITS if key in schema]
    return ", ".join([_TYPES[schema["type"]], *limits])


def _alternatives(pattern: str) -> list[str]:
    found = re.fullmatch(r"\^\(([a-z_]+(?:\|[a-z_]+)*)\)\$", pattern)
    return found[1].split("|") if found else []


def _words(thing: object) -> str:
    return " ".join((thing.__doc__ or "").split())


def _linked(kind: Any) -> str:
    name = _name(kind)
    return f"[{name}](#{name.lower().replace(' ', '-')})"


def _name(kind: Any) -> str:
    inner = get_args(kind)
    return f"{get_origin(kind).__name__} of {_name(inner[0])}" if inner else str(kind.__name__)


def _shapes() -> list[Any]:
    """List every shape an answer can hold, those of the routes first."""
    found: dict[str, Any] = {}
    waiting = [route.answer for route in API]
    while waiting:
        kind = waiting.pop(0)
        if _name(kind) not in found:
            found[_name(kind)] = kind
            waiting += [held for _, held in _fields(kind) if held is not None]
    return list(found.values())


def _of_shape(kind: Any) -> str:
    rows = [f"- `{name}`{f': {_linked(held)}' if held else ''}" for name, held in _fields(kind)]
    return (
        "\n".join([f"\n## {_name(kind)}\n", f"{_words(get_origin(kind) or kind)}\n", *rows]) + "\n"
    )


def _fields(kind: Any) -> Iterator[tuple[str, Any]]:
    """Give the fields of a shape, each with the shape it holds, if any."""
    plain = get_origin(kind) or kind
    hints = get_type_hints(plain)
    for field in fields(plain):
        inner = [hints[field.name], *get_args(hints[field.name])]
        held = next((one for one in inner if is_dataclass(one)), None)
        if held is None and get_args(kind) and field.name == "items":
            held = get_args(kind)[0]
        yield field.name, held


if __name__ == "__main__":
    sys.stdout.write(reference())
