"""Loads rentals, and of those that have ended every line that may have to be given back.

Also sealed lines: a return may be heard of long after the day it happened on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, and_, not_, or_, select

from billing.accounts.store import service
from billing.equipment import store as equipment
from billing.equipment.store import rental
from billing.flows.settle.facts import Facts, Household
from billing.invoicing.store import charged_from, credit_line, invoice, invoice_line, open_period
from billing.rating.model import LineKind
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from terms.ids import AccountId, ServiceId


async def load_rent(
    tx: Tx,
    rows: Sequence[Any],
    facts: dict[AccountId, Facts],
    households: dict[ServiceId, Household],
) -> None:
    """Load it into the facts of the accounts."""
    for row in rows:
        households[ServiceId(row.service_id)].rentals.append(equipment.from_row(row))
    await _charged(tx, facts, households)


def _rental_query(engine: Engine) -> Select[Any]:
    joined = rental.join(service, service.c.id == rental.c.service_id).outerjoin(
        open_period, open_period.c.subject == rental.c.id
    )
    return (
        select(rental, open_period.c.open_from)
        .select_from(joined)
        .where(among(engine, service.c.account_id))
        .order_by(rental.c.from_on, rental.c.id)
    )


RENTALS = PreparedQuery(_rental_query)


async def _charged(
    tx: Tx, facts: dict[AccountId, Facts], households: dict[ServiceId, Household]
) -> None:
    ended = [one.id for household in households.values() for one in household.rentals if one.ending]
    if not ended:
        return
    for row in await _CHARGED.rows(tx, {KEYS: packed(tx.engine, ended)}):
        owner = facts[households[ServiceId(row.service_id)].service.account]
        owner.charged.setdefault(row.subject, []).append(charged_from(row))


def _charged_query(engine: Engine) -> Select[Any]:
    c = invoice_line.c
    credited = and_(credit_line.c.invoice_id == c.invoice_id, credit_line.c.invoice_n == c.n)
    joined = (
        rental.join(invoice_line, c.subject == rental.c.id)
        .join(invoice, invoice.c.id == c.invoice_id)
        .outerjoin(credit_line, credited)
    )
    is_rent = c.kind == LineKind.RENTAL.value
    return (
        select(
            invoice_line, invoice.c.currency, invoice.c.groups, credit_line.c.note_id.label("note")
        )
        .select_from(joined)
        .where(among(engine, rental.c.id), or_(not_(is_rent), c.period_end > rental.c.until_on))
        .order_by(invoice.c.sequence, c.n)
    )


_CHARGED = PreparedQuery(_charged_query)
