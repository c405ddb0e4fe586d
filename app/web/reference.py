"""docs/reference/api.md, written from the routes themselves: `python -m app.web.reference`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from app.web.api.routes import API
from app.web.openapi import JSON, Document, document
from app.web.wording import Schema, fields, shape_of, told

_HEAD = """\
# The HTTP API

Written from the routes themselves by `.venv/bin/python -m app.web.reference >
docs/reference/api.md`; a test compares.

Everything is under `/api/v1` on the product's one port (by default `http://127.0.0.1:8080`). The
same is said for programs at `/api/openapi.json` (OpenAPI 3.1, frozen as
[openapi.json](openapi.json) by `.venv/bin/python -m app.web.openapi`), and for browsers at
`/api/docs`. How a program calls it stands in [the how-to](../howto/api.md).

Every call carries `Authorization: Bearer TOKEN`; the first token is in the file `api-token` of the
data folder. Questions and answers are JSON. A body with an unknown field, with a value of another
type, or with a name said twice is refused: nothing is guessed. A field marked `?` may be left out;
lengths are counted in characters, and what text is `like` is a regular expression.

- **Money** is answered as `{"amount_minor": 1990, "currency": "EUR", "text": "19.90"}` and sent as
  text, `"19.90"`, in the account's currency.
- **Instants** are ISO 8601 in UTC, **days** are `2026-03-31`.
- **Text** holds no control characters; blanks around it are taken off.
- **Lists** come in pages: `?limit=` says how many, and `next` of an answer, while there is more, is
  `?after=` of the next question. What it says means nothing to anybody else.
- **Changes** may carry an `Idempotency-Key` of 1 to 255 visible ASCII characters, chosen anew for
  each change: the same request with the same key is done once and answered alike, with
  `Idempotent-Replayed: true`, for 24 hours. Nothing is kept of a request that failed, since nothing
  has happened by it. Each token has keys of its own.
- **Tokens** are made, listed and revoked by `boxoffice token`; one of scope `read` may look alone.
- **Failures** are problem details (RFC 9457, `application/problem+json`): `title`, `detail`,
  `status`, `request_id`, and where fields are wrong `field` and `errors` (`field`, `why`).

Beside the API: `POST /hooks/payments/PROVIDER` takes the signed messages of payment providers (at
most 256 KiB; 200 once it is stored, 400 for a message that is not the provider's or not fresh);
`/console/`, `/field/`, `/people`, `/me` and `/sign-in` are pages for [people who sign
in](../howto/people.md), as their role opens them ([roles.md](roles.md)); `/healthz` says that the
process lives, `/readyz` that it can work; `/metrics` is for the same machine, or with
a token.

| status | when |
|---|---|
"""


def reference() -> str:
    """Write the whole page."""
    known = document(API)
    shapes = known["components"]["schemas"]
    parts = [_HEAD, _statuses(known)]
    for path, ways in known["paths"].items():
        parts += ["\n".join(_of_way(method, path, way, shapes)) for method, way in ways.items()]
    asked = {_asked(way) for ways in known["paths"].values() for way in ways.values()}
    parts.append("\n# Shapes\n")
    parts += [
        "\n".join(_of_shape(name, one, shapes))
        for name, one in shapes.items()
        if name not in asked and "properties" in one
    ]
    return "".join(parts)


def _statuses(known: Document) -> str:
    found = known["components"]["responses"].items()
    return "".join(f"| {status} | {one['description']} |\n" for status, one in found)


def _of_way(method: str, path: str, way: Document, shapes: Schema) -> Iterator[str]:
    yield f"\n## `{method.upper()} {path}`\n"
    yield f"{way['description']}\n"
    for place, word in (("path", "Path"), ("query", "Query")):
        if found := [one for one in way["parameters"] if one.get("in") == place]:
            yield f"{word}:\n"
            for one in found:
                field = told(one["name"], one["schema"], shapes, is_needed=one["required"])
                yield f"- `{field.name}{'' if field.is_needed else '?'}`: {field.words}"
            yield ""
    if name := _asked(way):
        yield from _of_body(shapes[name], shapes)
    status, answer = next(iter(way["responses"].items()))
    yield f"Answers {status} with {_linked(shape_of(answer['content'][JSON]['schema']))}.\n"


def _asked(way: Document) -> str:
    """Name the shape of the body; empty where there is none."""
    return shape_of(way["requestBody"]["content"][JSON]["schema"]) if "requestBody" in way else ""


def _of_body(schema: Schema, shapes: Schema) -> Iterator[str]:
    if not schema["properties"]:
        yield "Body: nothing in it, `{}`.\n"
        return
    yield "Body:\n" if schema.get("required") else "Body, `{}` where nothing of it is given:\n"
    yield from _listed(schema, shapes, "")
    yield ""


def _listed(schema: Schema, shapes: Schema, indent: str) -> Iterator[str]:
    """Tell each field of a question; `?` marks what may be left out."""
    for field in fields(schema, shapes):
        inner: Any = shapes.get(field.shape, {}).get("properties")
        words = field.words.replace(field.shape, "an object") if inner else field.words
        yield f"{indent}- `{field.name}{'' if field.is_needed else '?'}`: {words}"
        if inner:
            yield from _listed(shapes[field.shape], shapes, indent + "  ")


def _linked(name: str) -> str:
    return f"[{name}](#{name.lower()})"


def _of_shape(name: str, schema: Schema, shapes: Schema) -> Iterator[str]:
    yield f"\n## {name}\n"
    yield f"{schema.get('description', '')}\n"
    for field in fields(schema, shapes):
        named = field.words.replace(field.shape, _linked(field.shape))
        words = named if field.shape else field.words
        yield f"- `{field.name}`: {words}"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(reference())
