"""How much of the bare driver's speed the dirty rows keep: mark, claim by 100, complete.

The limit is the fastest bare loop over the same table that we could write: one connection, one
trip for each step, the token checked on completion. Both sides take turns in short rounds, so that
whatever else the machine does meets both alike.
"""

from __future__ import annotations

import json
import secrets
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import aiosqlite
import asyncpg

from app.settings import Settings
from app.shape import bring_up
from app.wiring import House, build, closing
from bench.database import fresh_postgres
from bench.report import Result, against

ROWS = 2_000
ROUNDS = 20
MARK_ROWS = 1_000
CLAIM_ROWS = 100
LEASE_US = 10_000_000
KIND = "bench"
KEYS = [f"{number:026d}" for number in range(ROWS)]
PARTS = [KEYS[first : first + MARK_ROWS] for first in range(0, ROWS, MARK_ROWS)]
POSTGRES_TARGET = 0.60
SQLITE_TARGET = 0.50

Round = Callable[[], Awaitable[int]]


async def run() -> list[Result]:
    """Measure both engines."""
    return [await postgres(), await sqlite()]


async def postgres() -> Result:
    """Compare with bare asyncpg."""
    async with fresh_postgres() as url:
        connection = await asyncpg.connect(url)
        bare = BarePostgres(connection)
        try:
            return await _compare("postgres", url, [bare.arrays, bare.documents], POSTGRES_TARGET)
        finally:
            await connection.close()


async def sqlite() -> Result:
    """Compare with bare aiosqlite at synchronous=FULL."""
    with tempfile.TemporaryDirectory(prefix="boxoffice-bench-") as folder:
        path = Path(folder) / "bench.db"
        async with aiosqlite.connect(path, isolation_level=None) as connection:
            bare = BareSqlite(connection)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-16000"):
                await connection.execute(f"PRAGMA {pragma}")
            rounds = [bare.many, bare.documents]
            return await _compare("sqlite", f"sqlite:///{path}", rounds, SQLITE_TARGET)


async def _compare(case: str, url: str, bare: Sequence[Round], target: float) -> Result:
    with tempfile.TemporaryDirectory(prefix="boxoffice-bench-") as folder:
        settings = Settings(data_dir=Path(folder), database_url=url)
        await bring_up(settings)
        async with closing(build(settings)) as house:
            spent = await _take_turns([lambda: ours(house), *bare])
    speeds = [ROUNDS * ROWS / seconds for seconds in spent]
    return against(case, speeds[0], max(speeds[1:]), unit="rows/s", target=target)


async def _take_turns(rounds: Sequence[Round]) -> list[float]:
    """Return the seconds each has spent; the first round of all warms up."""
    spent = [0.0] * len(rounds)
    for number in range(ROUNDS + 1):
        for place, one in enumerate(rounds):
            begun = time.perf_counter()
            done = await one()
            if done != ROWS:
                raise RuntimeError(f"{done} of {ROWS} rows were completed")
            spent[place] += time.perf_counter() - begun if number else 0.0
    return spent


async def ours(house: House) -> int:
    """Do one round through the product's own store and rows."""
    for part in PARTS:
        async with house.store.begin() as tx:
            await house.work.mark(tx, KIND, part)
    done = 0
    while claims := await house.work.claim(KIND, rows_max=CLAIM_ROWS):
        async with house.store.begin() as tx:
            await house.work.complete(tx, claims)
        done += len(claims)
    return done


def _now_us() -> int:
    return time.time_ns() // 1_000


def _token() -> int:
    return secrets.randbits(62)


MARK = """
    INSERT INTO work (kind, key, target, due_at, not_before, marked_at)
    {rows}
    ON CONFLICT (kind, key) DO UPDATE SET
        generation = work.generation + 1, due_at = {least}(work.due_at, excluded.due_at),
        not_before = excluded.not_before, attempts = 0, parked_at = NULL, error = NULL
"""
CLAIM = """
    UPDATE work SET lease_until = {lease}, token = {mark}, attempts = attempts + 1
    WHERE {picked} FROM work
        WHERE kind = {kind} AND target = '' AND parked_at IS NULL AND is_scheduled = 0
          AND due_at <= {now} AND not_before <= {now} AND lease_until <= {now}
        ORDER BY due_at LIMIT 100 {locked}
    RETURNING key, generation
"""


class BarePostgres:
    """Loops over asyncpg alone."""

    CLAIM = CLAIM.format(
        lease=f"$1::bigint + {LEASE_US}",
        mark="$2",
        kind="$3",
        now="$1::bigint",
        picked="ctid = ANY(ARRAY(SELECT ctid",
        locked="FOR UPDATE SKIP LOCKED))",
    )
    MARK_ARRAYS = MARK.format(
        rows="SELECT $1, key, '', $2::bigint, $2, $2 FROM unnest($3::text[]) AS key",
        least="LEAST",
    )
    MARK_DOCUMENT = MARK.format(
        rows="SELECT $1, value, '', $2::bigint, $2, $2 FROM json_array_elements_text($3::json)",
        least="LEAST",
    )
    # The condition on the batch, always true, makes the planner look each key up: it expects one
    # row then, and would read the whole table for the hundred it expects otherwise.
    COMPLETE = """
        DELETE FROM work USING (SELECT * FROM {rows} WHERE key = key || '') AS done
        WHERE work.kind = $1 AND work.token = $2 AND work.key = done.key
          AND work.generation = done.generation
    """
    COMPLETE_ARRAYS = COMPLETE.format(
        rows="unnest($3::text[], $4::bigint[]) AS rows(key, generation)"
    )
    COMPLETE_DOCUMENT = COMPLETE.format(
        rows="json_to_recordset($3::json) AS rows(key text, generation bigint)"
    )

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def arrays(self) -> int:
        """Do one round with arrays."""
        for part in PARTS:
            await self.connection.execute(self.MARK_ARRAYS, KIND, _now_us(), part)
        done = 0
        while claimed := await self._claim():
            token, rows = claimed
            keys, generations = [row[0] for row in rows], [row[1] for row in rows]
            given = (KIND, token, keys, generations)
            status = await self.connection.execute(self.COMPLETE_ARRAYS, *given)
            done += int(status.removeprefix("DELETE "))
        return done

    async def documents(self) -> int:
        """Do one round with JSON."""
        for part in PARTS:
            await self.connection.execute(self.MARK_DOCUMENT, KIND, _now_us(), json.dumps(part))
        done = 0
        while claimed := await self._claim():
            token, rows = claimed
            document = json.dumps([{"key": row[0], "generation": row[1]} for row in rows])
            status = await self.connection.execute(self.COMPLETE_DOCUMENT, KIND, token, document)
            done += int(status.removeprefix("DELETE "))
        return done

    async def _claim(self) -> tuple[int, Sequence[Any]] | None:
        token = _token()
        rows = await self.connection.fetch(self.CLAIM, _now_us(), token, KIND)
        return (token, rows) if rows else None


class BareSqlite:
    """Loops over aiosqlite alone."""

    CLAIM = CLAIM.format(
        lease=f"?1 + {LEASE_US}",
        mark="?2",
        kind="?3",
        now="?1",
        picked="rowid IN (SELECT rowid",
        locked=")",
    )
    MARK_MANY = MARK.format(rows="VALUES (?1, ?2, '', ?3, ?3, ?3)", least="MIN")
    MARK_DOCUMENT = MARK.format(
        rows="SELECT ?1, value, '', ?2, ?2, ?2 FROM json_each(?3) WHERE true", least="MIN"
    )
    COMPLETE_MANY = """
        DELETE FROM work WHERE kind = ? AND key = ? AND generation = ? AND token = ?
    """
    COMPLETE_DOCUMENT = """
        DELETE FROM work WHERE kind = ?1 AND token = ?2 AND (key, generation) IN (
            SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?3))
    """

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self.connection = connection

    async def many(self) -> int:
        """Do one round with executemany inside transactions."""
        for part in PARTS:
            now = _now_us()
            await self._together(self.MARK_MANY, [(KIND, key, now) for key in part])
        done = 0
        while claimed := await self._claim():
            token, rows = claimed
            given = [(KIND, row[0], row[1], token) for row in rows]
            done += await self._together(self.COMPLETE_MANY, given)
        return done

    async def documents(self) -> int:
        """Do one round with JSON; each statement is a transaction by itself."""
        for part in PARTS:
            given = (KIND, _now_us(), json.dumps(part))
            await self.connection.execute(self.MARK_DOCUMENT, given)
        done = 0
        while claimed := await self._claim():
            token, rows = claimed
            document = json.dumps([(row[0], row[1]) for row in rows])
            cursor = await self.connection.execute(self.COMPLETE_DOCUMENT, (KIND, token, document))
            done += cursor.rowcount
        return done

    async def _together(self, sql: str, rows: list[tuple[Any, ...]]) -> int:
        await self.connection.execute("BEGIN IMMEDIATE")
        cursor = await self.connection.executemany(sql, rows)
        await self.connection.execute("COMMIT")
        return cursor.rowcount

    async def _claim(self) -> tuple[int, Sequence[Any]] | None:
        token = _token()
        rows = list(await self.connection.execute_fetchall(self.CLAIM, (_now_us(), token, KIND)))
        return (token, rows) if rows else None
