"""The boxes that a household has, and what it calls them."""

from __future__ import annotations

from app.desk.auditing import note
from app.wiring import House
from gateway.inventory import naming, store
from gateway.inventory.model import Resource
from runtime.store import Tx
from terms.errors import NotFound
from terms.ids import ServiceId


async def held(tx: Tx, service: ServiceId) -> list[tuple[Resource, str]]:
    """List the boxes a household has, each with its name; empty where it has none."""
    found = (await store.by_service(tx, [service])).get(service, [])
    boxes = [box for box in found if box.is_held]
    names = await naming.names(tx, service, [box.id for box in boxes])
    return [(box, names.get(box.id, "")) for box in boxes]


async def one_held(tx: Tx, service: ServiceId, box_id: str) -> Resource:
    """Find a box that this household has. Raises NotFound, for one of another household alike."""
    for box, _ in await held(tx, service):
        if box.id == box_id:
            return box
    raise NotFound("there is no such box", field="box")


async def call(
    house: House, tx: Tx, service: ServiceId, box: Resource, text: str, *, actor: str
) -> str:
    """Call a box of a household by a name and return it. Raises Invalid."""
    name = naming.read_name(text)
    before = (await naming.names(tx, service, [box.id])).get(box.id, "")
    await naming.call(tx, service, box.id, name)
    await note(
        house,
        tx,
        actor=actor,
        action="box.name",
        subject=f"box:{box.serial}",
        before=before,
        after=name,
    )
    return name
