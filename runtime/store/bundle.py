"""Several queries asked as one: for what most keys have nothing of.

Each row comes as a JSON array with the name of its query, so that the queries need no columns in
common; rows of one query keep their order.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Text,
    cast,
    func,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.dialects import sqlite

from runtime.store.lease import Asked, Engine
from runtime.store.prepared import PreparedQuery, Processor, Query
from runtime.store.unit import Tx

# What JSON holds of a value is what SQLite does: a day is text, an instant a number.
_STORED = sqlite.dialect()


class Bundle:
    """SELECTs by their names; all are asked with the same parameters."""

    def __init__(self, **queries: Callable[[Engine], Query]) -> None:
        self._queries = queries
        self._asked = PreparedQuery(self._build)
        self._readers: dict[str, Callable[[list[Any]], Any]] = {}

    def asked(self, engine: Engine, given: Mapping[str, Any]) -> Asked:
        """Give its text with the parameters in their places."""
        return self._asked.asked(engine, given)

    def read(self, engine: Engine, found: Any) -> dict[str, list[Any]]:
        """Read the rows that the driver has found, of each query."""
        rows: dict[str, list[Any]] = {name: [] for name in self._queries}
        for name, row in found:
            read = self._readers.get(name) or self._reader(name, engine)
            rows[name].append(read(orjson.loads(row)))
        return rows

    async def rows(self, tx: Tx, given: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Return all rows of each query; they have their columns as attributes."""
        return self.read(tx.engine, await tx.fetch(*self.asked(tx.engine, given)))

    def _build(self, engine: Engine) -> CompoundSelect[Any]:
        parts = {name: query(engine).subquery(name) for name, query in self._queries.items()}
        return union_all(
            *(
                select(
                    literal_column(f"'{name}'").label("part"),
                    _array(engine, list(part.c)).label("row"),
                )
                for name, part in parts.items()
            )
        )

    def _reader(self, name: str, engine: Engine) -> Callable[[list[Any]], Any]:
        columns = list(self._queries[name](engine).selected_columns)
        row: Any = namedtuple("Row", [str(column.key) for column in columns])  # type: ignore[misc]  # noqa: PYI024 - its fields are known only here
        processors: list[tuple[int, Processor]] = [
            (place, processor)
            for place, column in enumerate(columns)
            if (processor := column.type.dialect_impl(_STORED).result_processor(_STORED, None))
        ]

        def read(values: list[Any]) -> Any:
            for place, process in processors:
                values[place] = process(values[place])
            return row._make(values)

        self._readers[name] = read
        return read


def _array(engine: Engine, columns: list[ColumnElement[Any]]) -> ColumnElement[str]:
    if engine == "sqlite":
        return func.json_array(*columns)
    return cast(func.json_build_array(*columns), Text)
