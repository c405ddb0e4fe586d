"""Statements that the product has made, written down at its lease, and made again by a bare driver.

What was written down for one household is made for another, with ids and receipts of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiosqlite

ID_CHARS = 26


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement as the driver gets it; `copied` names the columns of rows that are copied."""

    sql: str
    values: Any
    is_many: bool = False
    copied: tuple[str, ...] = ()


@dataclass(slots=True)
class Story:
    """The transactions of one request, the statements of each."""

    transactions: list[list[Statement]] = field(default_factory=list)
    is_inside: bool = False


@contextmanager
def written_down(kind: type[Any]) -> Iterator[Story]:
    """Write down what is done on leases of an engine while the block lasts: one request at most."""
    story = Story()
    kept = {name: getattr(kind, name) for name in _WATCHED}
    for name, watch in _WATCHED.items():
        setattr(kind, name, _watched(watch, kept[name], story))
    try:
        yield story
    finally:
        for name, method in kept.items():
            setattr(kind, name, method)


def _watched(watch: Callable[..., list[Statement] | None], method: Any, story: Story) -> Any:
    async def watched(self: Any, *given: Any) -> Any:
        if story.is_inside:  # one way of the lease goes through another one
            return await method(self, *given)
        statements = watch(self, *given)
        if statements is None:
            story.transactions.append([])
        else:
            story.transactions[-1].extend(statements)
        story.is_inside = bool(statements)
        try:
            return await method(self, *given)
        finally:
            story.is_inside = False

    return watched


def _begun(_lease: Any) -> None:
    return None


def _core(lease: Any, statement: Any, values: Any, _take: Any) -> list[Statement]:
    compiled = statement.compile(dialect=lease.dialect, compile_kwargs={"render_postcompile": True})
    given = compiled.construct_params(values if isinstance(values, Mapping) else None)
    processors = compiled._bind_processors  # noqa: SLF001 - what the library itself binds by
    bound = tuple(
        processors[name](given[name]) if name in processors else given[name]
        for name in compiled.positiontup or ()
    )
    return [Statement(sql=str(compiled), values=bound)]


def _plain(_lease: Any, sql: str, values: Any) -> list[Statement]:
    return [Statement(sql=sql, values=values)]


def _many(_lease: Any, sql: str, rows: Any) -> list[Statement]:
    return [Statement(sql=sql, values=rows, is_many=True)]


def _rows(
    lease: Any, table: Any, names: tuple[str, ...], rows: Any, conflict: str = ""
) -> list[Statement]:
    if lease.engine == "sqlite":
        columns = ", ".join(f'"{name}"' for name in names)
        places = ", ".join("?" for _ in names)
        sql = f'INSERT INTO "{table.name}" ({columns}) VALUES ({places}){conflict}'  # noqa: S608
        return [Statement(sql=sql, values=rows, is_many=True)]
    # With a conflict it is one statement, which goes another way of the lease.
    return [] if conflict else [Statement(sql=table.name, values=rows, copied=names)]


def _each(_lease: Any, asked: Sequence[tuple[str, Any]]) -> list[Statement]:
    return [Statement(sql=sql, values=values) for sql, values in asked]


_WATCHED: Mapping[str, Callable[..., list[Statement] | None]] = {
    "_begin": _begun,
    "execute": _core,
    "fetch": _plain,
    "fetch_all": _each,
    "write": _plain,
    "put": _plain,
    "write_many": _many,
    "insert_many": _rows,
    "put_many": _rows,
}


def ids_of(value: Any) -> set[str]:
    """Find every id among values."""
    if isinstance(value, str):
        return {value} if len(value) == ID_CHARS and value.isalnum() else set()
    if isinstance(value, list | tuple):
        return {found for one in value for found in ids_of(one)}
    return set()


def changed(value: Any, names: Mapping[str, str]) -> Any:
    """Put other names into values, wherever they stand."""
    if isinstance(value, str):
        for before, after in names.items():
            if before in value:
                value = value.replace(before, after)
        return value
    if isinstance(value, list):
        return [changed(one, names) for one in value]
    if isinstance(value, tuple):
        return tuple(changed(one, names) for one in value)
    return value


class Bare(Protocol):
    """A connection of a bare driver that makes a story again."""

    async def tell(
        self, transactions: Sequence[Sequence[Statement]], names: Mapping[str, str]
    ) -> list[Any]:
        """Make it; returns all rows that were read."""


class BareSqlite:
    """By aiosqlite, one connection."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self.connection = connection

    async def tell(
        self, transactions: Sequence[Sequence[Statement]], names: Mapping[str, str]
    ) -> list[Any]:
        """Make a story again."""
        found: list[Any] = []
        for statements in transactions:
            await self.connection.execute("BEGIN")
            for one in _of_story(statements):
                found += await self._made(one, changed(one.values, names))
            await self.connection.execute("COMMIT")
        return found

    async def _made(self, one: Statement, values: Any) -> list[Any]:
        if one.is_many:
            await self.connection.executemany(one.sql, values)
            return []
        return [tuple(row) for row in await self.connection.execute_fetchall(one.sql, values)]


class BarePostgres:
    """By asyncpg, one connection."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def tell(
        self, transactions: Sequence[Sequence[Statement]], names: Mapping[str, str]
    ) -> list[Any]:
        """Make a story again."""
        found: list[Any] = []
        for statements in transactions:
            async with self.connection.transaction():
                for one in _of_story(statements):
                    found += await self._made(one, changed(one.values, names))
        return found

    async def _made(self, one: Statement, values: Any) -> list[Any]:
        if one.copied:
            copy = self.connection.copy_records_to_table
            await copy(one.sql, records=values, columns=one.copied)
            return []
        if one.is_many:
            await self.connection.executemany(one.sql, values)
            return []
        return [tuple(row) for row in await self.connection.fetch(one.sql, *values)]


def _of_story(statements: Sequence[Statement]) -> Iterator[Statement]:
    """Leave out what opens and ends a transaction: the driver has its own way."""
    for one in statements:
        if not one.sql.startswith(("BEGIN", "COMMIT")):
            yield one
