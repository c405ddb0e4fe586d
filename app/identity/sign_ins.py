"""Sign-ins: one row per browser that somebody signed in with, ended by time, by hand or by its own.

The browser holds long chance, the database its hash alone. A second such text tells a known
browser, where its person has signed in before, from a stranger's; it opens nothing. Those of the
operator's people and those of subscribers stand in tables of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Index,
    Row,
    Select,
    String,
    Table,
    bindparam,
    delete,
    select,
    update,
)

from runtime.secrets import token_hash
from runtime.store import Instant, Tx, metadata
from runtime.store.prepared import PreparedQuery

LABEL_CHARS_MAX = 80
TOKEN_CHARS_MAX = 100
LIVE_MAX = 20  # of one person
KNOWN_FOR = timedelta(days=180)


def _table(name: str, owner: str) -> Table:
    """Declare the sign-ins of those whose ids stand in a column of that name."""
    return Table(
        name,
        metadata,
        Column("id", String(26), primary_key=True),
        Column(owner, String(26), nullable=False),
        Column("token_hash", String(64), nullable=False, unique=True),
        Column("browser_hash", String(64), nullable=False),
        Column("label", String(LABEL_CHARS_MAX), nullable=False),
        Column("made_at", Instant, nullable=False),
        Column("last_seen_at", Instant, nullable=False),
        Column("ends_at", Instant, nullable=False),
        Column("ended_at", Instant),
        Index(None, owner, "made_at"),
    )


sign_in = _table("sign_in", "person_id")
subscriber_sign_in = _table("subscriber_sign_in", "account_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """One browser's sign-in. `ends_at` comes whatever its person does."""

    id: str
    person_id: str
    label: str
    made_at: datetime
    last_seen_at: datetime
    ends_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """How long a sign-in lasts: unused, and at most."""

    idle: timedelta
    longest: timedelta

    def is_live(self, one: SignIn, now: datetime) -> bool:
        """Whether it still opens anything."""
        return one.ended_at is None and now < min(one.ends_at, one.last_seen_at + self.idle)


class SignIns:
    """The sign-ins of one table, by a column of it that holds whose they are."""

    def __init__(self, table: Table, owner: str) -> None:
        self._table = table
        self._c = table.c
        self._owner = table.c[owner]
        names = SignIn.__dataclass_fields__
        self._columns = tuple(self._owner if one == "person_id" else table.c[one] for one in names)
        of_token = table.c.token_hash == bindparam("token_hash")
        self._by_token = PreparedQuery(lambda _engine: select(*self._columns).where(of_token))

    async def add(self, tx: Tx, one: SignIn, *, token: str, browser: str) -> None:
        """Keep a new one."""
        values = (getattr(one, name) for name in SignIn.__dataclass_fields__)
        row = {column.name: value for column, value in zip(self._columns, values, strict=True)}
        hashes = {"token_hash": token_hash(token), "browser_hash": token_hash(browser)}
        await tx.insert(self._table, [{**row, **hashes}])

    async def find(self, tx: Tx, token: str) -> SignIn | None:
        """Find the sign-in of a browser's token; None where there is none."""
        if not 0 < len(token) <= TOKEN_CHARS_MAX:
            return None
        rows = await self._by_token.rows(tx, {"token_hash": token_hash(token)})
        return _of_row(rows[0]) if rows else None

    async def by_id(self, tx: Tx, sign_in_id: str) -> SignIn | None:
        """Find a sign-in; None where there is none."""
        return await self._found(tx, self._c.id == sign_in_id)

    async def is_known(self, tx: Tx, person_id: str, browser: str, now: datetime) -> bool:
        """Whether somebody has signed in with this browser lately, and took nothing back."""
        c = self._c
        query = select(c.id).where(self._owner == person_id, c.browser_hash == token_hash(browser))
        return await tx.scalar(query.where(c.last_seen_at > now - KNOWN_FOR).limit(1)) is not None

    async def live(
        self, tx: Tx, person_id: str, lasting: Lasting, now: datetime
    ) -> Sequence[SignIn]:
        """List somebody's sign-ins that still open something, the newest first."""
        found = [_of_row(row) for row in await tx.rows(self._open(person_id))]
        return [one for one in found if lasting.is_live(one, now)]

    async def touch(self, tx: Tx, sign_in_id: str, now: datetime) -> None:
        """Note that it was used."""
        c = self._c
        used = update(self._table).where(c.id == sign_in_id, c.last_seen_at < now)
        await tx.execute(used.values(last_seen_at=now))

    async def end(self, tx: Tx, ids: Sequence[str], now: datetime) -> None:
        """End some, as their person wishes; the browser stays known."""
        c = self._c
        some = update(self._table).where(c.id.in_(ids), c.ended_at.is_(None))
        await tx.execute(some.values(ended_at=now))

    async def revoke(self, tx: Tx, ids: Sequence[str], now: datetime) -> None:
        """End some and forget their browsers."""
        await self.end(tx, ids, now)
        await tx.execute(update(self._table).where(self._c.id.in_(ids)).values(browser_hash=""))

    async def revoke_all(self, tx: Tx, person_id: str, now: datetime) -> None:
        """End all of somebody and forget every browser of theirs."""
        theirs = update(self._table).where(self._owner == person_id)
        await tx.execute(theirs.where(self._c.ended_at.is_(None)).values(ended_at=now))
        await tx.execute(theirs.values(browser_hash=""))

    async def make_room(self, tx: Tx, person_id: str, now: datetime) -> None:
        """End the oldest beyond the limit, and drop what is long over."""
        found = await tx.rows(self._open(person_id))
        await self.end(tx, [row.id for row in found[LIVE_MAX - 1 :]], now)
        c = self._c
        old = (self._owner == person_id, c.ends_at < now, c.last_seen_at < now - KNOWN_FOR)
        await tx.execute(delete(self._table).where(*old))

    async def _found(self, tx: Tx, which: ColumnElement[bool]) -> SignIn | None:
        row = await tx.first(select(*self._columns).where(which))
        return _of_row(row) if row else None

    def _open(self, person_id: str) -> Select[Any]:
        c = self._c
        query = select(*self._columns).where(self._owner == person_id, c.ended_at.is_(None))
        return query.order_by(c.made_at.desc(), c.id.desc())


OF_PEOPLE = SignIns(sign_in, "person_id")
OF_SUBSCRIBERS = SignIns(subscriber_sign_in, "account_id")


def _of_row(row: Row[Any]) -> SignIn:
    return SignIn(**dict(zip(SignIn.__dataclass_fields__, row, strict=True)))
