"""A month's bill run: every household gets its invoice, as `boxoffice bill run` does it.

The limit is the very rows that the run has written, known beforehand and written into a twin of the
database by the fastest bulk write, with all its keys, checks and triggers.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.desk.paying import parse_amount, take_cash
from app.desk.redeeming import redeem
from app.imports.load import import_paths
from app.roles import billing
from app.shape import bring_up, open_house
from app.wiring import House
from bench.billing_process import settings, together
from bench.crowd import CONTRACT, columns_of, go_to_the_first, multiply
from bench.database import fresh_postgres
from bench.history import one_by_one
from bench.latency import operator_files, subscribers
from bench.pages import nowhere
from bench.report import Result, against, at_least, at_most
from bench.twin import Chunk, bulk_postgres, bulk_sqlite, copy_sqlite, twin_of

HOUSEHOLDS = int(os.environ.get("BOXOFFICE_BENCH_HOUSEHOLDS", "100000"))
SERIAL, MAC = "HT2-000001", "00:1A:79:30:00:01"
OFFER = "TENTH"
OFFER_COLUMNS = "code,name,percent,amount,scope,limited_to,periods,group,from_on,until_on"
BOX_COLUMNS = "serial,mac,model,contract,handed_over_on"
ACTOR = "bench"
LEAST_A_SECOND = 6_000
COMMIT_INVOICES = 5_000
AGAIN_SHARE = 0.10
TWO_TIMES = 1.1
MEMORY_MB = 250
# What a run adds rows to, and what there names the invoice, in the order of a bulk write.
ADDED = {
    "invoice": "id",
    "invoice_line": "invoice_id",
    "invoice_discount": "invoice_id",
    "entry": "posting_id",
    "posting": "id",
    "open_item": "id",
}


async def run() -> list[Result]:
    """Bill a crowd on each engine."""
    return [*await _sqlite(), *await _postgres()]


async def _sqlite() -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="boxoffice-bench-") as name:
        place, twin = Path(name) / "boxoffice.db", Path(name) / "twin.db"
        url = f"sqlite:///{place}"
        async with _crowd(Path(name), url):
            pass
        copy_sqlite(place, twin)
        # Opened again: what making a crowd took of the memory is not what a run takes.
        async with open_house(settings(Path(name), url)) as house:
            ran = await _ran(house)
            limit_s = await bulk_sqlite(twin, _added(house.store))
        return _results("sqlite", ran, limit_s, target=0.25)


async def _postgres() -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="boxoffice-bench-") as name:
        async with fresh_postgres() as url:
            async with _crowd(Path(name), url):
                pass
            return await _billed(Path(name), url)


async def _billed(folder: Path, url: str) -> list[Result]:
    async with twin_of(url, "other") as other, open_house(settings(folder, other)) as house:
        two_s = await _by_two(house, folder, other)
    async with twin_of(url, "single") as single, open_house(settings(folder, single)) as house:
        alone = await one_by_one(house, lambda: go_to_the_first(house))
    async with twin_of(url, "twin") as twin, open_house(settings(folder, url)) as house:
        ran = await _ran(house)
        limit_s = await bulk_postgres(twin, _added(house.store))
    two = at_least("postgres_two", ran.first_s / two_s, unit="of one", target=TWO_TIMES)
    return [*_results("postgres", ran, limit_s, target=0.50), two, *alone]


async def _by_two(house: House, folder: Path, url: str) -> float:
    """Let two processes bill the same month of the same crowd; returns the seconds."""
    await go_to_the_first(house)
    async with together(folder, url, 2) as both:
        begun_s = time.perf_counter()
        settled = await both.bill()
        took_s = time.perf_counter() - begun_s
    async with house.store.read() as tx:
        query = "SELECT count(*) FROM work WHERE kind = 'settle' AND parked_at IS NOT NULL"
        ((parked,),) = await tx.fetch(query)
    if (settled, parked) != (HOUSEHOLDS, 0):
        raise RuntimeError(f"{settled} settled and {parked} parked of {HOUSEHOLDS}")
    return took_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """Seconds of the first and of a second run, and the memory that the process had, in MB."""

    first_s: float
    again_s: float
    memory_mb: float


def _results(engine: str, ran: Ran, limit_s: float, *, target: float) -> list[Result]:
    speed, limit = HOUSEHOLDS / ran.first_s, HOUSEHOLDS / limit_s
    least = at_least(f"{engine}_least", speed, unit="invoices/s", target=LEAST_A_SECOND)
    again = at_most(
        f"{engine}_second_run", ran.again_s / ran.first_s, unit="of the first", target=AGAIN_SHARE
    )
    return [
        against(engine, speed, limit, unit="invoices/s", target=target),
        least,
        again,
        at_most(f"{engine}_memory", ran.memory_mb, unit="MB", target=MEMORY_MB),
    ]


async def _ran(house: House) -> Ran:
    """Let the next bill day come and run, then run again."""
    await go_to_the_first(house)
    _forget_peak()
    first_s = await _timed(house, HOUSEHOLDS)
    return Ran(first_s=first_s, again_s=await _timed(house, 0), memory_mb=_peak_mb())


async def _timed(house: House, wanted: int) -> float:
    begun_s = time.perf_counter()
    ran = await billing.run(house, lambda *_: None, actor=ACTOR)
    took_s = time.perf_counter() - begun_s
    if (ran.accounts, ran.left) != (wanted, 0):
        raise RuntimeError(f"{ran.accounts} settled and {ran.left} left of {wanted}")
    return took_s


@asynccontextmanager
async def _crowd(folder: Path, url: str) -> AsyncIterator[House]:
    """Have a crowd of households that have all paid their first month."""
    await bring_up(settings(folder, url))
    async with open_house(settings(folder, url)) as house:
        await paid_household(house)
        async with house.store.begin() as tx:
            await multiply(tx, HOUSEHOLDS)
        if house.store.is_sqlite:
            async with house.store.begin() as tx:
                await tx.driver("ANALYZE")
        yield house


async def paid_household(house: House) -> None:
    """Take a household on, with plan, add-on, rented box and discount, and have it pay a month."""
    folder, today = house.settings.data_dir, datetime.now(UTC).date()
    people, boxes = folder / "subscribers.csv", folder / "boxes.csv"
    people.write_text(subscribers(1).replace("400000", CONTRACT), "utf-8")
    boxes.write_text(f"{BOX_COLUMNS}\n{SERIAL},{MAC},HT-2,{CONTRACT},{today}\n", "utf-8")
    offers = folder / "promotions.csv"
    offers.write_text(f"{OFFER_COLUMNS}\n{OFFER},A tenth off,10%,,invoice,,,,{today},\n", "utf-8")
    files = [*map(Path, operator_files()), people, boxes, offers]
    outcome = await import_paths(house, files, nowhere())
    if not outcome.taken:
        raise RuntimeError(f"the operator was not taken: {outcome.problems[:3]}")
    async with house.store.begin() as tx:
        await redeem(house, tx, CONTRACT, OFFER, ACTOR)
    await go_to_the_first(house)
    await billing.run(house, lambda *_: None, actor=ACTOR)
    async with house.store.begin() as tx:
        ((owed,),) = await tx.fetch("SELECT sum(rest_minor) FROM open_item")
        amount = await parse_amount(tx, CONTRACT, f"{owed // 100}.{owed % 100:02}")
        await take_cash(house, tx, CONTRACT, amount=amount, reference=CONTRACT, actor=ACTOR)
    await billing.run(house, lambda *_: None, actor=ACTOR)


def _forget_peak() -> None:
    """Have the peak of memory begin anew (proc(5), clear_refs): others were measured before."""
    Path("/proc/self/clear_refs").write_text("5", "ascii")


def _peak_mb() -> float:
    told = Path("/proc/self/status").read_text("ascii", "replace")
    return int(told.split("VmHWM:", 1)[1].split(maxsplit=1)[0]) / 1_024


# -- the limit


async def _added(store: Any) -> AsyncIterator[Chunk]:
    """Yield what the run has added, so many invoices at a time."""
    for first in range(HOUSEHOLDS + 1, 2 * HOUSEHOLDS + 1, COMMIT_INVOICES):
        chunk: Chunk = []
        async with store.read() as tx:
            for name, key in ADDED.items():
                columns = tuple(column for column, _ in await columns_of(tx, name))
                listed = ", ".join(f't."{column}"' for column in columns)
                rows = await tx.fetch(
                    f'SELECT {listed} FROM invoice i JOIN "{name}" t ON t.{key} = i.id '  # noqa: S608
                    f"WHERE i.sequence >= {first:d} AND i.sequence < {first + COMMIT_INVOICES:d}"
                )
                chunk.append((name, columns, [tuple(row) for row in rows]))
        yield chunk
