"""Statements that are compiled once per engine and then run past the compiler.

For the paths where every millisecond counts: one trip to the driver each, plain rows back. Built
from the same Core expressions as everything else, so that names and types stay checked.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CompoundSelect, Delete, Dialect, Select, Update
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import asyncpg

from runtime.store.lease import Asked, Engine
from runtime.store.unit import Tx

Query = Select[Any] | CompoundSelect[Any]
Processor = Callable[[Any], Any]
_DIALECTS: Mapping[Engine, Dialect] = {
    "sqlite": sqlite.dialect(paramstyle="qmark"),
    "postgresql": asyncpg.dialect(),  # type: ignore[no-untyped-call]
}


@dataclass(frozen=True, slots=True)
class _Compiled:
    """Text and the names of its parameters in order, with the values that never change."""

    sql: str
    places: Sequence[str]
    fixed: Mapping[str, Any]
    binders: Mapping[str, Processor]

    def values(self, given: Mapping[str, Any]) -> tuple[Any, ...]:
        """Put the parameters in their places."""
        merged = {**self.fixed, **given}
        return tuple(
            self.binders[name](merged[name]) if name in self.binders else merged[name]
            for name in self.places
        )


class PreparedQuery:
    """A SELECT. Rows have their columns as attributes."""

    def __init__(self, build: Callable[[Engine], Query]) -> None:
        self._build = build
        self._compiled: dict[Engine, tuple[_Compiled, Any, list[tuple[int, Processor]]]] = {}

    async def rows(self, tx: Tx, given: Mapping[str, Any]) -> list[Any]:
        """Return all rows."""
        return self.read(tx.engine, await tx.fetch(*self.asked(tx.engine, given)))

    def asked(self, engine: Engine, given: Mapping[str, Any]) -> Asked:
        """Give its text with the parameters in their places."""
        compiled = self._known(engine)[0]
        return compiled.sql, compiled.values(given)

    def read(self, engine: Engine, found: Sequence[Sequence[Any]]) -> list[Any]:
        """Read the rows that the driver has found."""
        _, row, processors = self._known(engine)
        if not processors:
            return list(map(row._make, found))
        return list(map(row._make, _processed(found, processors)))

    def _known(self, engine: Engine) -> tuple[_Compiled, Any, list[tuple[int, Processor]]]:
        return self._compiled.get(engine) or self._compile(engine)

    def _compile(self, engine: Engine) -> tuple[_Compiled, Any, list[tuple[int, Processor]]]:
        query, dialect = self._build(engine), _DIALECTS[engine]
        columns = list(query.selected_columns)
        row: Any = namedtuple("Row", [str(column.key) for column in columns])  # type: ignore[misc]  # noqa: PYI024 - its fields are known only here
        processors: list[tuple[int, Processor]] = [
            (place, processor)
            for place, column in enumerate(columns)
            if (processor := column.type.dialect_impl(dialect).result_processor(dialect, None))
        ]
        self._compiled[engine] = (_compile(query, dialect), row, processors)
        return self._compiled[engine]


async def rows_of(tx: Tx, *asked: tuple[PreparedQuery, Mapping[str, Any]]) -> list[list[Any]]:
    """Return the rows of several queries, none of which needs another's; one trip on SQLite."""
    found = await tx.fetch_all([query.asked(tx.engine, given) for query, given in asked])
    return [query.read(tx.engine, rows) for (query, _), rows in zip(asked, found, strict=True)]


class PreparedCommand:
    """An UPDATE or DELETE."""

    def __init__(self, build: Callable[[Engine], Update | Delete]) -> None:
        self._build = build
        self._compiled: dict[Engine, _Compiled] = {}

    async def run(self, tx: Tx, given: Mapping[str, Any]) -> None:
        """Run it, as `Tx.put` does."""
        if tx.engine not in self._compiled:
            self._compiled[tx.engine] = _compile(self._build(tx.engine), _DIALECTS[tx.engine])
        compiled = self._compiled[tx.engine]
        await tx.put(compiled.sql, compiled.values(given))


def _compile(statement: Query | Update | Delete, dialect: Dialect) -> _Compiled:
    compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    processors = {
        name: bind.type.dialect_impl(dialect).bind_processor(dialect)
        for name, bind in compiled.binds.items()
    }
    return _Compiled(
        sql=str(compiled),
        places=list(compiled.positiontup or ()),
        fixed=dict(compiled.params),
        binders={name: processor for name, processor in processors.items() if processor},
    )


def _processed(
    rows: Sequence[Sequence[Any]], processors: list[tuple[int, Processor]]
) -> Iterator[Sequence[Any]]:
    columns = list(zip(*rows, strict=True))
    for place, processor in processors if columns else ():
        columns[place] = tuple(map(processor, columns[place]))
    return zip(*columns, strict=True)
