"""What is written later: collected while others read and write, and written in one trip.

For whoever decides by what he has read, where the connection that writes is one for all: nobody
waits for his deciding. What he has read may be old by then, so that he says what must still be so
(`Tx.expect`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from sqlalchemy import Dialect, Executable, Table

from runtime.store.lease import Engine, Given, Lease, T, Take, Values
from runtime.store.unit import Tx

Put = Callable[[Lease], Awaitable[None]]


class Later(Lease):
    """Stands in for a connection; statements whose answer somebody waits for are refused."""

    engine: Engine = "sqlite"
    is_later = True

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect, opening="")
        self._puts: list[Put] = []

    @property
    def is_open(self) -> bool:
        """Whether it can still be used."""
        return True

    async def hand_over(self, lease: Lease) -> None:
        """Put everything on a connection, as one transaction that is yet to be committed."""
        await lease.begin()
        for put in self._puts:
            await put(lease)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to be written."""
        return not self._puts

    async def put(self, sql: str, values: Values) -> None:
        """Keep a statement."""
        self._puts.append(lambda lease: lease.put(sql, values))

    async def expect(self, sql: str, values: Values, rows: int) -> None:
        """Keep a statement that has to write just so many rows."""
        self._puts.append(lambda lease: lease.expect(sql, values, rows))

    async def put_many(
        self, table: Table, names: tuple[str, ...], rows: list[Values], conflict: str = ""
    ) -> None:
        """Keep rows."""
        self._puts.append(lambda lease: lease.put_many(table, names, rows, conflict))

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
        self._puts.clear()

    async def _begin(self) -> None:
        pass

    async def _commit(self) -> None:
        pass

    async def _rollback(self) -> None:
        self._puts.clear()


@dataclass(slots=True, kw_only=True)
class Deciding:
    """A transaction to read in and one to write in; they are one where nobody is kept waiting.

    `held_s` is how long the connection that writes was held, once it is over.
    """

    look: Tx
    tx: Tx
    held_s: float = 0.0


def _refuse(*_asked: object) -> NoReturn:
    raise RuntimeError("what is written later has no answer yet: read by the other transaction")
