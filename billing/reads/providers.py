"""The payment providers that are set up, as far as it can be told without their secrets."""

from __future__ import annotations

from sqlalchemy import select

from billing.payments.store import payment_provider
from runtime.store import Tx


async def sealed(tx: Tx) -> dict[str, str]:
    """Give the sealed options of every provider, by name."""
    c = payment_provider.c
    rows = await tx.rows(select(c.name, c.options).order_by(c.name))
    return {row.name: row.options for row in rows}
