"""A crowd of households, each like the one that there is: made by the database, not one by one.

Every row of the first household is made again for each other one, with ids and numbers of its own.
"""

from __future__ import annotations

# ruff: noqa: S608 - what texts are made of are names of our own tables
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from app.wiring import House

# What people call the household, its only invoice and its only receipt.
CONTRACT, NUMBER, RECEIPT = "4000000000", "INV-00000001", "RCT-00000001"
# In the order in which they refer to each other; entries come before the posting that seals them.
TABLES = (
    *("customer", "account", "service", "search_term", "subscription", "rental", "movement"),
    *("receipt", "redemption", "invoice", "invoice_line", "invoice_discount", "entry", "posting"),
    *("allocation", "snapshot", "work"),
)
_OWN_DIGITS = 10
_NAMES = re.compile(rf"([0-9A-HJKMNP-TV-Z]{{26}}|[0-9a-f]{{40}}|{CONTRACT}|{NUMBER}|{RECEIPT})")
_COUNTED = {("invoice", "sequence"), ("receipt", "sequence")}


async def multiply(tx: Any, households: int) -> None:
    """Make the one household many; their settle rows are due when its own is."""
    others = households - 1
    for name in TABLES:
        columns = await columns_of(tx, name)
        listed = ", ".join(f'"{column}"' for column, _ in columns)
        kept = "WHERE kind = 'settle'" if name == "work" else ""
        for row in await tx.fetch(f'SELECT {listed} FROM "{name}" {kept}'):
            await _Copy(tx, name, columns, others).make(row)
    await tx.driver(f"UPDATE number_series SET last = last + {others:d}")


async def columns_of(tx: Any, table: str) -> list[tuple[str, str]]:
    """List the columns of a table with their types, as the database has them."""
    if tx.engine == "sqlite":
        return [(row[1], row[2]) for row in await tx.fetch(f'PRAGMA table_info("{table}")')]
    query = "SELECT column_name, udt_name FROM information_schema.columns WHERE table_name = $1"
    return [tuple(row) for row in await tx.fetch(f"{query} ORDER BY ordinal_position", (table,))]


async def go_to_the_first(house: House) -> None:
    """Let time go by until the next bill day."""
    async with house.store.begin() as tx:
        now = await house.clock.business_now(tx)
        day = (now.replace(day=1) + timedelta(days=32)).replace(day=1)
        await house.clock.advance(tx, datetime(day.year, day.month, 1, 9, tzinfo=UTC) - now)


class _Copy:
    """One row, made again for each number from 1 on."""

    def __init__(
        self, tx: Any, table: str, columns: Sequence[tuple[str, str]], others: int
    ) -> None:
        self.tx = tx
        self.table = table
        self.columns = columns
        self.others = others
        self.given: list[Any] = []

    async def make(self, row: Sequence[Any]) -> None:
        values = [self._value(*one, value) for one, value in zip(self.columns, row, strict=True)]
        names = ", ".join(f'"{column}"' for column, _ in self.columns)
        text = f'INSERT INTO "{self.table}" ({names}) SELECT {", ".join(values)} {self._from()}'
        await self.tx.driver(text, tuple(self.given))

    def _from(self) -> str:
        if self.tx.engine == "postgresql":
            return f"FROM generate_series(1, {self.others:d}) AS n"
        series = f"SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {self.others:d}"
        return f"FROM (WITH RECURSIVE numbers(n) AS ({series}) SELECT n FROM numbers)"

    def _value(self, column: str, kind: str, value: Any) -> str:
        if (self.table, column) in _COUNTED:
            return f"{value:d} + n"
        if not isinstance(value, str) or not _NAMES.search(value):
            return self._as_it_is(kind, value)
        return " || ".join(self._piece(piece) for piece in _NAMES.split(value) if piece)

    def _piece(self, piece: str) -> str:
        if piece == CONTRACT:
            return f"'4' || {self._digits('n', len(CONTRACT) - 1)}"
        if piece in {NUMBER, RECEIPT}:
            series, dash, digits = piece.partition("-")
            return f"'{series}{dash}' || {self._digits('(n + 1)', len(digits))}"
        if _NAMES.fullmatch(piece):
            return f"'{piece[:-_OWN_DIGITS]}' || {self._digits('n', _OWN_DIGITS)}"
        return f"CAST({self._place(piece)} AS text)"

    def _as_it_is(self, kind: str, value: Any) -> str:
        if self.tx.engine == "sqlite":
            return self._place(value)
        return f"CAST({self._place(value)} AS {kind})"

    def _place(self, value: Any) -> str:
        self.given.append(value)
        return f"{'?' if self.tx.engine == 'sqlite' else '$'}{len(self.given)}"

    def _digits(self, number: str, count: int) -> str:
        if self.tx.engine == "sqlite":
            return f"printf('%0{count}d', {number})"
        return f"lpad({number}::text, {count}, '0')"
