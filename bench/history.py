"""Settling one account at a time, and what ten years behind it cost; on PostgreSQL."""

from __future__ import annotations

# ruff: noqa: S608 - what texts are made of are names of our own tables
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from app.roles.crew import lanes
from app.wiring import House
from bench.crowd import columns_of
from bench.report import Result, at_most

ACCOUNTS = 200
OLDER_INVOICES = 118
ONE_MS = 8.0
OLD_TIMES = 1.2
KIND = "settle"
_FIRST = f"SELECT id FROM account ORDER BY number LIMIT {ACCOUNTS}"
# What an older invoice has of its own; entries come before the posting that seals them.
_OWN = {
    "invoice": {
        "id": "{key}",
        "sequence": "t.sequence + k::bigint * 100000000",
        "number": "t.number || '-' || k",
    },
    "invoice_line": {"invoice_id": "{key}", "take": "t.take + k"},
    "invoice_discount": {"invoice_id": "{key}"},
    "entry": {"posting_id": "{key}"},
    "posting": {"id": "{key}"},
}


async def one_by_one(house: House, next_month: Callable[[], Awaitable[None]]) -> list[Result]:
    """Settle accounts one at a time when they are due, some of them with ten years behind them."""
    async with house.store.begin() as tx:
        for table in _OWN:
            await _grow_old(tx, table)
        await tx.driver("ANALYZE")
        old = [row[0] for row in await tx.fetch(_FIRST)]
        young = [row[0] for row in await tx.fetch(f"{_FIRST} OFFSET {ACCOUNTS}")]
    await next_month()
    found = await _settled(house, old, young)
    one_ms, old_ms = (statistics.median(times) for times in (found[1], found[0]))
    return [
        at_most("postgres_one", one_ms, unit="ms", target=ONE_MS),
        at_most("postgres_old", old_ms / one_ms, unit="of a young one", target=OLD_TIMES),
    ]


async def _grow_old(tx: Any, table: str) -> None:
    """Make the first invoice of some accounts many more times."""
    key = next(name for name, own in _OWN[table].items() if own == "{key}")
    own = {
        name: text.format(key=f"'H' || lpad(k::text, 3, '0') || substr(t.{key}, 5)")
        for name, text in _OWN[table].items()
    }
    columns = [name for name, _ in await columns_of(tx, table)]
    wanted = ", ".join(own.get(name, f't."{name}"') for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    firsts = f"SELECT min(id) AS id FROM invoice WHERE account_id IN ({_FIRST}) GROUP BY account_id"
    await tx.driver(
        f'INSERT INTO "{table}" ({names}) SELECT {wanted} FROM "{table}" t '
        f"JOIN ({firsts}) f ON f.id = t.{key}, generate_series(1, {OLDER_INVOICES}) AS k"
    )


async def _settled(house: House, *groups: Sequence[str]) -> list[list[float]]:
    """Settle accounts of each group in turn; how long each took, in milliseconds."""
    handle = lanes(house)[KIND].handler
    found: list[list[float]] = [[] for _ in groups]
    for accounts in zip(*groups, strict=True):
        for account, times in zip(accounts, found, strict=True):
            claims = await house.work.take(KIND, [account])
            begun_s = time.perf_counter()
            await handle(claims)
            times.append((time.perf_counter() - begun_s) * 1_000)
    return found
