"""Places as people call them: the warehouse, somebody's van, or what was written down.

The van of somebody who signs in bears that person's id; nobody wants to read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.identity import people
from app.identity.people import Person
from runtime.store import Tx

SOMEBODY = "person:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The people whose vans there are, by the place that bears their id."""

    people: Mapping[str, Person]

    def word(self, place: str) -> str:
        """Say where that is."""
        one = self.people.get(place)
        if one is not None:
            return f"the van of {one.display}"
        return "somebody's van" if place.startswith(SOMEBODY) else place

    def who(self, actor: str) -> str:
        """Say who that is."""
        one = self.people.get(actor)
        return one.display if one else actor

    def vans(self) -> list[Person]:
        """List who may have a van: everybody who is let in."""
        return [one for one in self.people.values() if one.disabled_at is None]


async def load(tx: Tx) -> Places:
    """Read who has a van."""
    return Places(people={one.actor: one for one in await people.listing(tx)})


async def word(tx: Tx, place: str) -> str:
    """Say where one place is."""
    return (await load(tx)).word(place) if place.startswith(SOMEBODY) else place
