"""Loads rentals, how far they are charged, and whether their deposits are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, exists, select

from billing.accounts.store import service
from billing.equipment import store as equipment
from billing.equipment.store import rental
from billing.flows.settle.facts import Facts, Household
from billing.invoicing.store import charged_until, invoice_line, reopened_from
from billing.rating.model import LineKind
from runtime.store.among import by_key
from runtime.store.lease import Engine
from terms.ids import AccountId, ServiceId

# Services by their accounts.
OWNED = (service.c.id, service.c.account_id)


def take_rent(
    rows: Sequence[Any],
    facts: dict[AccountId, Facts],
    households: dict[ServiceId, Household],
) -> None:
    """Take rentals into the households and the facts of the accounts."""
    for row in rows:
        household = households[ServiceId(row.service_id)]
        household.rentals.append(equipment.from_row(row, row.charged_until))
        owner = facts[household.service.account]
        if row.reopened_from:
            owner.reopened[row.id] = row.reopened_from
        if row.has_deposit:
            owner.deposited.add(row.id)


def rental_query(engine: Engine) -> Select[Any]:
    """Ask for rentals, and how far each is charged."""
    c, line = rental.c, invoice_line.c
    deposit = exists().where(line.subject == c.id, line.kind == LineKind.DEPOSIT.value)
    query = select(
        *(column for column in c if column.name != "created_at"),
        charged_until(c.id, LineKind.RENTAL).label("charged_until"),
        reopened_from(c.id).label("reopened_from"),
        deposit.label("has_deposit"),
    )
    return by_key(engine, query, c.service_id, via=OWNED)
