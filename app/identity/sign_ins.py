"""Sign-ins: one row per browser that somebody signed in with, ended by time, by hand or by its own.

The browser holds long chance, the database its hash alone. A second such text tells a known
browser, where its person has signed in before, from a stranger's; it opens nothing.
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
    delete,
    select,
    update,
)

from app.identity import people
from app.identity.people import Person, person
from runtime.secrets import token_hash
from runtime.store import Instant, Tx, metadata

LABEL_CHARS_MAX = 80
TOKEN_CHARS_MAX = 100
LIVE_MAX = 20  # of one person
KNOWN_FOR = timedelta(days=180)

sign_in = Table(
    "sign_in",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("person_id", String(26), nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("browser_hash", String(64), nullable=False),
    Column("label", String(LABEL_CHARS_MAX), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Index(None, "person_id", "made_at"),
)


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


COLUMNS = tuple(sign_in.c[name] for name in SignIn.__dataclass_fields__)


async def add(tx: Tx, one: SignIn, *, token: str, browser: str) -> None:
    """Keep a new one."""
    row = {name: getattr(one, name) for name in SignIn.__dataclass_fields__}
    hashes = {"token_hash": token_hash(token), "browser_hash": token_hash(browser)}
    await tx.insert(sign_in, [{**row, **hashes}])


async def find(tx: Tx, token: str) -> tuple[SignIn, Person] | None:
    """Find whose sign-in a browser's token is; None where it is nobody's, or of one disabled."""
    if not 0 < len(token) <= TOKEN_CHARS_MAX:
        return None
    return await _found(tx, sign_in.c.token_hash == token_hash(token))


async def by_id(tx: Tx, sign_in_id: str) -> tuple[SignIn, Person] | None:
    """Find a sign-in and its person; None where there is none, or of one disabled."""
    return await _found(tx, sign_in.c.id == sign_in_id)


async def _found(tx: Tx, which: ColumnElement[bool]) -> tuple[SignIn, Person] | None:
    query = select(*COLUMNS, *people.COLUMNS).join(person, person.c.id == sign_in.c.person_id)
    row = await tx.first(query.where(which, person.c.disabled_at.is_(None)))
    return (_of_row(row), Person(**_named(row, Person, len(COLUMNS)))) if row else None


async def is_known(tx: Tx, person_id: str, browser: str, now: datetime) -> bool:
    """Whether somebody has signed in with this browser lately, and took nothing back."""
    c = sign_in.c
    query = select(c.id).where(c.person_id == person_id, c.browser_hash == token_hash(browser))
    return await tx.scalar(query.where(c.last_seen_at > now - KNOWN_FOR).limit(1)) is not None


async def live(tx: Tx, person_id: str, lasting: Lasting, now: datetime) -> Sequence[SignIn]:
    """List a person's sign-ins that still open something, the newest first."""
    found = [_of_row(row) for row in await tx.rows(_open(person_id))]
    return [one for one in found if lasting.is_live(one, now)]


async def touch(tx: Tx, sign_in_id: str, now: datetime) -> None:
    """Note that it was used."""
    c = sign_in.c
    await tx.execute(
        update(sign_in).where(c.id == sign_in_id, c.last_seen_at < now).values(last_seen_at=now)
    )


async def end(tx: Tx, ids: Sequence[str], now: datetime) -> None:
    """End some, as their person wishes; the browser stays known."""
    c = sign_in.c
    await tx.execute(
        update(sign_in).where(c.id.in_(ids), c.ended_at.is_(None)).values(ended_at=now)
    )


async def revoke(tx: Tx, ids: Sequence[str], now: datetime) -> None:
    """End some and forget their browsers."""
    await end(tx, ids, now)
    await tx.execute(update(sign_in).where(sign_in.c.id.in_(ids)).values(browser_hash=""))


async def revoke_all(tx: Tx, person_id: str, now: datetime) -> None:
    """End all of a person and forget every browser of theirs."""
    c = sign_in.c
    theirs = update(sign_in).where(c.person_id == person_id)
    await tx.execute(theirs.where(c.ended_at.is_(None)).values(ended_at=now))
    await tx.execute(theirs.values(browser_hash=""))


async def make_room(tx: Tx, person_id: str, now: datetime) -> None:
    """End the oldest beyond the limit, and drop what is long over."""
    found = await tx.rows(_open(person_id))
    await end(tx, [row.id for row in found[LIVE_MAX - 1 :]], now)
    c = sign_in.c
    old = (c.person_id == person_id, c.ends_at < now, c.last_seen_at < now - KNOWN_FOR)
    await tx.execute(delete(sign_in).where(*old))


def _open(person_id: str) -> Select[Any]:
    c = sign_in.c
    query = select(*COLUMNS).where(c.person_id == person_id, c.ended_at.is_(None))
    return query.order_by(c.made_at.desc(), c.id.desc())


def _of_row(row: Row[Any]) -> SignIn:
    return SignIn(**_named(row, SignIn, 0))


def _named(row: Row[Any], kind: type[SignIn | Person], first: int) -> dict[str, Any]:
    names = kind.__dataclass_fields__
    return dict(zip(names, row[first : first + len(names)], strict=True))
