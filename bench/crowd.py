"""A crowd of households, each like the one that there is: made by the database, not one by one.

Every row of the first household is made again for each other one, with ids and numbers of its own.
"""

from __future__ import annotations

# ruff: noqa: S608 - what texts are made of are names of our own tables
import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy.dialects.postgresql import asyncpg

from runtime.store import Tx, metadata

# What people call the household and its only invoice.
CONTRACT, NUMBER = "4000000000", "INV-00000001"
# In the order in which they refer to each other; entries come before the posting that seals them.
TABLES = (
    *("customer", "account", "service", "search_term", "subscription", "rental", "movement"),
    *("invoice", "invoice_line", "entry", "posting", "allocation", "snapshot", "work"),
)
_OWN_DIGITS = 10
_NAMES = re.compile(rf"([0-9A-HJKMNP-TV-Z]{{26}}|[0-9a-f]{{40}}|{CONTRACT}|{NUMBER})")
_COUNTED = {("invoice", "sequence")}
_POSTGRES = asyncpg.dialect()  # type: ignore[no-untyped-call]


async def multiply(tx: Tx, households: int) -> None:
    """Make the one household many; their settle rows are due when its own is."""
    others = households - 1
    for name in TABLES:
        columns = ", ".join(f'"{column.name}"' for column in metadata.tables[name].columns)
        kept = "WHERE kind = 'settle'" if name == "work" else ""
        for row in await tx.fetch(f'SELECT {columns} FROM "{name}" {kept}'):
            await _Copy(tx, name, others).make(row)
    await tx.driver(f"UPDATE number_series SET last = last + {others:d}")


class _Copy:
    """One row, made again for each number from 1 on."""

    def __init__(self, tx: Tx, table: str, others: int) -> None:
        self.tx = tx
        self.table = metadata.tables[table]
        self.others = others
        self.given: list[Any] = []

    async def make(self, row: Sequence[Any]) -> None:
        columns = list(self.table.columns)
        values = [self._value(column, value) for column, value in zip(columns, row, strict=True)]
        names = ", ".join(f'"{column.name}"' for column in columns)
        text = (
            f'INSERT INTO "{self.table.name}" ({names}) SELECT {", ".join(values)} {self._from()}'
        )
        await self.tx.driver(text, tuple(self.given))

    def _from(self) -> str:
        if self.tx.engine == "postgresql":
            return f"FROM generate_series(1, {self.others:d}) AS n"
        series = f"SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {self.others:d}"
        return f"FROM (WITH RECURSIVE numbers(n) AS ({series}) SELECT n FROM numbers)"

    def _value(self, column: Any, value: Any) -> str:
        if (self.table.name, column.name) in _COUNTED:
            return f"{value:d} + n"
        if not isinstance(value, str) or not _NAMES.search(value):
            return self._as_it_is(column, value)
        return " || ".join(self._piece(piece) for piece in _NAMES.split(value) if piece)

    def _piece(self, piece: str) -> str:
        if piece == CONTRACT:
            return f"'4' || {self._digits('n', len(CONTRACT) - 1)}"
        if piece == NUMBER:
            return f"'INV-' || {self._digits('(n + 1)', len(NUMBER) - len('INV-'))}"
        if _NAMES.fullmatch(piece):
            return f"'{piece[:-_OWN_DIGITS]}' || {self._digits('n', _OWN_DIGITS)}"
        return f"CAST({self._place(piece)} AS text)"

    def _as_it_is(self, column: Any, value: Any) -> str:
        if self.tx.engine == "sqlite":
            return self._place(value)
        if isinstance(value, str):
            return f"CAST({self._place(value)} AS text)"
        return f"CAST({self._place(value)} AS {column.type.compile(_POSTGRES)})"

    def _place(self, value: Any) -> str:
        self.given.append(value)
        return f"{'?' if self.tx.engine == 'sqlite' else '$'}{len(self.given)}"

    def _digits(self, number: str, count: int) -> str:
        if self.tx.engine == "sqlite":
            return f"printf('%0{count}d', {number})"
        return f"lpad({number}::text, {count}, '0')"
