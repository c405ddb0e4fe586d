"""Blocks of document numbers, also for what is decided beside the connection that writes."""

from __future__ import annotations

from sqlalchemy import select

from billing.invoicing.store import number_series, reserve_numbers
from runtime.store import Tx

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
