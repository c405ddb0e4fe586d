"""Places and people as people call them: the warehouse, somebody's van, somebody by name.

The van of somebody who signs in bears that person's id, and so does whoever does something; nobody
wants to read or to type it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.identity import people
from app.identity.people import Person
from gateway.inventory.model import WAREHOUSE
from runtime.store import Tx
from terms.errors import Invalid

SOMEBODY = "person:"
SHOWN_CHARS_MAX = 40


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

    def stocks(self, shelves: Iterable[str]) -> list[str]:
        """List where a box may be put: the warehouses there are, and the vans of who is let in."""
        others = [place for place in shelves if is_warehouse(place) and place != WAREHOUSE]
        return [WAREHOUSE, *others, *(one.actor for one in self.vans())]

    def worded(self, places: Iterable[str]) -> list[tuple[str, str]]:
        """Give places, each once, with what people call them."""
        return [(place, self.word(place)) for place in dict.fromkeys(places)]

    def named(self, text: str) -> Person | None:
        """Find somebody by sign-in name or by id, let in or not."""
        wanted = text.strip()
        name = wanted.lower()
        by_id = self.people.get(wanted) or self.people.get(f"{SOMEBODY}{wanted}")
        return by_id or next((one for one in self.people.values() if one.name == name), None)

    def read_person(self, text: str) -> str:
        """Read who does something. Raises ValueError with the reason for people."""
        one = self.named(text)
        if one is None:
            raise ValueError(f"there is nobody called {_shown(text)}: give a sign-in name")
        if one.disabled_at is not None:
            raise ValueError(f"{one.name} is no longer let in: give somebody else's name")
        return one.actor

    def read_stock(self, text: str) -> str:
        """Read where something in stock lies. Raises ValueError with the reason for people."""
        wanted = text.strip()
        if is_warehouse(wanted):
            return wanted
        if self.named(wanted) is None:
            raise ValueError(
                f"{_shown(text)} is neither a {WAREHOUSE} nor anybody's van: give {WAREHOUSE}, "
                f"`{WAREHOUSE} NAME` for another one, or a technician's sign-in name"
            )
        return self.read_person(wanted)

    def sought(self, text: str) -> str:
        """Read of which place or person a list is to be: whoever is no longer let in counts."""
        one = self.named(text) if text else None
        return one.actor if one else text


async def load(tx: Tx) -> Places:
    """Read who has a van."""
    return Places(people={one.actor: one for one in await people.listing(tx)})


async def word(tx: Tx, place: str) -> str:
    """Say where one place is."""
    return (await load(tx)).word(place) if place.startswith(SOMEBODY) else place


async def stock_place(tx: Tx, text: str) -> str:
    """Read where something in stock lies: a warehouse, or whose van. Raises Invalid."""
    if is_warehouse(text):
        return text
    try:
        return (await load(tx)).read_stock(text)
    except ValueError as error:
        raise Invalid("place", str(error)) from None


async def person(tx: Tx, text: str, field: str = "assignee") -> str:
    """Read who does something; empty is anybody. Raises Invalid."""
    if not text.strip():
        return ""
    try:
        return (await load(tx)).read_person(text)
    except ValueError as error:
        raise Invalid(field, str(error)) from None


def is_warehouse(text: str) -> bool:
    """Tell whether a place is the warehouse, or another one that bears a name of its own."""
    return text == WAREHOUSE or text.startswith(f"{WAREHOUSE} ")


def _shown(text: str) -> str:
    return repr(text[:SHOWN_CHARS_MAX])
