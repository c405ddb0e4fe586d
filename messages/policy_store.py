"""The tables of what an operator says of its notices, and of its gateway for short messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, Integer, String, Table, Text, delete, select

from messages.policy import Policy, read_policy
from runtime.resealing import reseal
from runtime.secrets import Sealer
from runtime.store import Tx, metadata

SMS = "sms"
_ONE = 1

notice_policy = Table(
    "notice_policy",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("document", Text, nullable=False),
)
message_gateway = Table(
    "message_gateway",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("options", Text, nullable=False),
)


async def load_policy(tx: Tx) -> Policy:
    """Read the rules; those that come with the product where nothing was said."""
    row = await tx.first(select(notice_policy.c.document).where(notice_policy.c.id == _ONE))
    return _read(row.document) if row else _USUAL


async def keep_policy(tx: Tx, policy: Policy) -> bool:
    """Have these rules from now on; False where they are so already."""
    if policy.document() == (await load_policy(tx)).document():
        return False
    row = {"id": _ONE, "document": policy.document()}
    await tx.upsert(notice_policy, [row], key=("id",))
    return True


async def configure_gateway(tx: Tx, sealer: Sealer, options: Mapping[str, Any] | None) -> bool:
    """Set the gateway up, change it or take it away; False where it is so already."""
    c = message_gateway.c
    held = await tx.first(select(c.options).where(c.name == SMS))
    if options is None:
        await tx.execute(delete(message_gateway).where(c.name == SMS))
        return held is not None
    wished = json.dumps(dict(options), sort_keys=True)
    if held and sealer.open(held.options, place=_place(SMS)) == wished:
        return False
    row = {"name": SMS, "options": sealer.seal(wished, place=_place(SMS))}
    await tx.upsert(message_gateway, [row], key=("name",))
    return True


async def sealed_gateway(tx: Tx) -> str:
    """Read the options of the gateway as they lie there; empty where there is none."""
    row = await tx.first(select(message_gateway.c.options).where(message_gateway.c.name == SMS))
    return row.options if row else ""


def open_gateway(sealer: Sealer, sealed: str) -> Mapping[str, Any]:
    """Open the options of the gateway. Raises SealBroken."""
    options: Mapping[str, Any] = json.loads(sealer.open(sealed, place=_place(SMS)))
    return options


async def seal_anew(tx: Tx, sealer: Sealer) -> int:
    """Have the first master key seal the gateway's options; returns how many it had not."""
    return await reseal(tx, sealer, message_gateway.c.name, message_gateway.c.options, _place)


@lru_cache(maxsize=8)
def _read(document: str) -> Policy:
    return read_policy(json.loads(document))


def _place(name: str) -> str:
    return f"message_gateway/options/{name}"


_USUAL = Policy()
