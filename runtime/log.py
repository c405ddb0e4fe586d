"""The log: append-only facts and notices with a cursor per consumer, and newest snapshots by key.

The only place where billing and the gateway meet; values are opaque text here. On PostgreSQL an
entry becomes readable when every older transaction has ended, so that a cursor never steps over
one that commits late.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    and_,
    func,
    literal_column,
    or_,
    select,
)

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
    # The writing transaction's number on PostgreSQL; always 0 on SQLite, whose writers queue.
    Column("epoch", BigInteger, nullable=False, server_default="0"),
    Column("id", String(80), nullable=False, unique=True),
    Column("kind", String(40), nullable=False),
    Column("key", String(80), nullable=False),
    Column("value", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "epoch", "position"),
    Index(None, "key"),
    sqlite_autoincrement=True,
)

log_cursor = Table(
    "log_cursor",
    metadata,
    Column("consumer", String(40), primary_key=True),
    Column("epoch", BigInteger, nullable=False),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the log. `id` is unique: appending it again changes nothing."""

    id: str
    kind: str
    key: str
    value: str
    at: datetime
    epoch: int = 0
    position: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The newest published value of one key."""

    key: str
    revision: int
    value: str


async def append(tx: Tx, entries: Iterable[Entry]) -> int:
    """Add entries in order; returns how many were new. An id seen before is left as it was."""
    rows = [
        {"id": e.id, "kind": e.kind, "key": e.key, "value": e.value, "at": e.at} for e in entries
    ]
    return await tx.insert_new(log_entry, rows, key=("id",))


async def read(
    tx: Tx, consumer: str, kinds: Sequence[str], *, entries_max: int = READ_ENTRIES_MAX
) -> list[Entry]:
    """The next entries for a consumer, oldest first. On PostgreSQL the cursor stays locked."""
    cursor = select(log_cursor.c.epoch, log_cursor.c.position).where(
        log_cursor.c.consumer == consumer
    )
    row = await tx.first(cursor.with_for_update())
    epoch, position = (row.epoch, row.position) if row else (0, 0)
    return await after(tx, epoch, position, kinds=kinds, entries_max=entries_max)


async def after(
    tx: Tx,
    epoch: int,
    position: int,
    *,
    kinds: Sequence[str] = (),
    entries_max: int = READ_ENTRIES_MAX,
) -> list[Entry]:
    """Entries behind a place in the log, oldest first, of the given kinds or of all."""
    c = log_entry.c
    behind = or_(c.epoch > epoch, and_(c.epoch == epoch, c.position > position))
    query = select(log_entry).where(behind).order_by(c.epoch, c.position).limit(entries_max)
    if kinds:
        query = query.where(c.kind.in_(list(kinds)))
    if tx.engine == "postgresql":
        oldest_running = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
        query = query.where(c.epoch < literal_column(oldest_running))
    return [Entry(**row._mapping) for row in await tx.rows(query)]


async def advance(tx: Tx, consumer: str, entry: Entry) -> None:
    """Remember that a consumer has dealt with everything up to and including this entry."""
    row = {"consumer": consumer, "epoch": entry.epoch, "position": entry.position}
    await tx.upsert(log_cursor, [row], key=("consumer",))


async def latest(tx: Tx, *, entries_max: int) -> list[Entry]:
    """The newest entries, newest first, for people."""
    query = select(log_entry).order_by(log_entry.c.epoch.desc(), log_entry.c.position.desc())
    return [Entry(**row._mapping) for row in await tx.rows(query.limit(entries_max))]


async def publish(tx: Tx, topic: str, snapshots: Sequence[Snapshot]) -> None:
    """Replace the newest value of each key, where the revision is a higher one."""
    rows = [
        {"topic": topic, "key": s.key, "revision": s.revision, "value": s.value} for s in snapshots
    ]
    await tx.upsert(snapshot, rows, key=("topic", "key"), rising="revision")


async def newest(tx: Tx, topic: str, keys: Sequence[str]) -> Mapping[str, Snapshot]:
    """The newest snapshot of each key that has one."""
    c = snapshot.c
    query = select(c.key, c.revision, c.value).where(c.topic == topic, c.key.in_(list(keys)))
    return {row.key: Snapshot(**row._mapping) for row in await tx.rows(query)}


async def keys_after(tx: Tx, topic: str, key: str, *, keys_max: int) -> list[str]:
    """The published keys of a topic behind a key, in order: for a replay in pages."""
    c = snapshot.c
    query = select(c.key).where(c.topic == topic, c.key > key).order_by(c.key).limit(keys_max)
    return [row.key for row in await tx.rows(query)]


async def count(tx: Tx, topic: str) -> int:
    """How many keys a topic has."""
    query = select(func.count()).select_from(snapshot).where(snapshot.c.topic == topic)
    return int(await tx.scalar(query))
