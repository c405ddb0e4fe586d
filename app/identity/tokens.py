"""API tokens: shown once when made, kept as a hash alone."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from sqlalchemy import Column, String, Table, func, select

from runtime.chance import Chance
from runtime.secrets import token_hash
from runtime.store import Instant, Store, Tx, metadata
from terms.errors import Invalid

TOKEN_FILE = "api-token"  # noqa: S105 - the name of a file
TOKEN_BYTES = 32
TOKEN_CHARS_MAX = 200
API = "api:"  # before the name of a token, in the name of whoever acts by it
NAME_CHARS_MAX = 76  # with that, as many as an actor may have

api_token = Table(
    "api_token",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("made_at", Instant, nullable=False),
)


async def name_of(tx: Tx, token: str) -> str | None:
    """Tell the name under which this token was made here; None for any other text."""
    if not 0 < len(token) <= TOKEN_CHARS_MAX:
        return None
    query = select(api_token.c.name).where(api_token.c.hash == token_hash(token))
    row = await tx.first(query)
    return None if row is None else str(row.name)


def actor_of(name: str) -> str:
    """Name whoever acts by a token of this name."""
    return f"{API}{name}"


async def make(tx: Tx, name: str, chance: Chance, now: datetime) -> str:
    """Make a token and return it; only its hash stays. Raises Invalid for an odd name."""
    if not (0 < len(name) <= NAME_CHARS_MAX and name.isprintable()):
        raise Invalid("name", f"1 to {NAME_CHARS_MAX} printable characters")
    token = f"bxo_{chance.token(TOKEN_BYTES)}"
    await tx.insert(api_token, [{"hash": token_hash(token), "name": name, "made_at": now}])
    return token


async def make_first(store: Store, data_dir: Path, chance: Chance, now: datetime) -> None:
    """Make the first token of a new database and leave it in the data folder, for its owner."""
    async with store.begin() as tx:
        if await tx.scalar(select(func.count()).select_from(api_token)):
            return
        token = await make(tx, "first", chance, now)
        _write_private(data_dir / TOKEN_FILE, token)


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
    beside.replace(path)
