"""What a household calls its boxes: "Living room". It goes with the household, not with the box."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Column, String, Table, delete, select

from runtime.store import Tx, metadata
from terms.errors import Invalid
from terms.ids import ResourceId, ServiceId

NAME_CHARS_MAX = 40

box_name = Table(
    "box_name",
    metadata,
    Column("resource", String(40), primary_key=True),
    Column("service", String(40), nullable=False),
    Column("name", String(NAME_CHARS_MAX), nullable=False),
)
_C = box_name.c


def read_name(text: str) -> str:
    """Read what somebody calls a box; empty takes the name away. Raises Invalid."""
    name = " ".join(text.split())
    if len(name) > NAME_CHARS_MAX or not name.isprintable():
        raise Invalid("name", f"at most {NAME_CHARS_MAX} characters that can be printed")
    return name


async def names(tx: Tx, service: ServiceId, boxes: list[ResourceId]) -> Mapping[ResourceId, str]:
    """Tell what a household calls these boxes; those without a name are left out."""
    query = select(_C.resource, _C.name).where(_C.resource.in_(boxes), _C.service == service)
    return {ResourceId(row.resource): row.name for row in await tx.rows(query)}


async def call(tx: Tx, service: ServiceId, box: ResourceId, name: str) -> None:
    """Keep what a household calls a box; an empty name is none."""
    if name:
        row = {"resource": box, "service": service, "name": name}
        await tx.upsert(box_name, [row], key=("resource",))
    else:
        await tx.execute(delete(box_name).where(_C.resource == box))
