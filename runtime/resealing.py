"""Secrets of a table are wrapped anew by the master key that is first now; none is read or changed.

Once all are, the key that sealed them before is not needed any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Column, select, update

from runtime.secrets import Sealer
from runtime.store.unit import Tx

ROWS_MAX = 500


async def reseal(
    tx: Tx, sealer: Sealer, key: Column[Any], sealed: Column[Any], place: Callable[[str], str]
) -> int:
    """Wrap every secret of one column; returns how many were under another key.

    Raises SealBroken for one that none of our keys opens.
    """
    changed, last = 0, ""
    while True:
        page = select(key, sealed).where(key > last).order_by(key).limit(ROWS_MAX)
        rows: Sequence[Any] = await tx.rows(page)
        for name, before in rows:
            after = sealer.reseal(before, place=place(name))
            if after != before:
                # Whoever seals something anew meanwhile does so with the first key already.
                is_as_read = (key == name) & (sealed == before)
                await tx.execute(update(key.table).where(is_as_read).values({sealed.name: after}))
                changed += 1
        if len(rows) < ROWS_MAX:
            return changed
        last = rows[-1][0]
