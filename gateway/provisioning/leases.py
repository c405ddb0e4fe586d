"""Whether claimed rows are still ours, asked inside the transaction that writes what came of them.

A worker that slept through its lease finds its rows claimed by another: it then writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, bindparam, select

from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from runtime.work import Claim
from runtime.work import work as table


async def still_ours(tx: Tx, claims: Sequence[Claim]) -> list[Claim]:
    """Keep the claims of one kind that nobody took over; their rows are locked until the end."""
    if not claims:
        return []
    keys = packed(tx.engine, [claim.key for claim in claims])
    rows = await _TOKENS.rows(tx, {"kind": claims[0].kind, KEYS: keys})
    tokens = {row.key: row.token for row in rows}
    return [claim for claim in claims if tokens.get(claim.key) == claim.token]


def _tokens(engine: Engine) -> Select[Any]:
    return (
        select(table.c.key, table.c.token)
        .where(table.c.kind == bindparam("kind"), among(engine, table.c.key))
        # Always in one order, so that two transactions never wait for each other.
        .order_by(table.c.key)
        .with_for_update()
    )


_TOKENS = PreparedQuery(_tokens)
