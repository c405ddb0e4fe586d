"""The boxes that targets drive: whose they are now, and which of them were given back.

Which target drives a box follows from its model. A box that nobody holds any more keeps its last
wish, dark and empty, until another household holds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.inventory import store as inventory
from gateway.inventory.model import Resource
from gateway.provisioning import wishes
from gateway.provisioning.compose import DrivenBox
from gateway.provisioning.wishes import Place, Standing, Standings
from runtime.store import Tx
from terms.ids import ResourceId, ServiceId, SubjectId, TargetName


@dataclass(frozen=True, slots=True, kw_only=True)
class Driven:
    """The driven boxes of services, and the wishes at targets that no longer drive them."""

    of: Mapping[ServiceId, Sequence[DrivenBox]]
    left: Sequence[Place]


async def boxes_of(
    tx: Tx,
    services: Sequence[str],
    standing: Mapping[ServiceId, Standings],
    drivers: Mapping[str, TargetName],
) -> Driven:
    """Find the boxes that services hold or held last. Their rows are locked until the end."""
    wished = {place: service for service, each in standing.items() for place in each.boxes}
    if not drivers and not wished:
        return Driven(of={}, left=())
    held = await inventory.held(tx, services, models=drivers)
    known = {box.id: box for boxes in held.values() for box in boxes}
    known |= await inventory.locked(tx, {subject for subject, _ in wished} - known.keys())
    stands = await wishes.of_boxes(tx, known)
    of: dict[ServiceId, list[DrivenBox]] = {
        service: [_driven(box, drivers, stands) for box in boxes] for service, boxes in held.items()
    }
    left = []
    for (subject, target), service in wished.items():
        box = known.get(ResourceId(subject))
        if box is None or drivers.get(box.model) != target:
            left.append((subject, target))
        elif not box.is_held:
            of.setdefault(service, []).append(_driven(box, drivers, stands))
    return Driven(of=of, left=left)


def _driven(
    box: Resource, drivers: Mapping[str, TargetName], stands: Mapping[Place, Standing]
) -> DrivenBox:
    place = SubjectId(box.id), drivers[box.model]
    was = stands.get(place)
    return DrivenBox(
        subject=place[0],
        target=place[1],
        serial=box.serial,
        is_held=box.is_held,
        before=was.before if was else None,
    )
