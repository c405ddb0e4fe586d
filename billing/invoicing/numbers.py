"""Blocks of document numbers, also for what is decided beside the connection that writes."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String, Table, select

from runtime.store import Tx, metadata

number_series = Table(
    "number_series",
    metadata,
    Column("series", String(16), primary_key=True),
    Column("last", BigInteger, nullable=False),
)

_RESERVE = """
    INSERT INTO number_series (series, last) VALUES ({0}, {1})
    ON CONFLICT (series) DO UPDATE SET last = number_series.last + excluded.last RETURNING last
"""
_RESERVED = {"sqlite": _RESERVE.format("?1", "?2"), "postgresql": _RESERVE.format("$1", "$2")}

# Where a series has no number yet, only the first block may begin it.
_EXPECTED = """
    INSERT INTO number_series (series, last) SELECT ?1, ?2 + ?3
    WHERE ?2 = 0 OR EXISTS (SELECT 1 FROM number_series WHERE series = ?1)
    ON CONFLICT (series) DO UPDATE SET last = number_series.last + ?3
    WHERE number_series.last = ?2
"""


class Numbers:
    """The last number of each series as this process knows it.

    A transaction that reads elsewhere takes numbers by it and proves them when it is written: where
    another process took some meanwhile, or one before it came to nothing, it fails.
    """

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    async def take(self, look: Tx, tx: Tx, series: str, count: int) -> int:
        """Take a block of numbers for a transaction; returns the first. A rollback gives it back.

        Raises Moved, from the commit. After any failure call `forget`.
        """
        if not tx.is_later:
            self._last.pop(series, None)  # whoever takes the next ones asks again
            first = await reserve_numbers(tx, series, count)
            tx.hold()
            return first
        if series not in self._last:
            found = await _last(look, series)
            self._last.setdefault(series, found)
        last = self._last[series]
        self._last[series] = last + count
        await tx.expect(_EXPECTED, (series, last, count), 1)
        return last + 1

    def forget(self) -> None:
        """Ask the database again: something that was taken may not be."""
        self._last.clear()


async def _last(look: Tx, series: str) -> int:
    c = number_series.c
    return int(await look.scalar(select(c.last).where(c.series == series)) or 0)


async def reserve_numbers(tx: Tx, series: str, count: int) -> int:
    """Take a block of numbers for this transaction; returns the first. A rollback gives it back."""
    ((last,),) = await tx.fetch(_RESERVED[tx.engine], (series, count))
    return int(last) - count + 1
