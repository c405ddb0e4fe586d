"""Payment providers are set up: kept in the database with their options sealed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from billing.payments.provider import Provider
from billing.payments.registry import open_provider
from billing.payments.store import payment_provider
from runtime.options import Origin
from runtime.resealing import reseal
from runtime.secrets import Sealer
from runtime.store import Tx
from terms.http import Http


def _place(name: str) -> str:
    return f"payment_provider/options/{name}"


async def configure(
    tx: Tx, sealer: Sealer, name: str, kind: str, options: Mapping[str, Any]
) -> bool:
    """Set a provider up, or change it; False where it is set up so already."""
    wished = json.dumps(dict(options), sort_keys=True)
    c = payment_provider.c
    held = await tx.first(select(c.kind, c.options).where(c.name == name))
    if held and held.kind == kind and sealer.open(held.options, place=_place(name)) == wished:
        return False
    row = {"name": name, "kind": kind, "options": sealer.seal(wished, place=_place(name))}
    await tx.upsert(payment_provider, [row], key=("name",))
    return True


async def open_providers(tx: Tx, sealer: Sealer, http: Http) -> dict[str, Provider]:
    """Open every provider that is set up, by name. Raises Invalid naming a wrong option."""
    rows = await tx.rows(select(payment_provider).order_by(payment_provider.c.name))
    return {
        row.name: open_provider(
            row.kind,
            name=row.name,
            options=json.loads(sealer.open(row.options, place=_place(row.name))),
            http=http,
            origin=Origin.KEPT,
        )
        for row in rows
    }


async def seal_anew(tx: Tx, sealer: Sealer) -> int:
    """Have the first master key seal the options of every provider; returns how many it had not."""
    return await reseal(tx, sealer, payment_provider.c.name, payment_provider.c.options, _place)
