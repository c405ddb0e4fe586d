"""Which currencies there are: those of a price, and those that accounts are kept in."""

from __future__ import annotations

from sqlalchemy import exists, or_, select

from billing.accounts.store import account
from billing.catalog.store import price
from runtime.store import Tx


async def is_used(tx: Tx, currency: str) -> bool:
    """Whether anything has a price in a currency, or an account is kept in it."""
    priced = exists().where(price.c.currency == currency)
    kept = exists().where(account.c.currency == currency)
    return bool(await tx.scalar(select(or_(priced, kept))))
