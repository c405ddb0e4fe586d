"""`boxoffice verify` on a ledger of a million entries: every rule, asked of sound books."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from app.desk import verifying
from app.desk.linking import link_deeds
from app.desk.verifying import Judged
from app.shape import bring_up, open_house
from app.wiring import House
from bench.bill_run import paid_household
from bench.billing_process import settings
from bench.crowd import multiply
from bench.database import fresh_postgres
from bench.report import Result, at_most

ENTRIES = int(os.environ.get("BOXOFFICE_BENCH_ENTRIES", "1000000"))
WITHIN_S = 15.0
SLOWEST_SHOWN = 3
# What a crowd made by the database does not make: who took the cash, and who has the promotion.
_DEEDS = """
    INSERT INTO audit (at, actor, action, subject, reason)
    SELECT received_at, 'bench', 'payment.cash', account_id, ref FROM movement
    WHERE ref NOT IN (SELECT reason FROM audit)
"""
_REDEEMED = """
    UPDATE promotion SET redeemed = (
        SELECT COUNT(*) FROM redemption WHERE redemption.promotion = promotion.code
    )
"""


async def run() -> list[Result]:
    """Verify on each engine."""
    with tempfile.TemporaryDirectory(prefix="boxoffice-bench-") as name:
        embedded = await _verified("sqlite", Path(name), f"sqlite:///{Path(name) / 'boxoffice.db'}")
    with tempfile.TemporaryDirectory(prefix="boxoffice-bench-") as name:
        async with fresh_postgres() as url:
            return [*embedded, *await _verified("postgres", Path(name), url)]


async def _verified(engine: str, folder: Path, url: str) -> list[Result]:
    async with _crowd(folder, url) as house:
        begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
        found = await verifying.verify(house, verifying.RULES, lambda _: None, offences_max=1)
        took_s, cpu_s = time.perf_counter() - begun_s, time.process_time() - begun_cpu_s
    if broken := [one.verdict for one in found if not one.verdict.holds]:
        raise RuntimeError(f"the crowd's books are not sound: {broken}")
    _tell(engine, found)
    return [
        at_most(engine, took_s, unit="s", target=WITHIN_S),
        at_most(f"{engine}_cpu", cpu_s, unit="s of this process", target=WITHIN_S),
    ]


def _tell(engine: str, found: list[Judged]) -> None:
    slowest = sorted(found, key=lambda one: -one.took_s)[:SLOWEST_SHOWN]
    for one in slowest:
        sys.stderr.write(f"{engine}: {one.took_s:.1f} s {one.verdict.code} {one.verdict.says}\n")


@asynccontextmanager
async def _crowd(folder: Path, url: str) -> AsyncIterator[House]:
    """Have as many households, which have all paid a month, as make so many entries."""
    await bring_up(settings(folder, url))
    async with open_house(settings(folder, url)) as house:
        await paid_household(house)
        async with house.store.begin() as tx:
            households = -(-ENTRIES // await _count(tx, "entry"))
            await multiply(tx, households)
            await tx.driver(_DEEDS)
            await tx.driver(_REDEEMED)
        await link_deeds(house)
        async with house.store.begin() as tx:
            await tx.driver("ANALYZE")
            sys.stderr.write(f"{await _count(tx, 'entry')} entries of {households} households\n")
        yield house


async def _count(tx: Any, table: str) -> int:
    ((count,),) = await tx.fetch(f"SELECT count(*) FROM {table}")  # noqa: S608 - a name of ours
    return int(count)
