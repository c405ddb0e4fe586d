"""Loads what is charged once and waits, and what was bought and may be watched."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from sqlalchemy import Select, and_, select, true

from billing.flows.settle.facts import Facts, Household
from billing.invoicing.store import invoice_line
from billing.pending.store import pending_charge, pending_from
from billing.purchases.store import purchase, purchase_from
from billing.rating.model import LineKind
from runtime.store.among import by_key
from runtime.store.lease import Engine
from terms.ids import AccountId, ServiceId


def take_once(
    rest: Mapping[str, list[Any]],
    facts: dict[AccountId, Facts],
    households: dict[ServiceId, Household],
) -> None:
    """Take pending charges and purchases into the facts and the households."""
    for row in sorted(rest["pending"], key=attrgetter("id")):
        one = pending_from(row)
        owner = facts[AccountId(row.account_id)]
        owner.pending.append(one)
        if one.is_withdrawn:
            owner.reopened[one.id] = one.line.charge.period.start
    for row in sorted(rest["purchases"], key=attrgetter("id")):
        household = households[ServiceId(row.service_id)]
        household.purchases.append(purchase_from(row, row.invoice_id))


def pending_query(engine: Engine) -> Select[Any]:
    """Ask for what is to be billed or given back."""
    c = pending_charge.c
    return by_key(engine, select(pending_charge).where(c.is_open == true()), c.account_id)


def purchase_query(engine: Engine) -> Select[Any]:
    """Ask for what may be watched for a while, with the invoice it is charged on."""
    c, line = purchase.c, invoice_line.c
    charged = and_(line.subject == c.id, line.kind == LineKind.PURCHASE.value)
    query = select(purchase, line.invoice_id).select_from(purchase.outerjoin(invoice_line, charged))
    return by_key(engine, query.where(c.is_open == true()), c.account_id)
