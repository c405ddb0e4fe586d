"""What possession facts make of rentals, fact by fact, in the order in which they happened. Pure.

A device that comes into a household's hands begins a rental, one that leaves them ends it, and one
that replaces another carries its rental on. A model that no rental offering names costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from billing.catalog.model import PriceBook
from billing.equipment.model import Ending, Rental, Starts
from terms.facts import Condition, Possession, PossessionChanged
from terms.ids import ResourceId, ServiceId

# In these conditions a device does not bring its deposit back: a person decides.
HURT = frozenset({Condition.DAMAGED, Condition.SCRAP})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """By what rentals begin: the catalogue, the operator's policy, what others have charged."""

    book: PriceBook
    starts: Starts
    billed_until: Mapping[ServiceId, date | None]


@dataclass(slots=True, kw_only=True)
class Possessions:
    """The rentals of the devices concerned; `changed` are the ids of those that are not as before.

    Facts are known by keys of their own; one that was `heard` before changes nothing.
    """

    rules: Rules
    rentals: dict[str, Rental]
    heard: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)

    def take(self, key: str, fact: PossessionChanged) -> None:
        """Take the next fact. What it begins bears its key as id."""
        if key in self.heard:
            return
        self.heard.add(key)
        match fact.kind:
            case Possession.HANDED_OVER:
                self._hand_over(key, fact)
            case Possession.ACTIVATED:
                self._begin(key, fact)
            case Possession.SWAPPED:
                self._swap(key, fact)
            case Possession.RETURNED | Possession.FOUND:
                self._come_back(fact)
            case Possession.LOST:
                for one in self._running(fact.resource):
                    self._end(one, fact.on, Ending.LOST)

    def _hand_over(self, key: str, fact: PossessionChanged) -> None:
        self._leave_others(fact)
        if self.rules.starts is Starts.HAND_OVER:
            self._begin(key, fact)

    def _leave_others(self, fact: PossessionChanged) -> None:
        """End what others pay for it: it is with somebody else now, so it is not with them."""
        for one in self._running(fact.resource):
            if one.service != fact.service:
                self._end(one, fact.on, Ending.RETURNED)
        for one in self._lost(fact.resource):
            self._keep(replace(one, ending=Ending.RETURNED))

    def _begin(self, key: str, fact: PossessionChanged) -> None:
        offering = self.rules.book.rental_of(fact.model)
        self._leave_others(fact)
        if offering is None or any(self._running(fact.resource)):
            return
        # Whatever the facts say of their days, none is charged twice for one device.
        ends = [one.until_on for one in self._of(fact.resource) if one.until_on]
        from_on = max([fact.on, *ends])
        charged_from = max(from_on, self.rules.billed_until.get(fact.service) or from_on)
        begun = Rental(
            id=key,
            service=fact.service,
            resource=fact.resource,
            serial=fact.serial,
            model=fact.model,
            offering=offering.code,
            from_on=from_on,
            until_on=None,
            charged_from=charged_from,
        )
        self._keep(begun)

    def _swap(self, key: str, fact: PossessionChanged) -> None:
        """Carry the old device's rental on; where there is none, the new one is handed over."""
        self._leave_others(fact)
        old = [one for one in self._running(fact.old_resource) if one.service == fact.service]
        if old and not any(self._running(fact.resource)):
            after = replace(old[0], resource=fact.resource, serial=fact.serial, model=fact.model)
            self._keep(after)
            return
        for one in old:
            self._end(one, fact.on, _ending(fact))
        self._hand_over(key, fact)

    def _come_back(self, fact: PossessionChanged) -> None:
        for one in self._running(fact.resource):
            self._end(one, fact.on, _ending(fact))
        for one in self._lost(fact.resource):
            self._keep(replace(one, ending=_ending(fact)))

    def _running(self, resource: ResourceId | None) -> list[Rental]:
        return [one for one in self._of(resource) if one.is_running]

    def _lost(self, resource: ResourceId) -> list[Rental]:
        return [one for one in self._of(resource) if one.ending is Ending.LOST]

    def _of(self, resource: ResourceId | None) -> list[Rental]:
        return [one for one in self.rentals.values() if one.resource == resource]

    def _end(self, one: Rental, on: date, ending: Ending) -> None:
        self._keep(replace(one, until_on=max(on, one.from_on), ending=ending))

    def _keep(self, one: Rental) -> None:
        self.rentals[one.id] = one
        self.changed.add(one.id)


def _ending(fact: PossessionChanged) -> Ending:
    return Ending.DAMAGED if fact.condition in HURT else Ending.RETURNED
