"""Who did what to whom, and why. The table only grows; the database refuses anything else.

Each deed is linked to the one before it once it is committed (`chain`). Why it is done is said with
the deed, or once for all that is done under `because`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text, select

from runtime.store.chain import announce
from runtime.store.schema import Instant, metadata
from runtime.store.unit import Tx

audit = Table(
    "audit",
    metadata,
    Column(
        "position",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("at", Instant, nullable=False),
    Column("actor", String(80), nullable=False),
    Column("action", String(80), nullable=False),
    Column("subject", String(160), nullable=False),
    Column("reason", Text, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Index(None, "subject", "position"),
    Index(None, "actor", "position"),
    Index(None, "at"),
    sqlite_autoincrement=True,
)


_WHY: ContextVar[str] = ContextVar("why", default="")


@contextmanager
def because(reason: str) -> Iterator[None]:
    """Have this be the reason of every deed that says none of its own."""
    token = _WHY.set(reason)
    try:
        yield
    finally:
        _WHY.reset(token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One act of a person or a program. `before` and `after` are texts, opaque here."""

    at: datetime
    actor: str
    action: str
    subject: str
    reason: str = ""
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A deed and its place in the table; later ones have higher places."""

    position: int
    deed: Deed


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which deeds: done to any of these, by one, since an instant, before one.

    Whatever is left open is all.
    """

    subjects: Sequence[str] = ()
    actor: str = ""
    since: datetime | None = None
    before: datetime | None = None


EVERYTHING = Wanted()


async def record(tx: Tx, deeds: Sequence[Deed]) -> None:
    """Write down what is being done, in the transaction that does it."""
    names = [one.name for one in fields(Deed)]
    rows = [{name: getattr(deed, name) for name in names} for deed in deeds]
    for row in rows:
        row["reason"] = row["reason"] or _WHY.get()
    await announce(tx)
    await tx.insert(audit, rows)


async def history(tx: Tx, subject: str, *, deeds_max: int = 100) -> list[Deed]:
    """Return what was done to one subject, newest first."""
    wanted = Wanted(subjects=(subject,))
    return [line.deed for line in await lines(tx, wanted, lines_max=deeds_max)]


async def lines(
    tx: Tx, wanted: Wanted = EVERYTHING, *, lines_max: int = 100, behind: int | None = None
) -> list[Line]:
    """Return what was done, newest first, perhaps behind a position."""
    c = audit.c
    query = select(audit)
    if wanted.subjects:
        query = query.where(c.subject.in_(wanted.subjects))
    if wanted.actor:
        query = query.where(c.actor == wanted.actor)
    if wanted.since is not None:
        # Rows are found by their place: that of the first of the time leads into the same index.
        earliest = select(c.position).where(c.at >= wanted.since)
        first = earliest.order_by(c.at, c.position).limit(1)
        query = query.where(c.position >= first.scalar_subquery())
    if wanted.before is not None:
        query = query.where(c.at < wanted.before)
    if behind is not None:
        query = query.where(c.position < behind)
    rows = await tx.rows(query.order_by(c.position.desc()).limit(lines_max))
    return [_line(row._asdict()) for row in rows]


def _line(told: dict[str, Any]) -> Line:
    return Line(position=told.pop("position"), deed=Deed(**told))
