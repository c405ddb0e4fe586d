"""How fast somebody may guess or call: so many at once, then one every so often (a leaky bucket).

A key is a name, an address, a token, everybody together; the caller says which. What is kept of a
key is one instant: when it would be as fresh as new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, String, Table, delete, select

from runtime.store import Instant, Tx, metadata

KEY_CHARS_MAX = 100
NOTHING = timedelta(0)

guess = Table(
    "guess",
    metadata,
    Column("key", String(KEY_CHARS_MAX), primary_key=True),
    Column("fresh_at", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """`at_once` guesses, and another one for each `every` that passes."""

    at_once: int
    every: timedelta

    def wait(self, fresh_at: datetime, now: datetime) -> timedelta:
        """Tell how long until the next guess may be made."""
        return max(NOTHING, fresh_at - now - (self.at_once - 1) * self.every)

    def guessed(self, fresh_at: datetime, now: datetime) -> datetime:
        """Tell when the key is fresh again after one more guess."""
        return max(fresh_at, now) + self.every


Paces = Mapping[str, Pace]


async def wait(tx: Tx, paces: Paces, now: datetime) -> timedelta:
    """Tell how long until a guess at all of these keys may be made; writes nothing."""
    rows = await tx.rows(select(guess.c.key, guess.c.fresh_at).where(guess.c.key.in_(paces)))
    return max((paces[row.key].wait(row.fresh_at, now) for row in rows), default=NOTHING)


async def take(tx: Tx, paces: Paces, now: datetime) -> timedelta:
    """Count one guess at each key; where one has to wait, tell how long and count none.

    Counted before the guess is looked at, so that many at once are not looked at all.
    """
    keys = sorted(paces)  # all lock in one order
    await tx.insert_new(guess, [{"key": key, "fresh_at": now} for key in keys], key=("key",))
    query = select(guess.c.key, guess.c.fresh_at).where(guess.c.key.in_(keys))
    rows = await tx.rows(query.order_by(guess.c.key).with_for_update())
    longest = max(paces[row.key].wait(row.fresh_at, now) for row in rows)
    if not longest:
        taken = [
            {"key": row.key, "fresh_at": paces[row.key].guessed(row.fresh_at, now)} for row in rows
        ]
        await tx.upsert(guess, taken, key=("key",))
    return longest


async def give_back(tx: Tx, paces: Paces) -> None:
    """Take one guess off each key: it was right."""
    query = select(guess.c.key, guess.c.fresh_at).where(guess.c.key.in_(sorted(paces)))
    rows = await tx.rows(query.order_by(guess.c.key).with_for_update())
    eased = [{"key": row.key, "fresh_at": row.fresh_at - paces[row.key].every} for row in rows]
    await tx.upsert(guess, eased, key=("key",))


async def forget(tx: Tx, keys: Sequence[str]) -> None:
    """Make keys as fresh as new."""
    for key in sorted(keys):
        await tx.execute(delete(guess).where(guess.c.key == key))


async def clean(tx: Tx, now: datetime) -> None:
    """Drop what is fresh anyway; in a transaction of its own, as it locks in no order."""
    await tx.execute(delete(guess).where(guess.c.fresh_at < now))
