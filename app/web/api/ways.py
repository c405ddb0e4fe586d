"""The three ways a route of the API may go: look, change, ask another system."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.web.api.shapes import PREFIX, OfContract, OfId, OfName, OfNumber, OfRental, OfSerial
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
}


class Nothing(Body):
    """No content is needed."""


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


def change(
    path: str,
    deed: Deed,
    answer: Any,
    *,
    body: type[Body] = Nothing,
    status: int = 200,
    problems: Iterable[int] = (),
) -> Route:
    """Declare a route that changes something, all of it in one transaction or nothing."""
    return Route(
        method="POST",
        path=f"{PREFIX}/{path}",
        policy=Policy.TOKEN,
        deed=deed,
        answer=answer,
        status=status,
        parts=_parts(path),
        query=Query,
        body=body,
        problems=frozenset(problems),
    )


def ask(
    path: str,
    handler: Handler,
    answer: Any,
    *,
    body: type[Body] = Nothing,
    status: int = 200,
    problems: Iterable[int] = OF_OTHERS,
) -> Route:
    """Declare a route that asks another system: no transaction is open meanwhile."""
    return Route(
        method="POST",
        path=f"{PREFIX}/{path}",
        policy=Policy.TOKEN,
        handler=handler,
        answer=answer,
        status=status,
        parts=_parts(path),
        query=Query,
        body=body,
        problems=frozenset(problems),
    )


def _parts(path: str) -> type[Parts] | None:
    """Find the shape of the part a path names; there is one at most."""
    named = path.partition("{")[2].partition("}")[0]
    return _PARTS[named] if named else None
