"""People who may sign in: name, role, password hash; disabled, never deleted.

A person's id is what other tables and the audit keep; the hash leaves this file only for a check.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Row, String, Table, bindparam, select, update

from app.identity.passwords import HASH_CHARS_MAX
from app.identity.roles import ROLE_CHARS_MAX, ROLES
from runtime.store import Instant, Tx, metadata
from runtime.store.prepared import PreparedQuery
from terms.errors import Duplicate, Invalid, NotFound

NAME_CHARS_MAX = 40
DISPLAY_CHARS_MAX = 80
PEOPLE_MAX = 1_000
PERSON = KIND = "person"  # the kind of an actor
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{1,39}")

person = Table(
    "person",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("name", String(NAME_CHARS_MAX), nullable=False, unique=True),
    Column("display", String(DISPLAY_CHARS_MAX), nullable=False),
    Column("role", String(ROLE_CHARS_MAX), nullable=False),
    Column("password_hash", String(HASH_CHARS_MAX), nullable=False),
    Column("password_at", Instant, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("disabled_at", Instant),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who may sign in, or might once."""

    id: str
    name: str
    display: str
    role: str
    made_at: datetime
    password_at: datetime
    disabled_at: datetime | None = None

    @property
    def actor(self) -> str:
        """How the audit and others call this person."""
        return f"{PERSON}:{self.id}"


COLUMNS = tuple(person.c[name] for name in Person.__dataclass_fields__)


def read_name(text: str) -> str:
    """Read a sign-in name. Raises Invalid."""
    name = text.strip().lower()
    if not _NAME.fullmatch(name):
        raise Invalid("name", f"2 to {NAME_CHARS_MAX} of a-z, 0-9 and . _ @ -, like anna.k")
    return name


def read_display(text: str, name: str) -> str:
    """Read the name that others see; the sign-in name where there is none. Raises Invalid."""
    display = " ".join(text.split()) or name
    if len(display) > DISPLAY_CHARS_MAX or not display.isprintable():
        raise Invalid("display", f"at most {DISPLAY_CHARS_MAX} characters that can be printed")
    return display


def read_role(text: str) -> str:
    """Read a role. Raises Invalid."""
    if text not in ROLES:
        raise Invalid("role", f"it is none of {', '.join(ROLES)}")
    return text


async def find(tx: Tx, name: str) -> Person:
    """Find somebody by sign-in name. Raises NotFound."""
    row = await tx.first(select(*COLUMNS).where(person.c.name == name.strip().lower()))
    if row is None:
        raise NotFound(f"there is nobody called {name[:NAME_CHARS_MAX]!r}")
    return of_row(row)


async def get(tx: Tx, person_id: str) -> Person:
    """Find somebody by id. Raises NotFound."""
    row = await tx.first(select(*COLUMNS).where(person.c.id == person_id))
    if row is None:
        raise NotFound("there is no such person")
    return of_row(row)


async def with_hash(tx: Tx, name: str) -> tuple[Person, str] | None:
    """Find who may sign in under a name, with the hash; None where nobody may."""
    c = person.c
    query = select(*COLUMNS, c.password_hash)
    row = await tx.first(query.where(c.name == name, c.disabled_at.is_(None)))
    return (of_row(row), row.password_hash) if row else None


async def by_id(tx: Tx, person_id: str) -> Person | None:
    """Find who may sign in by id; None where nobody may."""
    rows = await _BY_ID.rows(tx, {"id": person_id})
    return of_row(rows[0]) if rows else None


_BY_ID = PreparedQuery(
    lambda _engine: select(*COLUMNS).where(
        person.c.id == bindparam("id"), person.c.disabled_at.is_(None)
    )
)


async def roles_of(tx: Tx, ids: Collection[str]) -> Mapping[str, str]:
    """Tell the roles of those of some people who may sign in, by id."""
    c = person.c
    query = select(c.id, c.role).where(c.id.in_(sorted(ids)), c.disabled_at.is_(None))
    return {row.id: row.role for row in await tx.rows(query)} if ids else {}


async def listing(tx: Tx) -> Sequence[Person]:
    """List everybody by name."""
    rows = await tx.rows(select(*COLUMNS).order_by(person.c.name).limit(PEOPLE_MAX))
    return [of_row(row) for row in rows]


async def roles(tx: Tx) -> frozenset[str]:
    """Name the roles of all who could sign in; empty where nobody could."""
    query = select(person.c.role).where(person.c.disabled_at.is_(None)).distinct()
    return frozenset(row.role for row in await tx.rows(query))


async def add(tx: Tx, one: Person, password_hash: str) -> None:
    """Add somebody. Raises Duplicate where the name is taken."""
    row = {name: getattr(one, name) for name in Person.__dataclass_fields__}
    new = await tx.insert_new(person, [{**row, "password_hash": password_hash}], key=("name",))
    if not new:
        raise Duplicate(f"somebody is called {one.name!r} already")


async def set_password(tx: Tx, person_id: str, password_hash: str, now: datetime) -> None:
    """Keep another password."""
    await _change(tx, person_id, password_hash=password_hash, password_at=now)


async def keep_hash(tx: Tx, person_id: str, password_hash: str) -> None:
    """Keep another hash of the same password."""
    await _change(tx, person_id, password_hash=password_hash)


async def set_disabled(tx: Tx, person_id: str, disabled_at: datetime | None) -> None:
    """Let somebody sign in no more, or again."""
    await _change(tx, person_id, disabled_at=disabled_at)


async def set_role(tx: Tx, person_id: str, role: str) -> None:
    """Keep another role."""
    await _change(tx, person_id, role=role)


async def locked(tx: Tx, role: str) -> frozenset[str]:
    """Name who of a role may sign in, by id. Nobody changes them until this transaction ends."""
    c = person.c
    # In one order, so that two who do this at once wait for each other and never both.
    query = select(c.id).where(c.role == role, c.disabled_at.is_(None)).order_by(c.id)
    return frozenset(row.id for row in await tx.rows(query.with_for_update()))


def of_row(row: Row[Any]) -> Person:
    """Read a row that holds at least COLUMNS, first."""
    return Person(**dict(zip(Person.__dataclass_fields__, row, strict=False)))


async def _change(tx: Tx, person_id: str, **values: object) -> None:
    await tx.execute(update(person).where(person.c.id == person_id).values(values))
