"""The log: append-only facts and notices with a cursor per consumer, and newest snapshots by key.

The only place where billing and the gateway meet; values are opaque text here. PostgreSQL's writers
overlap, and positions are given out before the commit: each announces the place it began to write
behind, and nobody reads past the lowest place announced. So a cursor never steps over an entry
that is committed late.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    Select,
    String,
    Table,
    Text,
    bindparam,
    func,
    select,
)

from runtime.store.among import KEYS, by_key, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from runtime.store.schema import Instant, metadata
from runtime.store.unit import Tx

READ_ENTRIES_MAX = 1_000

log_entry = Table(
    "log_entry",
    metadata,
    Column(
        "position",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("id", String(80), nullable=False, unique=True),
    Column("kind", String(40), nullable=False),
    Column("key", String(80), nullable=False),
    Column("value", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "key"),
    Index(None, "kind", "position"),
    sqlite_autoincrement=True,
)

log_cursor = Table(
    "log_cursor",
    metadata,
    Column("consumer", String(40), primary_key=True),
    Column("position", BigInteger, nullable=False),
)

snapshot = Table(
    "snapshot",
    metadata,
    Column("topic", String(40), primary_key=True),
    Column("key", String(80), primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("value", Text, nullable=False),
)


# Advisory locks belong to one database and go with their transaction. Shared ones never wait.
_ANNOUNCE = """
    SELECT pg_advisory_xact_lock_shared(CASE WHEN is_called THEN last_value ELSE 0 END)
    FROM log_entry_position_seq
"""
_GIVEN_OUT = """
    SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM log_entry_position_seq
"""
_ANNOUNCED = """
    SELECT min((classid::bigint << 32) | objid::bigint) FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the log. `id` is unique: appending it again changes nothing.

    `at` is machine time: the log tells the order in which the machine learned things.
    """

    id: str
    kind: str
    key: str
    value: str
    at: datetime
    position: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The newest published value of one key."""

    key: str
    revision: int
    value: str


async def append(tx: Tx, entries: Iterable[Entry]) -> None:
    """Add entries in order. An id seen before is left as it was."""
    rows = [
        {"id": e.id, "kind": e.kind, "key": e.key, "value": e.value, "at": e.at} for e in entries
    ]
    if tx.engine == "postgresql" and rows and tx.is_first("log.append"):
        await tx.fetch(_ANNOUNCE)
    await tx.put_new(log_entry, rows, key=("id",))


async def read(
    tx: Tx, consumer: str, kinds: Sequence[str], *, entries_max: int = READ_ENTRIES_MAX
) -> list[Entry]:
    """Return the next entries for a consumer, oldest first, and keep its cursor locked.

    Where there are none, the cursor goes on to the place up to which that is certain. Needs a
    writing transaction: two readers of one name take turns.
    """
    cursor = select(log_cursor.c.position).where(log_cursor.c.consumer == consumer)
    position = await tx.scalar(cursor.with_for_update())
    if position is None:
        new = {"consumer": consumer, "position": 0}
        await tx.insert_new(log_cursor, [new], key=("consumer",))
        position = await tx.scalar(cursor.with_for_update())
    safe = await _safe_place(tx)
    found = await _between(tx, position, safe, kinds, entries_max)
    if not found and safe > position:
        await _move(tx, consumer, safe)
    return found


async def has_more(tx: Tx, consumer: str, kinds: Sequence[str]) -> bool:
    """Tell whether something is there behind the cursor of a consumer; locks nothing, so that
    nobody waits. What an earlier writer still holds up is told too, and read when he is done.
    """
    given = {"consumer": consumer, KEYS: packed(tx.engine, kinds)}
    return bool(await _MORE.rows(tx, given))


async def after(
    tx: Tx, position: int, *, kinds: Sequence[str] = (), entries_max: int = READ_ENTRIES_MAX
) -> list[Entry]:
    """Return the entries behind a place in the log, oldest first, of the given kinds or of all."""
    return await _between(tx, position, await _safe_place(tx), kinds, entries_max)


async def _between(
    tx: Tx, position: int, safe: int, kinds: Sequence[str], entries_max: int
) -> list[Entry]:
    if safe <= position:
        return []
    c = log_entry.c
    query = select(log_entry).where(c.position > position, c.position <= safe)
    if kinds:
        query = query.where(c.kind.in_(list(kinds)))
    found = await tx.rows(query.order_by(c.position).limit(entries_max))
    return [Entry(**row._asdict()) for row in found]


async def _safe_place(tx: Tx) -> int:
    """Return the place up to which every entry is committed or never will be.

    SQLite has one writer, so that what is committed lies in order. On PostgreSQL three statements,
    in this order: whoever announces itself after the second writes behind the answer of the first;
    whoever is gone by then is visible to the third, the query itself.
    """
    if tx.engine == "sqlite":
        return await tx.scalar(select(func.max(log_entry.c.position))) or 0
    given_out: int = (await tx.fetch(_GIVEN_OUT))[0][0]
    announced: int | None = (await tx.fetch(_ANNOUNCED))[0][0]
    return given_out if announced is None else min(given_out, announced)


async def advance(tx: Tx, consumer: str, entry: Entry) -> None:
    """Remember that a consumer has dealt with everything up to and including this entry."""
    await _move(tx, consumer, entry.position)


async def _move(tx: Tx, consumer: str, position: int) -> None:
    row = {"consumer": consumer, "position": position}
    await tx.upsert(log_cursor, [row], key=("consumer",), rising="position")


async def find(tx: Tx, ids: Sequence[str]) -> Mapping[str, Entry]:
    """Return entries by their ids; those that do not exist are left out."""
    query = select(log_entry).where(log_entry.c.id.in_(list(ids)))
    return {row.id: Entry(**row._asdict()) for row in await tx.rows(query)}


async def latest(
    tx: Tx,
    *,
    entries_max: int,
    key: str = "",
    before: datetime | None = None,
    kinds: Sequence[str] = (),
) -> list[Entry]:
    """Return the newest entries, newest first, for people: of all keys or of one, of some kinds."""
    query = select(log_entry).order_by(log_entry.c.position.desc()).limit(entries_max)
    if key:
        query = query.where(log_entry.c.key == key)
    if before is not None:
        query = query.where(log_entry.c.at < before)
    if kinds:
        query = query.where(log_entry.c.kind.in_(kinds))
    return [Entry(**row._asdict()) for row in await tx.rows(query)]


async def publish(tx: Tx, topic: str, snapshots: Sequence[Snapshot]) -> None:
    """Replace the newest value of each key, where the revision is a higher one."""
    rows = [
        {"topic": topic, "key": s.key, "revision": s.revision, "value": s.value} for s in snapshots
    ]
    await tx.upsert(snapshot, rows, key=("topic", "key"), rising="revision")


async def newest(tx: Tx, topic: str, keys: Sequence[str]) -> Mapping[str, Snapshot]:
    """Return the newest snapshot of each key that has one."""
    given = {"topic": topic, KEYS: packed(tx.engine, keys)}
    rows = await _NEWEST.rows(tx, given)
    return {row.key: Snapshot(key=row.key, revision=row.revision, value=row.value) for row in rows}


async def keys_after(tx: Tx, topic: str, key: str, *, keys_max: int) -> list[str]:
    """Return the keys of a topic behind a key, in order: for a replay in pages."""
    c = snapshot.c
    query = select(c.key).where(c.topic == topic, c.key > key).order_by(c.key).limit(keys_max)
    return [row.key for row in await tx.rows(query)]


def _newest(engine: Engine) -> Select[Any]:
    c = snapshot.c
    mine = select(c.key, c.revision, c.value).where(c.topic == bindparam("topic"))
    return by_key(engine, mine, c.key)


def _more(engine: Engine) -> Select[Any]:
    c = log_entry.c
    cursor = select(log_cursor.c.position).where(log_cursor.c.consumer == bindparam("consumer"))
    behind = c.position > func.coalesce(cursor.scalar_subquery(), 0)
    return by_key(engine, select(c.position).where(behind), c.kind).limit(1)


_NEWEST = PreparedQuery(_newest)
_MORE = PreparedQuery(_more)
