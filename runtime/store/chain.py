"""The chain over the deeds: each link carries the hash of its deed and of the link before.

Links are made after the commit, in the order of the deeds' places, by one transaction at a time:
whoever writes a deed waits for nobody, but announces the place behind which he does, and nobody
links past the lowest announced. The chain shows what was done to a linked deed; it refuses nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table, select

from runtime.store.alone import Alone, alone
from runtime.store.rules import Offence, Walk
from runtime.store.schema import metadata
from runtime.store.unit import Tx

SEALED_ROWS_MAX = 1_000
LOOKED_ROWS_MAX = 2_000
_PLACE = BigInteger().with_variant(Integer, "sqlite")

audit_link = Table(
    "audit_link",
    metadata,
    Column("n", _PLACE, primary_key=True, autoincrement=False),
    Column("deed", BigInteger, ForeignKey("audit.position"), nullable=False, unique=True),
    Column("digest", String(64), nullable=False),
)

# Beside the locks of the log and of whoever wants to be alone.
_SPACE = 8082
_ANNOUNCE = f"""
    SELECT pg_advisory_xact_lock_shared({_SPACE}, (CASE WHEN is_called THEN last_value ELSE 0 END
        )::integer)
    FROM audit_position_seq
"""  # noqa: S608 - a constant of ours
_GIVEN_OUT = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM audit_position_seq"
_ANNOUNCED = f"""
    SELECT min(objid::bigint) FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 2 AND classid = {_SPACE} AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""  # noqa: S608 - a constant of ours
_DEED = 'a.position, a.at, a.actor, a.action, a.subject, a.reason, a."before", a."after"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One link: the manieth it is, the place of its deed, and the hash of all up to it."""

    n: int
    deed: int
    digest: str


START = Link(n=0, deed=0, digest="")


def digest_of(before: str, n: int, deed: Sequence[Any]) -> str:
    """Hash a deed, in the order of its columns, with its number and the link before it."""
    return hashlib.sha256(orjson.dumps([before, n, *deed])).hexdigest()


def linked(last: Link, deeds: Sequence[Sequence[Any]]) -> list[Link]:
    """Make the links of deeds that follow one another."""
    made = []
    for deed in deeds:
        n = last.n + 1
        last = Link(n=n, deed=deed[0], digest=digest_of(last.digest, n, deed))
        made.append(last)
    return made


async def announce(tx: Tx) -> None:
    """Say that deeds are about to be written; for whoever writes them, and waits for nobody."""
    if tx.engine == "postgresql" and tx.is_first("audit.record"):
        await tx.fetch(_ANNOUNCE)


async def is_behind(tx: Tx) -> bool:
    """Tell whether there are deeds without a link; locks nothing."""
    (newest,) = (await tx.fetch("SELECT COALESCE(MAX(position), 0) FROM audit"))[0]
    return bool(newest > (await newest_link(tx)).deed)


async def seal(tx: Tx) -> Sequence[Link]:
    """Link the next deeds that are committed for certain; returns the links."""
    await alone(tx, Alone.SEAL_DEEDS)
    last = await newest_link(tx)
    safe = await _safe_place(tx)
    deeds = await tx.fetch(
        f"SELECT {_DEED} FROM audit a WHERE a.position > {last.deed:d} "  # noqa: S608 - numbers
        f"AND a.position <= {safe:d} ORDER BY a.position LIMIT {SEALED_ROWS_MAX}"
    )
    made = linked(last, deeds)
    await tx.insert(
        audit_link, [{"n": one.n, "deed": one.deed, "digest": one.digest} for one in made]
    )
    return made


async def newest_link(tx: Tx) -> Link:
    """Return the last link; START where there is none."""
    c = audit_link.c
    row = await tx.first(select(audit_link).order_by(c.n.desc()).limit(1))
    return Link(**row._asdict()) if row else START


async def link(tx: Tx, n: int) -> Link | None:
    """Return a link by its number."""
    row = await tx.first(select(audit_link).where(audit_link.c.n == n))
    return Link(**row._asdict()) if row else None


async def _safe_place(tx: Tx) -> int:
    """Return the place up to which every deed is committed or never will be.

    As the log does it: three statements in this order, the query itself being the third.
    """
    if tx.engine == "sqlite":
        return int((await tx.fetch("SELECT COALESCE(MAX(position), 0) FROM audit"))[0][0])
    given_out: int = (await tx.fetch(_GIVEN_OUT))[0][0]
    announced: int | None = (await tx.fetch(_ANNOUNCED))[0][0]
    return given_out if announced is None else min(given_out, announced)


async def _breaks(tx: Tx) -> AsyncIterator[Offence]:
    """Walk along the chain and yield each deed or link that is not as it was."""
    last = START
    while links := await _page(tx, last.n):
        for n, position, digest, *deed in links:
            if n != last.n + 1:
                yield Offence(key=str(position), told=f"link {n} follows link {last.n}")
            if deed[0] is None:
                yield Offence(key=str(position), told="is gone")
            elif digest != digest_of(last.digest, n, deed):
                yield Offence(key=str(position), told=f"is not as it was linked: {_named(deed)}")
            last = Link(n=n, deed=position, digest=digest)
    slipped_in = await tx.fetch(
        f"SELECT {_DEED} FROM audit a WHERE a.position <= {last.deed:d} "  # noqa: S608 - a number
        "AND NOT EXISTS (SELECT 1 FROM audit_link l WHERE l.deed = a.position) "
        "ORDER BY a.position"
    )
    for one in slipped_in:
        yield Offence(key=str(one[0]), told=f"was slipped in: {_named(one)}")


async def _page(tx: Tx, behind: int) -> Sequence[Sequence[Any]]:
    return await tx.fetch(
        f"SELECT l.n, l.deed, l.digest, {_DEED} FROM audit_link l "  # noqa: S608 - numbers
        f"LEFT JOIN audit a ON a.position = l.deed WHERE l.n > {behind:d} "
        f"ORDER BY l.n LIMIT {LOOKED_ROWS_MAX}"
    )


def _named(deed: Sequence[Any]) -> str:
    _, _, actor, action, subject, *_ = deed
    return f"{actor} {action} {subject}"


UNBROKEN = Walk(
    code="I11",
    says="each linked deed is as it was written, and none is missing or slipped in",
    breaks=_breaks,
)
