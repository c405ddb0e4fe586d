"""Devices change hands: rentals begin with a hand-over and end with a return.

Follows the possession facts of the inventory, each of which may be heard more than once. A model
that no rental offering names costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from sqlalchemy import bindparam, or_, select, update

from billing.accounts.store import service
from billing.catalog.model import PriceBook
from billing.equipment import store as equipment
from billing.equipment.model import Rental
from billing.equipment.store import rental
from billing.flows.desk import Desk
from billing.payments.model import fact_id
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.errors import NotFound
from terms.facts import Possession, PossessionChanged
from terms.ids import AccountId, ServiceId


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owner:
    account: AccountId
    billed_until: date | None


@dataclass(slots=True)
class _Shelf:
    """Rentals of the devices concerned, as they change fact by fact."""

    book: PriceBook
    owners: Mapping[ServiceId, _Owner]
    rentals: dict[str, Rental]
    begun: list[Rental] = field(default_factory=list)
    ended: dict[str, str] = field(default_factory=dict)
    heard: set[str] = field(default_factory=set)

    def take(self, key: str, fact: PossessionChanged) -> None:
        if fact.kind is Possession.HANDED_OVER:
            self._begin(fact_id("rental", key), fact)
        elif fact.kind is Possession.RETURNED and fact_id("ended", key) not in self.heard:
            for one in self._running(fact):
                self._end(one, fact.on, fact_id("ended", key))

    def _begin(self, key: str, fact: PossessionChanged) -> None:
        offering = self.book.rental_of(fact.model)
        if offering is None or key in self.rentals:
            return
        running = self._running(fact)
        if any(one.service == fact.service for one in running):
            return
        for one in running:
            # It is with somebody else now, so it cannot be with them any more.
            self._end(one, fact.on, key)
        billed_until = self.owners[fact.service].billed_until
        charged_from = max(fact.on, billed_until or fact.on)
        self.rentals[key] = Rental(
            id=key,
            service=fact.service,
            resource=fact.resource,
            serial=fact.serial,
            model=fact.model,
            offering=offering.code,
            from_on=fact.on,
            until_on=None,
            charged_from=charged_from,
            open_from=charged_from,
        )
        self.begun.append(self.rentals[key])

    def _running(self, fact: PossessionChanged) -> list[Rental]:
        return [
            one
            for one in self.rentals.values()
            if one.resource == fact.resource and one.until_on is None
        ]

    def _end(self, one: Rental, on: date, by: str) -> None:
        self.rentals[one.id] = replace(one, until_on=max(on, one.from_on))
        self.ended[one.id] = by


async def equip(
    desk: Desk, tx: Tx, facts: Sequence[tuple[str, PossessionChanged]]
) -> list[AccountId]:
    """Take possession facts in their order, each under the id of its log entry.

    Marks the accounts concerned and returns them. Raises NotFound for a service nobody knows.
    """
    if not facts:
        return []
    rentals = await _rentals(tx, facts)
    services = {fact.service for _, fact in facts}
    owners = await _owners(tx, services | {one.service for one in rentals.values()})
    book = (await desk.shelf.newest(tx)).book
    shelf = _Shelf(book=book, owners=owners, rentals=rentals, heard=await _heard(tx, facts))
    for key, fact in facts:
        shelf.take(key, fact)
    await _write(tx, shelf)
    touched = services | {shelf.rentals[key].service for key in shelf.ended}
    accounts = sorted({owners[each].account for each in touched})
    await desk.work.mark(tx, "settle", accounts)
    return accounts


async def _owners(tx: Tx, services: set[ServiceId]) -> dict[ServiceId, _Owner]:
    query = select(service.c.id, service.c.account_id, service.c.billed_until)
    query = query.where(among(tx.engine, service.c.id))
    rows = await tx.rows(query, {KEYS: packed(tx.engine, sorted(services))})
    found = {
        ServiceId(row.id): _Owner(account=AccountId(row.account_id), billed_until=row.billed_until)
        for row in rows
    }
    unknown = services - set(found)
    if unknown:
        raise NotFound(f"there is no service {min(unknown)!r}")
    return found


async def _rentals(tx: Tx, facts: Sequence[tuple[str, PossessionChanged]]) -> dict[str, Rental]:
    query = select(rental, rental.c.charged_from.label("open_from")).where(
        or_(among(tx.engine, rental.c.resource_id), among(tx.engine, rental.c.id, "begun"))
    )
    given = {
        KEYS: packed(tx.engine, sorted({fact.resource for _, fact in facts})),
        "begun": packed(tx.engine, [fact_id("rental", key) for key, _ in facts]),
    }
    return {row.id: equipment.from_row(row) for row in await tx.rows(query, given)}


async def _heard(tx: Tx, facts: Sequence[tuple[str, PossessionChanged]]) -> set[str]:
    query = select(rental.c.ended_by).where(among(tx.engine, rental.c.ended_by))
    given = {KEYS: packed(tx.engine, [fact_id("ended", key) for key, _ in facts])}
    return {row.ended_by for row in await tx.rows(query, given)}


async def _write(tx: Tx, shelf: _Shelf) -> None:
    fresh = [shelf.rentals[one.id] for one in shelf.begun]
    await tx.insert(
        rental,
        [
            {
                "id": one.id,
                "service_id": one.service,
                "resource_id": one.resource,
                "serial": one.serial,
                "model": one.model,
                "offering": one.offering,
                "from_on": one.from_on,
                "until_on": one.until_on,
                "charged_from": one.charged_from,
                "ended_by": shelf.ended.get(one.id),
            }
            for one in fresh
        ],
    )
    made = {one.id for one in fresh}
    ended = [
        {"key": key, "until": shelf.rentals[key].until_on, "by": by}
        for key, by in shelf.ended.items()
        if key not in made
    ]
    if ended:
        change = update(rental).where(rental.c.id == bindparam("key"))
        await tx.execute(
            change.values(until_on=bindparam("until"), ended_by=bindparam("by")), ended
        )
