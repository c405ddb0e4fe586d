"""Devices change hands: rentals begin, go on with another device, and end.

Follows the possession facts of the inventory, each of which may be heard more than once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import or_, select

from billing.accounts.store import service
from billing.equipment import store as equipment
from billing.equipment.model import Rental
from billing.equipment.possession import Possessions, Rules
from billing.equipment.store import possession_heard, rental
from billing.flows.dependents import Begun, reopen_dependents
from billing.flows.desk import Desk
from billing.invoicing.store import reopen
from billing.payments.model import fact_id
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.errors import NotFound
from terms.facts import PossessionChanged
from terms.ids import AccountId, ServiceId


async def equip(
    desk: Desk, tx: Tx, facts: Sequence[tuple[str, PossessionChanged]]
) -> list[AccountId]:
    """Take possession facts in their order, each under the id of its log entry.

    Marks the accounts concerned and returns them. Raises NotFound for a service nobody knows.
    """
    if not facts:
        return []
    named = [(fact_id("rental", key), fact) for key, fact in facts]
    rentals = await _rentals(tx, named)
    services = {fact.service for _, fact in facts}
    owners = await _owners(tx, services | {one.service for one in rentals.values()})
    catalogue = await desk.shelf.newest(tx)
    billed_until = {key: until for key, (_, until) in owners.items()}
    rules = Rules(book=catalogue.book, starts=catalogue.starts, billed_until=billed_until)
    heard = await _heard(tx, [key for key, _ in named])
    held = Possessions(rules=rules, rentals=rentals, heard=set(heard))
    for key, fact in named:
        held.take(key, fact)
    changed = [held.rentals[key] for key in sorted(held.changed)]
    await equipment.keep(tx, changed)
    old = [(one.id, one.from_on) for one in changed if one.until_on or one.id in rentals]
    await reopen(tx, old, desk.clock.machine_now(), desk.chance)
    await tx.insert(possession_heard, [{"id": key} for key in sorted(held.heard - heard)])
    begun = [Begun(one.service, one.offering, one.from_on) for one in changed]
    await reopen_dependents(desk, tx, catalogue.book, begun)
    touched = services | {held.rentals[key].service for key in held.changed}
    accounts = sorted({owners[each][0] for each in touched})
    await desk.work.mark(tx, "settle", accounts)
    return accounts


async def _owners(
    tx: Tx, services: set[ServiceId]
) -> Mapping[ServiceId, tuple[AccountId, date | None]]:
    """Find the account of each service, and until when another system has charged it."""
    query = select(service.c.id, service.c.account_id, service.c.billed_until)
    query = query.where(among(tx.engine, service.c.id))
    rows = await tx.rows(query, {KEYS: packed(tx.engine, sorted(services))})
    found = {ServiceId(row.id): (AccountId(row.account_id), row.billed_until) for row in rows}
    unknown = services - set(found)
    if unknown:
        raise NotFound(f"there is no service {min(unknown)!r}")
    return found


async def _rentals(tx: Tx, facts: Sequence[tuple[str, PossessionChanged]]) -> dict[str, Rental]:
    """Load every rental of the devices concerned, and those the facts began before."""
    query = (
        select(rental)
        .where(or_(among(tx.engine, rental.c.resource_id), among(tx.engine, rental.c.id, "begun")))
        .order_by(rental.c.id)
        .with_for_update()
    )
    concerned = {fact.resource for _, fact in facts}
    concerned |= {fact.old_resource for _, fact in facts if fact.old_resource}
    given = {
        KEYS: packed(tx.engine, sorted(concerned)),
        "begun": packed(tx.engine, [key for key, _ in facts]),
    }
    return {row.id: equipment.from_row(row) for row in await tx.rows(query, given)}


async def _heard(tx: Tx, keys: Sequence[str]) -> frozenset[str]:
    query = select(possession_heard.c.id).where(among(tx.engine, possession_heard.c.id))
    rows = await tx.rows(query, {KEYS: packed(tx.engine, keys)})
    return frozenset(row.id for row in rows)
