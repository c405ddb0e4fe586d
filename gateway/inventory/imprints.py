"""Imprints of secrets: equal secrets have equal ones, and they tell nothing else.

So a secret that several boxes share is found without opening what is sealed. One is made with
the master key; it stays when its secret is changed, since a box that is reset falls back to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Index, Row, String, Table, func, select

from gateway.inventory import secrets
from gateway.inventory.store import resource
from runtime.secrets import Sealer
from runtime.store import Tx, metadata
from runtime.store.among import KEYS, among, packed
from terms.ids import ResourceId

secret_imprint = Table(
    "secret_imprint",
    metadata,
    Column("resource", String(40), primary_key=True),
    Column("imprint", String(32), primary_key=True),
    Index(None, "imprint"),
)
_C = secret_imprint.c


@dataclass(frozen=True, slots=True)
class SecretOf:
    """One secret of a box, by its name; the secret itself is not in it."""

    serial: str
    name: str


async def keep(
    tx: Tx, sealer: Sealer, told: Iterable[tuple[ResourceId, Mapping[str, str]]]
) -> None:
    """Take the imprints of the secrets of boxes; what is known already stays."""
    rows = [
        {"resource": box, "imprint": each} for box, values in told for each in _of(sealer, values)
    ]
    await tx.insert_new(secret_imprint, rows, key=("resource", "imprint"))


async def shared(
    tx: Tx, sealer: Sealer, told: Mapping[str, Mapping[str, str]]
) -> dict[SecretOf, str]:
    """Tell of the secrets that boxes are to have, by serial, which another box has already.

    Gives the serial of one such box for each.
    """
    imprints: dict[str, list[SecretOf]] = {}
    for serial, values in told.items():
        for imprint, name in _of(sealer, values).items():
            imprints.setdefault(imprint, []).append(SecretOf(serial, name))
    serial_ = resource.c.serial
    query = (
        select(_C.imprint, func.min(serial_).label("first"), func.max(serial_).label("last"))
        .select_from(secret_imprint.join(resource, resource.c.id == _C.resource))
        .where(among(tx.engine, _C.imprint))
        .group_by(_C.imprint)
    )
    rows = await tx.rows(query, {KEYS: packed(tx.engine, imprints)}) if imprints else []
    found = {one: _other(row, one.serial) for row in rows for one in imprints[row.imprint]}
    return {one: other for one, other in found.items() if other}


def _other(row: Row[Any], serial: str) -> str:
    """Give a box of several that is not this one itself."""
    return next((each for each in (row.first, row.last) if each != serial), "")


def _of(sealer: Sealer, values: Mapping[str, str]) -> dict[str, str]:
    """Make the imprints of a box's secrets, each with the name of its secret."""
    return {
        sealer.imprint(value, place=f"secret_imprint/{name}"): name
        for name, value in values.items()
        if name in secrets.SECRETS and value
    }
