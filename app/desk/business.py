"""Whose business this is: what operator.toml said at the last import."""

from __future__ import annotations

from dataclasses import dataclass

from app.imports import memory
from billing.reads import currencies
from runtime.store import Tx
from terms.errors import DomainError, Invalid

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


async def check_currency(tx: Tx, currency: str) -> None:
    """Raise Invalid for a currency that is not the operator's, in no price, and of no account."""
    known = await find(tx)
    if known and currency == known.currency:
        return
    if not await currencies.is_used(tx, currency):
        raise Invalid("currency", f"nothing is sold in {currency}, and no account is kept in it")
