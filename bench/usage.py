"""Usage taken in: records of as many households, as `boxoffice usage take` takes a file.

The first hundred thousand begin a total and a charge each, the second raise them. The limit is the
very rows that the first have written, known beforehand and written into a twin of the database by
the fastest bulk write, with all its keys, checks and triggers.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.desk import metering
from app.imports.load import import_paths
from app.imports.problems import Problems
from app.imports.publishing import publish_draft, told_draft
from app.shape import bring_up, open_house
from app.wiring import House
from bench.billing_process import settings
from bench.crowd import CONTRACT, columns_of, go_to_the_first, multiply
from bench.database import fresh_postgres
from bench.latency import operator_files, subscribers
from bench.pages import nowhere
from bench.report import Result, against, at_least
from bench.twin import Chunk, bulk_postgres, bulk_sqlite, copy_sqlite, twin_of

HOUSEHOLDS = int(os.environ.get("BOXOFFICE_BENCH_HOUSEHOLDS", "100000"))
ACTOR, SOURCE = "bench", "recorder"
LEAST_A_SECOND = 3_000
SQLITE_SHARE, POSTGRES_SHARE = 0.10, 0.15
COMMIT_ROWS = 5_000
# What taking records adds rows to, in the order of a bulk write.
ADDED = {
    "usage_total": ("id", "true"),
    "usage_record": ("source_id", "source_id LIKE '1-%'"),
    "pending_charge": ("id", "true"),
}
CLOUD = {"code": "CLOUD", "kind": "usage", "name": "Cloud", "tax": "standard", "meter": "hours"}
PRICE = {
    "offering": "CLOUD",
    "effective_from": str(datetime.now(UTC).date()),
    "currency": "EUR",
    "amount": "0.00",
    "usage": "graduated 1=0 *=0.10",
}


async def run() -> list[Result]:
    """Take the usage of a crowd on each engine."""
    return [*await _sqlite(), *await _postgres()]


async def _sqlite() -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="boxoffice-bench-") as name:
        place, twin = Path(name) / "boxoffice.db", Path(name) / "twin.db"
        async with _crowd(Path(name), f"sqlite:///{place}") as house:
            copy_sqlite(place, twin)
            first_s, again_s = await _taken(house, 1), await _taken(house, 2)
            limit_s = await bulk_sqlite(twin, _added(house.store))
        return _results("sqlite", first_s, again_s, limit_s, target=SQLITE_SHARE)


async def _postgres() -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="boxoffice-bench-") as name:
        async with fresh_postgres() as url:
            async with _crowd(Path(name), url):
                pass
            async with twin_of(url) as twin, open_house(settings(Path(name), url)) as house:
                first_s, again_s = await _taken(house, 1), await _taken(house, 2)
                limit_s = await bulk_postgres(twin, _added(house.store))
        return _results("postgres", first_s, again_s, limit_s, target=POSTGRES_SHARE)


def _results(
    engine: str, first_s: float, again_s: float, limit_s: float, *, target: float
) -> list[Result]:
    speed, again, limit = (HOUSEHOLDS / each for each in (first_s, again_s, limit_s))
    unit = "records/s"
    return [
        against(engine, speed, limit, unit=unit, target=target),
        at_least(f"{engine}_least", speed, unit=unit, target=LEAST_A_SECOND),
        at_least(f"{engine}_again", again, unit=unit, target=LEAST_A_SECOND),
    ]


async def _taken(house: House, turn: int) -> float:
    """Take a record of every household; returns the seconds."""
    at = (await house.business_now()).isoformat()
    begun_s = time.perf_counter()
    outcome = await metering.take_all(house, SOURCE, _records(turn, at), ACTOR)
    took_s = time.perf_counter() - begun_s
    if (outcome.taken.counted, outcome.refused_count) != (HOUSEHOLDS, 0):
        raise RuntimeError(f"{outcome.taken} and {outcome.refused_count} refused")
    return took_s


def _records(turn: int, at: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Tell that every household has used something, as a file does."""
    for n in range(HOUSEHOLDS):
        row = {
            "id": f"{turn}-{n:09}",
            "contract": f"{int(CONTRACT) + n}",
            "meter": "hours",
            "quantity": f"{1 + n % 977}.{n % 10_000:04}",
            "at": at,
        }
        yield n, row


@asynccontextmanager
async def _crowd(folder: Path, url: str) -> AsyncIterator[House]:
    """Have a crowd of households with a plan and what is charged by use."""
    await bring_up(settings(folder, url))
    async with open_house(settings(folder, url)) as house:
        await _household(house)
        async with house.store.begin() as tx:
            await multiply(tx, HOUSEHOLDS)
        if house.store.is_sqlite:
            async with house.store.begin() as tx:
                await tx.driver("ANALYZE")
        yield house


async def _household(house: House) -> None:
    """Take a household on that another system has billed until now, and let this month be over."""
    people = house.settings.data_dir / "subscribers.csv"
    one = subscribers(1).replace("400000", CONTRACT).replace(",SPORT,", f",{CLOUD['code']},")
    people.write_text(one, "utf-8")
    await _imported(house, *map(Path, operator_files()))
    problems = Problems()
    draft = told_draft({"offerings": [CLOUD], "prices": [PRICE]}, problems)
    async with house.store.begin() as tx:
        found = await publish_draft(house, tx, draft, problems, ACTOR)
        if not found.is_good:
            raise RuntimeError(f"nothing was published: {found.problems}")
    await _imported(house, people)
    await go_to_the_first(house)


async def _imported(house: House, *files: Path) -> None:
    outcome = await import_paths(house, files, nowhere())
    if not outcome.taken:
        raise RuntimeError(f"it was not taken: {outcome.problems[:3]}")


async def _added(store: Any) -> AsyncIterator[Chunk]:
    """Yield what the first records have added, so many rows of each table at a time."""
    for first in range(0, HOUSEHOLDS, COMMIT_ROWS):
        chunk: Chunk = []
        async with store.read() as tx:
            for name, (key, kept) in ADDED.items():
                columns = tuple(column for column, _ in await columns_of(tx, name))
                listed = ", ".join(f'"{column}"' for column in columns)
                rows = await tx.fetch(
                    f'SELECT {listed} FROM "{name}" WHERE {kept} '  # noqa: S608 - names above
                    f"ORDER BY {key} LIMIT {COMMIT_ROWS:d} OFFSET {first:d}"
                )
                chunk.append((name, columns, [tuple(row) for row in rows]))
        yield chunk
