"""Boxes that change hands, as the inventory tells it."""

from datetime import date

from billing.flows.equip import equip
from terms.facts import Condition, Possession, PossessionChanged
from terms.ids import AccountId, ResourceId, ServiceId
from tests.fixtures.billing import Office

Told = tuple[str, PossessionChanged]


def fact(kind: Possession, service: str, on: date, serial: str = "S-1", **more: str) -> Told:
    """Make a fact under a key of its own; `old` is the serial of a box that is replaced."""
    old = more.get("old")
    changed = PossessionChanged(
        kind=kind,
        resource=ResourceId(f"R-{serial}"),
        service=ServiceId(service),
        serial=serial,
        model=more.get("model", "RB-1"),
        on=on,
        old_resource=ResourceId(f"R-{old}") if old else None,
        condition=Condition.parse(more.get("condition", "")),
    )
    return f"{kind}-{serial}-{on}", changed


async def told(office: Office, *facts: Told) -> list[AccountId]:
    """Take facts; nothing is settled yet."""
    async with office.store.begin() as tx:
        return await equip(office.desk, tx, facts)


async def moved(office: Office, *facts: Told) -> None:
    """Take facts and settle the accounts concerned."""
    await office.settle(*await told(office, *facts))
