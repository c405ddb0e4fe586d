"""Rows on their way to the driver: bound values and the text of bulk statements."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import count
from operator import itemgetter
from typing import Any

from sqlalchemy import Date, Dialect, String, Table
from sqlalchemy.types import TypeEngine

from runtime.store.lease import Record, Values
from runtime.store.schema import Duration, Instant

Binder = Callable[[Any], Any]
# A table, the columns that are given, and what is done where a key exists.
Place = tuple[Table, tuple[str, ...], str]
_FEW = (Date, Instant, Duration)


def bound(
    table: Table, rows: Iterable[Record], dialect: Dialect
) -> tuple[tuple[str, ...], list[Values]]:
    """Return the columns that are given, and the rows as the driver wants them."""
    listed = rows if isinstance(rows, list) else list(rows)
    if not listed:
        return (), []
    names = tuple(listed[0])
    pick: Callable[[Record], Values] = (
        itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)
    )
    return names, bound_values(table, names, list(map(pick, listed)), dialect)


def bound_values(
    table: Table, names: tuple[str, ...], rows: list[Values], dialect: Dialect
) -> list[Values]:
    """Return rows as the driver wants them."""
    binders = _binders(table, names, dialect)
    if not any(binders):
        return rows
    columns = list(zip(*rows, strict=True))
    for at, bind in enumerate(binders):
        if bind is not None:
            columns[at] = tuple(map(bind, columns[at]))
    return list(zip(*columns, strict=True))


def newest_by_key(
    names: tuple[str, ...], rows: list[Values], key: tuple[str, ...], rising: str
) -> list[Values]:
    """Return one row per key, in the order of the keys: the last given, or the highest in `rising`.

    One statement cannot write a row twice, and two that write alike must lock in one order.
    """
    places = [names.index(name) for name in key]
    if rising:
        rank = names.index(rising)
        rows = sorted(rows, key=lambda row: row[rank])
    kept = {tuple(row[place] for place in places): row for row in rows}
    return [kept[each] for each in sorted(kept)]


@lru_cache(maxsize=512)
def values_sql(table: Table, names: tuple[str, ...], rows: int) -> str:
    """Return an INSERT of so many rows of ?, for SQLite."""
    marks = f"({', '.join('?' * len(names))})"
    return f"{_insert_into(table, names)} VALUES {', '.join([marks] * rows)}"


@lru_cache(maxsize=512)
def arrays_sql(places: tuple[Place, ...], dialect: Dialect) -> str:
    """Return an INSERT into each of several tables as one statement, for PostgreSQL.

    The columns are arrays $1.., table after table.
    """
    texts: list[str] = []
    given = count(1)
    for table, names, conflict in places:
        arrays = ", ".join(f"${next(given)}::{_array_of(table, name, dialect)}[]" for name in names)
        into = _insert_into(table, names)
        texts.append(f"{into} SELECT * FROM unnest({arrays}){conflict}")  # noqa: S608 - names of our own tables
    *before, last = texts
    named = ", ".join(f"i{n} AS ({text})" for n, text in enumerate(before))
    return f"WITH {named} {last}" if named else last


@lru_cache(maxsize=512)
def conflict_sql(table: str, names: tuple[str, ...], key: tuple[str, ...], rising: str) -> str:
    """Return what an INSERT does where the key exists: overwrite these columns, or nothing."""
    target = ", ".join(f'"{name}"' for name in key)
    rest = [name for name in names if name not in key]
    if not rest:
        return f" ON CONFLICT ({target}) DO NOTHING"
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in rest)
    fence = f' WHERE excluded."{rising}" > "{table}"."{rising}"' if rising else ""
    return f" ON CONFLICT ({target}) DO UPDATE SET {changes}{fence}"


@lru_cache(maxsize=512)
def _binders(table: Table, names: tuple[str, ...], dialect: Dialect) -> list[Binder | None]:
    return [_binder(table.c[name].type, dialect) for name in names]


def _binder(kind: TypeEngine[Any], dialect: Dialect) -> Binder | None:
    """Many rows have few days and instants: what was bound once is known."""
    bind = kind.dialect_impl(dialect).bind_processor(dialect)
    return lru_cache(maxsize=4_096)(bind) if bind and isinstance(kind, _FEW) else bind


def _insert_into(table: Table, names: tuple[str, ...]) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    return f'INSERT INTO "{table.name}" ({columns})'


def _array_of(table: Table, name: str, dialect: Dialect) -> str:
    kind = table.c[name].type
    # A cast to VARCHAR(n) would cut what is too long; the column itself refuses it.
    return "text" if isinstance(kind, String) else kind.compile(dialect)
