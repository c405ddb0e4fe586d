"""Lists: the newest first, cursors by id, filters by link, by state and by time."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from simulators.payments.gocardless.book import Book, Thing
from simulators.payments.gocardless.errors import validation

LIMIT, LIMIT_MAX = 50, 500
_LINKS = {
    "mandates": {"customer", "creditor"},
    "payments": {"mandate", "creditor"},
    "refunds": {"payment", "mandate"},
    "events": {"payment", "mandate", "refund", "billing_request"},
}
_FIELDS = {
    "mandates": {"status"},
    "payments": {"status", "currency"},
    "refunds": set[str](),
    "events": {"resource_type", "action"},
}
_CURSORS = {"after", "before", "limit"}
_TIMES: Mapping[str, Callable[[datetime, datetime], bool]] = {
    "created_at[gt]": lambda a, b: a > b,
    "created_at[gte]": lambda a, b: a >= b,
    "created_at[lt]": lambda a, b: a < b,
    "created_at[lte]": lambda a, b: a <= b,
}


def page(book: Book, table: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Cut one page out of a list: what is older than `after`, or newer than `before`."""
    unknown = query.keys() - _CURSORS - _LINKS[table] - _FIELDS[table] - _TIMES.keys()
    if unknown:
        raise validation(min(unknown), "is not a filter of this list")
    every = list(book.tables[table].values())[::-1]
    limit = _limit(query.get("limit"))
    chosen = [one for one in every if _fits(one, table, query)]
    older, newer = query.get("after"), query.get("before")
    if older is not None:
        rest = chosen[_place(book, table, chosen, older, "after") + 1 :]
        some = rest[:limit]
    elif newer is not None:
        rest = chosen[: _place(book, table, chosen, newer, "before")]
        some = rest[-limit:]
    else:
        some = chosen[:limit]
    cursors: dict[str, str | None] = {"before": None, "after": None}
    if some:
        first, last = chosen.index(some[0]), chosen.index(some[-1])
        cursors["before"] = some[0]["id"] if first > 0 else None
        cursors["after"] = some[-1]["id"] if last + 1 < len(chosen) else None
    return {table: some, "meta": {"cursors": cursors, "limit": limit}}


def _fits(one: Thing, table: str, query: Mapping[str, str]) -> bool:
    links = {name for name in query if name in _LINKS[table]}
    fields = {name for name in query if name in _FIELDS[table]}
    at = datetime.fromisoformat(one["created_at"])
    return (
        all(one["links"].get(name) == query[name] for name in links)
        and all(one.get(name) in query[name].split(",") for name in fields)
        and all(
            _TIMES[name](at, _time(text, name)) for name, text in query.items() if name in _TIMES
        )
    )


def _time(text: str, name: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise validation(name, "is not a time") from None
    if found.tzinfo is None:
        raise validation(name, "has no zone")
    return found


def _limit(given: str | None) -> int:
    if given is None:
        return LIMIT
    if not given.isdigit() or not 1 <= int(given) <= LIMIT_MAX:
        raise validation("limit", "must be 1 to 500")
    return int(given)


def _place(book: Book, table: str, chosen: list[Thing], number: str, name: str) -> int:
    if number not in book.tables[table]:
        raise validation(name, "is not a cursor of this list", "invalid_cursor")
    return next((at for at, one in enumerate(chosen) if one["id"] == number), len(chosen))
