"""The API described as OpenAPI 3.1, from the declared routes: `python -m app.web.openapi`.

There is no second description: shapes come from the models that read and the types that answer,
words from docstrings, statuses from how a route is declared.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, TypeAdapter

from app.answers import KEY_CHARS_MAX
from app.web.api.routes import API
from app.web.api.shapes import PREFIX
from app.web.asking import HEADER, REPLAYED
from app.web.headers import REQUEST_ID_HEADER
from app.web.problem import MEDIA_TYPE, STATUS, ProblemDocument
from app.web.route import SAFE_METHODS, Route

JSON = "application/json"
SHAPES = "#/components/schemas/"
ABOUT = """\
Everything an operator's own systems can do. Every call carries `Authorization: Bearer TOKEN`. \
Questions and answers are JSON; nothing is guessed: an unknown field, a value of another type, a \
name said twice is refused by name. Money is sent as text in the account's currency and answered \
in minor units. Lists come in pages: `next` of an answer is `after` of the next question. A change \
with an `Idempotency-Key` is done once, however often it is sent; its answer is kept for 24 hours.\
"""
# What the way in answers by itself, whatever the route does.
_WAY_IN: Mapping[int, str] = {
    400: "the request cannot be read as what is declared; the field is named",
    401: "no token, or none of ours",
    403: "the token may look, not change",
    408: "the body did not arrive in time",
    409: "a request with this Idempotency-Key is being worked on",
    413: "the body is too large",
    415: "the body is not JSON, or it is compressed",
    422: "this Idempotency-Key was sent with another request",
    429: "more calls than one token may make",
    500: "something broke on our side",
    503: "the database does not answer just now",
}
_WAITING = frozenset({409, 429, 503})
_ALWAYS = frozenset({400, 401, 429, 500, 503})
_OF_CHANGES = frozenset({403, 408, 409, 413, 415, 422})

Document = dict[str, Any]


def document(routes: Iterable[Route]) -> Document:
    """Describe routes of the API."""
    known = list(routes)
    shapes, components = _shapes(known)
    paths: dict[str, Document] = {}
    for route in known:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, shapes)
    statuses = sorted({status for route in known for status in statuses_of(route)} - _done(known))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Boxoffice", "version": "1", "description": ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "tags": [{"name": noun} for noun in dict.fromkeys(noun_of(route) for route in known)],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "responses": {str(status): _problem(status) for status in statuses},
            "parameters": {HEADER: _once()},
            "headers": {
                REQUEST_ID_HEADER: _header("Finds the request in the log."),
                REPLAYED: _header("`true` where the answer was given before."),
                "Retry-After": _header("How many seconds to wait.", "integer"),
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def statuses_of(route: Route) -> frozenset[int]:
    """Name every status a route may answer with."""
    found = {route.status, *_ALWAYS, *route.problems}
    if route.method not in SAFE_METHODS:
        found |= _OF_CHANGES
    if route.parts is not None:
        found.add(HTTPStatus.NOT_FOUND)
    return frozenset(found)


def noun_of(route: Route) -> str:
    """Name what a route is about: the first word of its path."""
    return route.path.removeprefix(f"{PREFIX}/").partition("/")[0]


def words(thing: object) -> str:
    """Give the docstring of something in one line."""
    return " ".join((thing.__doc__ or "").split())


def _operation(route: Route, shapes: Mapping[object, Document]) -> Document:
    told = words(route.told)
    summary = told.partition(". ")[0]
    found: Document = {
        "operationId": f"{noun_of(route)}.{route.told.__name__}",
        "tags": [noun_of(route)],
        "summary": summary.rstrip("."),
        "description": told,
        "parameters": list(_parameters(route)),
    }
    if route.body is not None:
        found["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": shapes["body", route.path, route.method]}},
        }
    done = _answer(route, shapes["answer", route.path, route.method])
    problems = {
        str(status): {"$ref": f"#/components/responses/{status}"}
        for status in sorted(statuses_of(route) - {route.status})
    }
    return found | {"responses": {str(route.status): done} | problems}


def _parameters(route: Route) -> Iterator[Document]:
    yield from _of_model("path", route.parts)
    yield from _of_model("query", route.query)
    if route.method not in SAFE_METHODS:
        yield {"$ref": f"#/components/parameters/{HEADER}"}


def _of_model(place: str, model: type[BaseModel] | None) -> Iterator[Document]:
    if model is None:
        return
    schema = _plain(model.model_json_schema())
    for name, field in schema.get("properties", {}).items():
        is_needed = place == "path" or name in schema.get("required", ())
        yield {"name": name, "in": place, "required": is_needed, "schema": _given(field)}


def _given(field: Document) -> Document:
    """Describe a value of a path or query: nothing there is null, it is left out instead."""
    kinds = [one for one in field.get("anyOf", ()) if one.get("type") != "null"]
    return kinds[0] if len(kinds) == 1 else field


def _answer(route: Route, schema: Document) -> Document:
    names = [REQUEST_ID_HEADER] + ([] if route.method in SAFE_METHODS else [REPLAYED])
    return {
        "description": HTTPStatus(route.status).phrase,
        "headers": {name: _named(name) for name in names},
        "content": {JSON: {"schema": schema}},
    }


def _problem(status: int) -> Document:
    titles = [_WAY_IN[status]] if status in _WAY_IN else []
    titles += [title for _, known, title in STATUS if known == status]
    names = [REQUEST_ID_HEADER] + (["Retry-After"] if status in _WAITING else [])
    return {
        "description": "; ".join(dict.fromkeys(titles)),
        "headers": {name: _named(name) for name in names},
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"{SHAPES}Problem"}}},
    }


def _once() -> Document:
    return {
        "name": HEADER,
        "in": "header",
        "required": False,
        "description": "The same key with the same request is answered alike and done once.",
        "schema": {"type": "string", "pattern": f"^[!-~]{{1,{KEY_CHARS_MAX}}}$"},
    }


def _header(told: str, kind: str = "string") -> Document:
    return {"description": told, "schema": {"type": kind}}


def _named(header: str) -> Document:
    return {"$ref": f"#/components/headers/{header}"}


def _done(routes: Iterable[Route]) -> set[int]:
    return {route.status for route in routes}


def _shapes(routes: Sequence[Route]) -> tuple[dict[object, Document], dict[str, Document]]:
    """Describe what routes take and answer; each shape once, by the name of its class."""
    asked: list[tuple[Any, Any, TypeAdapter[Any]]] = [
        ("Problem", "serialization", TypeAdapter(ProblemDocument))
    ]
    for route in routes:
        key = (route.path, route.method)
        asked.append((("answer", *key), "serialization", TypeAdapter(route.answer)))
        if route.body is not None:
            asked.append((("body", *key), "validation", TypeAdapter(route.body)))
    told, found = TypeAdapter.json_schemas(asked, ref_template=f"{SHAPES}{{model}}")
    names = {name: _short(name) for name in found["$defs"]}
    components = {names[name]: _renamed(_plain(one), names) for name, one in found["$defs"].items()}
    return {key: _renamed(one, names) for (key, _), one in told.items()}, components


def _short(name: str) -> str:
    """Shorten a name the library made: a page of lines, a problem."""
    inner = name.removeprefix("Page_").removesuffix("_")
    return f"{inner}Page" if inner != name else name.removesuffix("Document") or name


def _renamed(schema: Any, names: Mapping[str, str]) -> Any:
    if isinstance(schema, list):
        return [_renamed(one, names) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: SHAPES + names[value.removeprefix(SHAPES)] if key == "$ref" else _renamed(value, names)
        for key, value in schema.items()
    }


def _plain(schema: Any) -> Any:
    """Leave out the titles that only repeat the names."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _plain(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }


@cache
def text() -> str:
    """Write the whole document."""
    return json.dumps(document(API), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
