"""Whether claimed rows are still ours, asked inside the transaction that writes what came of them.

A worker that slept through its lease finds its rows claimed by another: it then writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from runtime.store import Tx
from runtime.work import Claim
from runtime.work import work as table


async def still_ours(tx: Tx, claims: Iterable[Claim]) -> list[Claim]:
    """Keep the claims that nobody took over; their rows are locked until the transaction ends."""
    by_key = {(claim.kind, claim.key): claim for claim in claims}
    if not by_key:
        return []
    c = table.c
    query = (
        select(c.kind, c.key, c.token)
        .where(c.kind.in_({kind for kind, _ in by_key}), c.key.in_([key for _, key in by_key]))
        # Always in one order, so that two transactions never wait for each other.
        .order_by(c.kind, c.key)
        .with_for_update()
    )
    tokens = {(row.kind, row.key): row.token for row in await tx.rows(query)}
    return [claim for key, claim in by_key.items() if tokens.get(key) == claim.token]
