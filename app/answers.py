"""What callers were told under an Idempotency-Key: the same request again is told the same.

The answer is kept in the transaction that changes something, so that both stand or neither does.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, Index, Integer, String, Table, Text, delete, select, tuple_

from runtime.store import Instant, Tx, metadata

KEY_CHARS_MAX = 255
KEPT = timedelta(hours=24)
SWEEP_ROWS_MAX = 500

kept_answer = Table(
    "kept_answer",
    metadata,
    Column("caller", String(64), primary_key=True),
    Column("key", String(KEY_CHARS_MAX), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("kept_at", Instant, nullable=False),
    Index(None, "kept_at"),
)
_C = kept_answer.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that is to be done once: whose, under which key, and what was asked."""

    caller: str
    key: str
    fingerprint: str

    @property
    def once(self) -> str:
        """Name the request, whoever hears of it; tells nothing of the key."""
        return _digest(self.caller, self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was told, and of which request."""

    fingerprint: str
    status: int
    body: str


def fingerprint(method: str, path: str, body: bytes) -> str:
    """Tell one request from another."""
    return _digest(method, path, body)


async def claim(tx: Tx, asked: Asked) -> Answer | bool:
    """Find what was told already; else whether nobody else is at it right now.

    On SQLite there is one writer, so that nobody is. Elsewhere the claim ends with the transaction.
    """
    is_free = True
    if tx.engine == "postgresql":
        lock = "SELECT pg_try_advisory_xact_lock($1)"
        number = int.from_bytes(bytes.fromhex(asked.once[:16]), signed=True)
        is_free = bool((await tx.fetch(lock, (number,)))[0][0])
    return await find(tx, asked) or is_free


async def find(tx: Tx, asked: Asked) -> Answer | None:
    """Find what was told already."""
    mark = ("$1", "$2") if tx.engine == "postgresql" else ("?", "?")
    query = "SELECT fingerprint, status, body FROM kept_answer WHERE caller = {} AND key = {}"
    rows = await tx.fetch(query.format(*mark), (asked.caller, asked.key))
    return Answer(fingerprint=rows[0][0], status=rows[0][1], body=rows[0][2]) if rows else None


async def keep(tx: Tx, asked: Asked, status: int, body: str, now: datetime) -> bool:
    """Keep what is being told; whether nothing was kept under this key before."""
    row = {
        "caller": asked.caller,
        "key": asked.key,
        "fingerprint": asked.fingerprint,
        "status": status,
        "body": body,
        "kept_at": now,
    }
    return await tx.insert_new(kept_answer, [row], key=("caller", "key")) == 1


async def sweep(tx: Tx, now: datetime) -> int:
    """Forget the oldest answers, so many at a time; returns how many."""
    old = select(_C.caller, _C.key).where(_C.kept_at < now - KEPT)
    old = old.order_by(_C.kept_at).limit(SWEEP_ROWS_MAX)
    gone = await tx.execute(delete(kept_answer).where(tuple_(_C.caller, _C.key).in_(old)))
    return gone.rowcount


def _digest(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8) + raw)
    return digest.hexdigest()
