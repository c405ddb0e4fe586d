"""API tokens: shown once when made, kept as a hash alone; each has a name and a scope.

A token that is revoked stays in the list and opens nothing; its name is free again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Column, String, Table, func, select, update

from runtime.chance import Chance
from runtime.secrets import token_hash
from runtime.store import Instant, Store, Tx, metadata
from runtime.store.alone import Alone, alone
from runtime.store.audit import Deed, record
from terms.errors import Duplicate, Invalid, NotFound

TOKEN_FILE = "api-token"  # noqa: S105 - the name of a file
TOKEN_BYTES = 32
TOKEN_CHARS_MAX = 200
TOKENS_MAX = 500
FIRST = "first"
API = "api:"  # before the name of a token, in the name of whoever acts by it
_NAME = re.compile(r"[0-9a-z][0-9a-z_.-]{0,39}")


class Scope(StrEnum):
    """What a token may do."""

    READ = "read"  # look at everything, change nothing
    WRITE = "write"  # everything


api_token = Table(
    "api_token",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("scope", String(8), nullable=False),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
)
_C = api_token.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Who calls by a token. `key` tells it from every other one; it opens nothing."""

    key: str
    name: str
    scope: Scope

    @property
    def actor(self) -> str:
        """Name the caller in histories."""
        return actor_of(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as a list shows it."""

    name: str
    scope: Scope
    made_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


def actor_of(name: str) -> str:
    """Name whoever acts by a token of this name."""
    return f"{API}{name}"


async def find(tx: Tx, token: str) -> Bearer | None:
    """Find who calls by this token; None where it was not made here, or is revoked."""
    if not 0 < len(token) <= TOKEN_CHARS_MAX:
        return None
    key = token_hash(token)
    rows = await tx.fetch(_FIND[tx.engine], (key,))
    return Bearer(key=key, name=rows[0][0], scope=Scope(rows[0][1])) if rows else None


_FIND = {
    "sqlite": "SELECT name, scope FROM api_token WHERE hash = ? AND revoked_at IS NULL",
    "postgresql": "SELECT name, scope FROM api_token WHERE hash = $1 AND revoked_at IS NULL",
}


async def used(tx: Tx, bearer: Bearer, now: datetime) -> None:
    """Note that a token was used."""
    await tx.execute(update(api_token).where(_C.hash == bearer.key).values(last_used_at=now))


async def listing(tx: Tx) -> list[Token]:
    """List all tokens, the oldest first."""
    columns = (_C.name, _C.scope, _C.made_at, _C.last_used_at, _C.revoked_at)
    rows = await tx.rows(select(*columns).order_by(_C.made_at, _C.hash).limit(TOKENS_MAX))
    return [Token(**{**row._asdict(), "scope": Scope(row.scope)}) for row in rows]


async def add(tx: Tx, name: str, scope: Scope, *, actor: str, chance: Chance, now: datetime) -> str:
    """Make a token for somebody and return it. Raises Invalid, and Duplicate for a name in use."""
    if not _NAME.fullmatch(name):
        raise Invalid("name", "small letters, digits and _ . - alone, at most 40")
    if await _live(tx, name):
        raise Duplicate(f"there is an API token {name!r} already: revoke it, or take another name")
    token = await make(tx, name, chance, now, scope=scope)
    await record(tx, [_deed(actor, "token.make", name, now, scope.value)])
    return token


async def revoke(tx: Tx, name: str, *, actor: str, now: datetime) -> None:
    """Let a token open nothing from now on. Raises NotFound."""
    if not (keys := await _live(tx, name)):
        raise NotFound(f"there is no API token {name!r}, or it is revoked already")
    await tx.execute(update(api_token).where(_C.hash.in_(keys)).values(revoked_at=now))
    await record(tx, [_deed(actor, "token.revoke", name, now)])


async def make(
    tx: Tx, name: str, chance: Chance, now: datetime, *, scope: Scope = Scope.WRITE
) -> str:
    """Make a token and return it; only its hash stays."""
    token = f"bxo_{chance.token(TOKEN_BYTES)}"
    row = {"hash": token_hash(token), "name": name, "made_at": now, "scope": scope.value}
    await tx.insert(api_token, [row | {"last_used_at": None, "revoked_at": None}])
    return token


async def make_first(store: Store, data_dir: Path, chance: Chance, now: datetime) -> None:
    """Make the first token of a new database and leave it in the data folder, for its owner."""
    async with store.begin() as tx:
        await alone(tx, Alone.FIRST_TOKEN)
        if await tx.scalar(select(func.count()).select_from(api_token)):
            return
        token = await make(tx, FIRST, chance, now)
        _write_private(data_dir / TOKEN_FILE, token)


async def _live(tx: Tx, name: str) -> Sequence[str]:
    """Find the token of a name that is not revoked; nobody else makes or revokes it meanwhile."""
    query = select(_C.hash).where(_C.name == name, _C.revoked_at.is_(None)).with_for_update()
    return [row.hash for row in await tx.rows(query)]


async def live_since(tx: Tx, names: Collection[str]) -> Mapping[str, datetime]:
    """Tell since when the tokens of some names open something, of those that do."""
    query = select(_C.name, func.min(_C.made_at).label("since"))
    query = query.where(_C.name.in_(sorted(names)), _C.revoked_at.is_(None)).group_by(_C.name)
    return {row.name: row.since for row in await tx.rows(query)} if names else {}


def _deed(actor: str, action: str, name: str, now: datetime, after: str | None = None) -> Deed:
    return Deed(at=now, actor=actor, action=action, subject=f"token:{name}", after=after)


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
    beside.replace(path)
