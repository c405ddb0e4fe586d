"""The three ways a route of the API may go: look, change, ask another system."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypedDict, Unpack

from app.web.api.shapes import PREFIX, OfContract, OfDay, OfId, OfName, OfNumber, OfRental, OfSerial
from app.web.route import Body, Deed, Handler, Parts, Policy, Query, Route

NOT_FOUND = 404
# What a system beside us may come to: refused, asked to wait, no answer.
OF_OTHERS = (502, 503, 504)
_PARTS: Mapping[str, type[Parts]] = {
    "contract": OfContract,
    "serial": OfSerial,
    "id": OfId,
    "name": OfName,
    "number": OfNumber,
    "rental": OfRental,
    "day": OfDay,
}


class Nothing(Body):
    """No content is needed."""


class _Content(TypedDict, total=False):
    """What a route takes that is sent something, and what else may come of it."""

    body: type[Body]
    status: int
    problems: Iterable[int]
    kept: Callable[[Any], Any]


def look(
    path: str,
    handler: Handler,
    answer: Any,
    *,
    query: type[Query] = Query,
    problems: Iterable[int] = (),
) -> Route:
    """Declare a route that changes nothing."""
    return Route(
        method="GET",
        path=f"{PREFIX}/{path}",
        policy=Policy.TOKEN,
        handler=handler,
        answer=answer,
        parts=_parts(path),
        query=query,
        problems=frozenset(problems),
    )


def change(path: str, deed: Deed, answer: Any, **more: Unpack[_Content]) -> Route:
    """Declare a route that changes something, all of it in one transaction or nothing."""
    return _post(path, answer, more, deed=deed)


def ask(path: str, handler: Handler, answer: Any, **more: Unpack[_Content]) -> Route:
    """Declare a route that asks another system: no transaction is open meanwhile."""
    more.setdefault("problems", OF_OTHERS)
    return _post(path, answer, more, handler=handler)


def _post(
    path: str,
    answer: Any,
    content: _Content,
    *,
    deed: Deed | None = None,
    handler: Handler | None = None,
) -> Route:
    return Route(
        method="POST",
        path=f"{PREFIX}/{path}",
        policy=Policy.TOKEN,
        deed=deed,
        handler=handler,
        answer=answer,
        status=content.get("status", 200),
        parts=_parts(path),
        query=Query,
        body=content.get("body", Nothing),
        problems=frozenset(content.get("problems", ())),
        kept=content.get("kept"),
    )


def _parts(path: str) -> type[Parts] | None:
    """Find the shape of the part a path names; there is one at most."""
    named = path.partition("{")[2].partition("}")[0]
    return _PARTS[named] if named else None
