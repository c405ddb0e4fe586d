"""Loads what is charged once and waits, and what was bought and may be watched: one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CompoundSelect, and_, cast, literal_column, null, select, true, union_all

from billing.flows.settle.facts import Facts, Household
from billing.invoicing.store import invoice_line
from billing.pending.store import pending_charge, pending_from
from billing.purchases.store import purchase, purchase_from
from billing.rating.model import LineKind
from runtime.store.among import among
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from terms.ids import AccountId, ServiceId

_BOUGHT = ("activation", "from_at", "until_at", "is_revoked")


def take_once(
    rows: Sequence[Any],
    facts: dict[AccountId, Facts],
    households: dict[ServiceId, Household],
) -> None:
    """Take the rows of ONCE into the households and the facts of the accounts."""
    for row in rows:
        if row.activation:
            household = households[ServiceId(row.service_id)]
            household.purchases.append(purchase_from(row, row.invoice_id))
            continue
        one = pending_from(row)
        owner = facts[AccountId(row.account_id)]
        owner.pending.append(one)
        if one.is_withdrawn:
            owner.reopened[one.id] = one.line.charge.period.start


def _once_query(engine: Engine) -> CompoundSelect[Any]:
    """Ask for both as one: each part leaves the columns of the other empty."""
    c, bought, line = pending_charge.c, purchase.c, invoice_line.c
    own = [one for one in c if one.name not in ("cause", "record", "is_open", "created_at")]
    shared = ("id", "account_id", "service_id", "offering")
    waiting = select(
        *own,
        *(cast(null(), bought[name].type).label(name) for name in _BOUGHT),
        cast(null(), line.invoice_id.type).label("invoice_id"),
    ).where(among(engine, c.account_id), c.is_open == true())
    charged = and_(line.subject == bought.id, line.kind == LineKind.PURCHASE.value)
    open_ones = (
        select(
            *(
                bought[one.name] if one.name in shared else cast(null(), one.type).label(one.name)
                for one in own
            ),
            *(bought[name] for name in _BOUGHT),
            line.invoice_id,
        )
        .select_from(purchase.outerjoin(invoice_line, charged))
        .where(among(engine, bought.account_id), bought.is_open == true())
    )
    return union_all(waiting, open_ones).order_by(literal_column("id"))


ONCE = PreparedQuery(_once_query)
