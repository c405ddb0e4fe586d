"""Whose business this is: what operator.toml said at the last import."""

from __future__ import annotations

from dataclasses import dataclass

from app.imports import memory
from runtime.store import Tx
from terms.errors import DomainError

FILE = "operator.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """Name, money and place of the operator."""

    name: str
    currency: str
    zone: str
    locale: str
    country: str


async def find(tx: Tx) -> Business | None:
    """Read it; None before the first import."""
    cells = (await memory.remembered(tx, FILE)).get("operator")
    return Business(**cells) if cells else None


async def know(tx: Tx) -> Business:
    """Read it. Raises DomainError before the first import."""
    found = await find(tx)
    if found is None:
        raise DomainError("no operator yet: `boxoffice import FOLDER` brings one")
    return found
