"""/api/openapi.json and /api/docs: the same description, for programs and for browsers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from aiohttp import web
from pydantic import TypeAdapter

from app.web.api.shapes import PREFIX
from app.web.openapi import JSON, Document, text
from app.web.page.phone import Phone
from app.web.route import Call, Policy, Query, Route
from app.web.wording import Field, fields, shape_of, told

DOCUMENT_PATH, DOCS_PATH = "/api/openapi.json", "/api/docs"
_DOCUMENT: TypeAdapter[Document] = TypeAdapter(Document)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A status and when it is answered."""

    status: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One route as the page shows it."""

    id: str
    method: str
    path: str
    words: str
    parts: tuple[Field, ...]
    query: tuple[Field, ...]
    body: str
    answers: str
    answer: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun:
    """What several routes are about."""

    name: str
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What is asked or answered."""

    name: str
    words: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Docs:
    """The whole page."""

    words: str
    nouns: tuple[Noun, ...]
    statuses: tuple[Status, ...]
    shapes: tuple[Shape, ...]


@cache
def docs() -> Docs:
    """Gather the page from the document."""
    known = _DOCUMENT.validate_json(text())
    shapes = known["components"]["schemas"]
    ways: dict[str, list[Way]] = {}
    for path, by_method in known["paths"].items():
        for method, way in by_method.items():
            ways.setdefault(way["tags"][0], []).append(_way(path, method, way, shapes))
    return Docs(
        words=known["info"]["description"],
        nouns=tuple(Noun(name=name, ways=tuple(found)) for name, found in ways.items()),
        statuses=tuple(
            Status(status=status, words=one["description"])
            for status, one in known["components"]["responses"].items()
        ),
        shapes=tuple(
            Shape(
                name=name,
                words=one.get("description", ""),
                fields=tuple(fields(one, shapes)),
            )
            for name, one in shapes.items()
            if "properties" in one
        ),
    )


def _way(path: str, method: str, way: Document, shapes: Document) -> Way:
    done, *problems = way["responses"].items()
    asked = way["requestBody"]["content"][JSON]["schema"] if "requestBody" in way else {}
    return Way(
        id=way["operationId"],
        method=method.upper(),
        path=path.removeprefix(PREFIX),
        words=way["description"],
        parts=tuple(_given("path", way, shapes)),
        query=tuple(_given("query", way, shapes)),
        body=shape_of(asked),
        answers=done[0],
        answer=shape_of(done[1]["content"][JSON]["schema"]),
        problems=tuple(status for status, _ in problems),
    )


def _given(place: str, way: Document, shapes: Mapping[str, Document]) -> Iterator[Field]:
    for one in way["parameters"]:
        if one.get("in") == place:
            yield told(one["name"], one["schema"], shapes, is_needed=one["required"])


class Describing:
    """The two routes; neither says anything about the business."""

    def __init__(self, phone: Phone) -> None:
        self._phone = phone

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        return (
            Route(
                method="GET",
                path=DOCUMENT_PATH,
                policy=Policy.OPEN,
                handler=self._document,
                query=Query,
            ),
            Route(
                method="GET", path=DOCS_PATH, policy=Policy.OPEN, handler=self._docs, query=Query
            ),
        )

    async def _document(self, _call: Call) -> web.Response:
        """Describe the API for programs."""
        return web.Response(text=text(), content_type=JSON, charset="utf-8")

    async def _docs(self, _call: Call) -> web.Response:
        """Describe the API for people."""
        return self._phone.plain("api_docs", docs=docs(), prefix=PREFIX, document=DOCUMENT_PATH)
