"""Lists and searches: newest first, cursors by id, limits as at the provider."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from simulators.payments.stripe.book import Thing
from simulators.payments.stripe.errors import invalid
from simulators.payments.stripe.params import Params, text

LIMIT = 10
LIMIT_MAX = 100
CURSORS = ("limit", "starting_after", "ending_before")

_CLAUSE = re.compile(
    r"""(?P<field>[a-z_.]+)(?:\[["'](?P<key>[^"']+)["']\])?\s*:\s*["'](?P<value>[^"']*)["']"""
)


def page(things: Iterable[Thing], params: Params, url: str) -> Thing:
    """Cut one page out of a list given oldest first."""
    newest_first = list(things)[::-1]
    limit = _limit(params)
    after, before = text(params, "starting_after"), text(params, "ending_before")
    if after is not None:
        newest_first = newest_first[_place(newest_first, after, "starting_after") + 1 :]
        chosen = newest_first[:limit]
    elif before is not None:
        newest_first = newest_first[: _place(newest_first, before, "ending_before")]
        chosen = newest_first[-limit:]
    else:
        chosen = newest_first[:limit]
    has_more = len(newest_first) > len(chosen)
    return {"object": "list", "url": url, "has_more": has_more, "data": chosen}


def search(things: Iterable[Thing], params: Params, url: str) -> Thing:
    """Answer a query such as metadata['order']:'7' AND status:'succeeded'."""
    query = text(params, "query") or ""
    fits = _query(query)
    newest_first = [thing for thing in list(things)[::-1] if fits(thing)]
    limit = _limit(params)
    return {
        "object": "search_result",
        "url": url,
        "has_more": len(newest_first) > limit,
        "data": newest_first[:limit],
        "next_page": None,
    }


def created_within(params: Params) -> Callable[[Thing], bool]:
    """Read the `created` filter: a number, or gt, gte, lt, lte."""
    wish = params.get("created")
    if wish is None:
        return lambda _: True
    bounds: Mapping[str, str] = wish if isinstance(wish, dict) else {"gte": wish, "lte": wish}
    tests: dict[str, Callable[[int, int], bool]] = {
        "gt": lambda a, b: a > b,
        "gte": lambda a, b: a >= b,
        "lt": lambda a, b: a < b,
        "lte": lambda a, b: a <= b,
    }
    for name, value in bounds.items():
        if name not in tests or not value.isdigit():
            raise invalid(f"Invalid created: {name}={value}", param="created")
    return lambda thing: all(tests[n](thing["created"], int(v)) for n, v in bounds.items())


def _limit(params: Params) -> int:
    given = text(params, "limit") or str(LIMIT)
    if not given.isdigit() or not 1 <= int(given) <= LIMIT_MAX:
        raise invalid(f"Invalid limit: {given}", param="limit")
    return int(given)


def _place(things: list[Thing], number: str, param: str) -> int:
    for at, thing in enumerate(things):
        if thing["id"] == number:
            return at
    raise invalid(f"No such object: '{number}'", param=param, code="resource_missing")


def _query(query: str) -> Callable[[Thing], bool]:
    clauses = [part.strip() for part in re.split(r"\s+AND\s+", query)]
    found = [_CLAUSE.fullmatch(clause) for clause in clauses]
    if not query or None in found:
        raise invalid(f"We were unable to parse your search query: {query}", param="query")
    wanted = [(m["field"], m["key"], m["value"]) for m in found if m is not None]
    return lambda thing: all(_value(thing, field, key) == value for field, key, value in wanted)


def _value(thing: Thing, field: str, key: str | None) -> Any:
    value = thing.get(field)
    if key is not None:
        value = value.get(key) if isinstance(value, dict) else None
    return value if value is None else str(value)
