"""Which channels a household has declined for marketing. What it has to know it is always told."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import Column, String, Table, delete, select

from messages.plan import Via, is_marketing
from runtime.store import Instant, Tx, metadata
from runtime.store.among import KEYS, among, packed
from terms.ids import ServiceId

DECLINED = "the household has declined it"

opt_out = Table(
    "opt_out",
    metadata,
    Column("service_id", String(26), primary_key=True),
    Column("via", String(10), primary_key=True),
    Column("declined_at", Instant, nullable=False),
)


async def declined(tx: Tx, services: Iterable[ServiceId]) -> Collection[tuple[ServiceId, Via]]:
    """Tell which of these services have declined which channels."""
    query = select(opt_out.c.service_id, opt_out.c.via).where(
        among(tx.engine, opt_out.c.service_id)
    )
    rows = await tx.rows(query, {KEYS: packed(tx.engine, sorted(set(services)))})
    return {(ServiceId(row.service_id), Via(row.via)) for row in rows}


async def unwelcome(
    tx: Tx, via: Via, messages: Iterable[tuple[str, ServiceId | None]]
) -> Collection[tuple[str, ServiceId | None]]:
    """Tell which of these messages, each a kind and a household, are declined by a channel."""
    offers = [(kind, home) for kind, home in messages if home and is_marketing(kind)]
    no = await declined(tx, [home for _, home in offers]) if offers else ()
    return {(kind, home) for kind, home in offers if (home, via) in no}


async def say(tx: Tx, service: ServiceId, via: Via, now: datetime, *, is_declined: bool) -> bool:
    """Decline a channel, or take it again; False where it is so already."""
    c = opt_out.c
    if is_declined:
        row = {"service_id": service, "via": via.value, "declined_at": now}
        return await tx.insert_new(opt_out, [row], key=("service_id", "via")) > 0
    gone = await tx.execute(delete(opt_out).where(c.service_id == service, c.via == via.value))
    return gone.rowcount > 0
