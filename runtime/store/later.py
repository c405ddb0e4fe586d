"""What is written later: collected while others read and write, and handed over in one go.

For whoever decides by what he has read, where the connection that writes is one for all: nobody
waits for his deciding. What he has read may be old by then, so that he says what must still be so
(`Tx.expect`). And for whoever writes the same for many, with other names: see `copies`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from sqlalchemy import Dialect, Executable, Table

from runtime.store.lease import Engine, Given, Lease, T, Take, Values
from runtime.store.unit import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement that nobody waits for; it has to write just so many rows, where that is told."""

    sql: str
    values: Values
    expected: int | None = None

    async def put(self, lease: Lease) -> None:
        """Put it on a connection."""
        if self.expected is None:
            await lease.put(self.sql, self.values)
        else:
            await lease.expect(self.sql, self.values, self.expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows for a table, as the driver wants them."""

    table: Table
    names: tuple[str, ...]
    conflict: str
    rows: list[Values]

    async def put(self, lease: Lease) -> None:
        """Put them on a connection."""
        await lease.put_many(self.table, self.names, self.rows, self.conflict)

    @property
    def place(self) -> tuple[str, tuple[str, ...], str]:
        """Where they go; rows of one place may be written together."""
        return self.table.name, self.names, self.conflict


class Later(Lease):
    """Stands in for a connection; statements whose answer somebody waits for are refused."""

    is_later = True

    def __init__(self, dialect: Dialect, engine: Engine = "sqlite") -> None:
        super().__init__(dialect, opening="")
        self.engine = engine
        self.puts: list[Statement | Rows] = []

    @property
    def is_open(self) -> bool:
        """Whether it can still be used."""
        return True

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to be written."""
        return not self.puts

    async def put(self, sql: str, values: Values) -> None:
        """Keep a statement."""
        self.puts.append(Statement(sql=sql, values=values))

    async def expect(self, sql: str, values: Values, rows: int) -> None:
        """Keep a statement that has to write just so many rows."""
        self.puts.append(Statement(sql=sql, values=values, expected=rows))

    async def put_many(
        self, table: Table, names: tuple[str, ...], rows: list[Values], conflict: str = ""
    ) -> None:
        """Keep rows."""
        self.puts.append(Rows(table=table, names=names, conflict=conflict, rows=rows))

    async def execute(self, statement: Executable, values: Given, take: Take[T]) -> T:
        """Refuse: nothing is known yet."""
        _refuse(statement, values, take)

    async def fetch(self, sql: str, values: Values) -> Sequence[Sequence[Any]]:
        """Refuse: nothing is known yet."""
        _refuse(sql, values)

    async def write(self, sql: str, values: Values) -> int:
        """Refuse: nothing is known yet."""
        _refuse(sql, values)

    async def write_many(self, sql: str, rows: list[Values]) -> int:
        """Refuse: nothing is known yet."""
        _refuse(sql, rows)

    async def insert_many(
        self, table: Table, names: tuple[str, ...], rows: list[Values], conflict: str = ""
    ) -> int:
        """Refuse: nothing is known yet."""
        _refuse(table, names, rows, conflict)

    async def close(self) -> None:
        """Forget everything."""
        self.puts.clear()

    async def _begin(self) -> None:
        pass

    async def _commit(self) -> None:
        pass

    async def _rollback(self) -> None:
        self.puts.clear()


@dataclass(slots=True, kw_only=True)
class Deciding:
    """A transaction to read in and one to write in; they are one where nobody is kept waiting.

    `held_s` is how long others were kept waiting, once it is over: on SQLite while it was written,
    on PostgreSQL since it had what others want, too (`Tx.hold`).
    """

    look: Tx
    tx: Tx
    held_s: float = 0.0


def _refuse(*_asked: object) -> NoReturn:
    raise RuntimeError("what is written later has no answer yet: read by the other transaction")
