"""Quarantine: boxes that call and that nobody has registered. They have no rights whatever.

Bounded, since anybody may call: who was not seen for longest gives way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Index, Integer, String, Table, delete, func, select

from runtime.store import Instant, Tx, metadata
from runtime.store.among import KEYS, among, packed
from runtime.store.keyset import Place, page

STRANGERS_MAX = 10_000
SERIAL_CHARS_MAX, OUI_CHARS_MAX, MODEL_CHARS_MAX, ADDRESS_CHARS_MAX = 64, 8, 64, 80

stranger = Table(
    "stranger",
    metadata,
    Column("serial", String(SERIAL_CHARS_MAX), primary_key=True),
    Column("oui", String(OUI_CHARS_MAX), primary_key=True),
    Column("model", String(MODEL_CHARS_MAX), nullable=False),
    Column("mac", String(17), nullable=False),
    Column("address", String(ADDRESS_CHARS_MAX), nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("count", Integer, nullable=False),
    Index(None, "last_at"),
)
_C = stranger.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A box that called, by what it says of itself; `address` is its host, without a port.

    Whatever is not printable, or too long for a label, is cut off: it comes from anybody.
    """

    serial: str
    oui: str = ""
    model: str = ""
    mac: str = ""
    address: str = ""

    def cleaned(self) -> Sighting:
        """Give what may be written down of it."""
        return Sighting(
            serial=_clean(self.serial, SERIAL_CHARS_MAX),
            oui=_clean(self.oui, OUI_CHARS_MAX).upper(),
            model=_clean(self.model, MODEL_CHARS_MAX),
            mac=_clean(self.mac, 17),
            address=_clean(self.address, ADDRESS_CHARS_MAX),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """A box in quarantine."""

    serial: str
    oui: str
    model: str
    mac: str
    address: str
    first_at: datetime
    last_at: datetime
    count: int


async def keep(
    tx: Tx, sightings: Iterable[Sighting], now: datetime, *, strangers_max: int = STRANGERS_MAX
) -> None:
    """Note boxes that nobody knows; beyond the limit the longest unseen are forgotten."""
    wanted = {(one.serial, one.oui): one for one in sightings if one.serial}
    if not wanted:
        return
    query = select(stranger).where(among(tx.engine, _C.serial))
    known = {
        (row.serial, row.oui): Stranger(**row._asdict())
        for row in await tx.rows(query, {KEYS: packed(tx.engine, [key[0] for key in wanted])})
    }
    rows = []
    for key, one in wanted.items():
        before = known.get(key)
        rows.append(
            {
                "serial": one.serial,
                "oui": one.oui,
                "model": one.model,
                "mac": one.mac,
                "address": one.address,
                "first_at": before.first_at if before else now,
                "last_at": now,
                "count": before.count + 1 if before else 1,
            }
        )
    await tx.upsert(stranger, rows, key=("serial", "oui"))
    await _forget(tx, strangers_max)


async def promote(tx: Tx, serials: Sequence[str]) -> None:
    """Let boxes out that are registered now."""
    if serials:
        given = {KEYS: packed(tx.engine, serials)}
        await tx.execute(delete(stranger).where(among(tx.engine, _C.serial)), given)


async def waiting(
    tx: Tx, *, strangers_max: int = 500, behind: Place | None = None
) -> list[Stranger]:
    """List who is in quarantine, the newest first, perhaps behind one (last_at, serial, oui)."""
    query = page(select(stranger), (_C.last_at, _C.serial, _C.oui), behind, strangers_max)
    return [Stranger(**row._asdict()) for row in await tx.rows(query)]


async def _forget(tx: Tx, strangers_max: int) -> None:
    count = int(await tx.scalar(select(func.count()).select_from(stranger)))
    if count <= strangers_max:
        return
    oldest = select(_C.serial, _C.oui).order_by(_C.last_at, _C.serial, _C.oui)
    rows = await tx.rows(oldest.limit(count - strangers_max))
    for row in rows:
        gone = delete(stranger).where(_C.serial == row.serial, _C.oui == row.oui)
        await tx.execute(gone)


def _clean(text: str, chars_max: int) -> str:
    return "".join(mark for mark in text[:chars_max] if mark.isprintable()).strip()
