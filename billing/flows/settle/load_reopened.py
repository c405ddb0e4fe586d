"""Loads the lines of subjects whose past somebody has changed.

What is charged is not looked at again, unless whoever changes what should be says from which day.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Select, and_, or_, select

from billing.flows.settle.facts import Facts
from billing.invoicing.goodwill import GIVEN, GIVEN_ON, given_from
from billing.invoicing.store import (
    charged_from,
    credit_line,
    invoice,
    invoice_line,
    reopened,
    voided,
)
from billing.ledger.store import deferred_on
from billing.rating.model import BY_THE_PERIOD
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from terms.calendar import Period
from terms.ids import AccountId


async def load_reopened(tx: Tx, facts: dict[AccountId, Facts]) -> None:
    """Load the lines of what was reopened, with the days given back of them."""
    subjects = sorted(subject for one in facts.values() for subject in one.reopened)
    if not subjects:
        return
    owners = {subject: one for one in facts.values() for subject in one.reopened}
    for row in await _CHARGED.rows(tx, {KEYS: packed(tx.engine, subjects)}):
        owner = owners[row.reopened_subject]
        owner.reopenings[row.reopening] = row.reopened_subject
        if row.subject is None:
            continue
        lines = owner.charged.setdefault(row.subject, {})
        key = (row.invoice_id, row.n)
        line = lines.get(key) or replace(charged_from(row), deferred_on=row.deferred_on)
        if row.is_charged_again is not None:
            owner.voided[line.invoice] = row.is_charged_again
        if row.credited_start:
            line = line.gave(given_from(row, row.given_deferred_on))
            if row.goodwill_id is None:
                line = line.less(Period(row.credited_start, row.credited_end))
        lines[key] = line


def _charged_query(engine: Engine) -> Select[Any]:
    c, back = invoice_line.c, credit_line.c
    once = and_(*(c.kind != kind.value for kind in sorted(BY_THE_PERIOD)))
    mine = and_(c.subject == reopened.c.subject, or_(c.period_end > reopened.c.from_on, once))
    joined = (
        reopened.outerjoin(invoice_line, mine)
        .outerjoin(invoice, invoice.c.id == c.invoice_id)
        .outerjoin(voided, voided.c.invoice_id == c.invoice_id)
        .outerjoin(credit_line, and_(back.invoice_id == c.invoice_id, back.invoice_n == c.n))
    )
    return (
        select(
            invoice_line,
            invoice.c.currency,
            invoice.c.groups,
            deferred_on(invoice.c.id, invoice.c.issued_on).label("deferred_on"),
            reopened.c.id.label("reopening"),
            reopened.c.subject.label("reopened_subject"),
            voided.c.is_charged_again,
            back.period_start.label("credited_start"),
            back.period_end.label("credited_end"),
            deferred_on(back.note_id, GIVEN_ON).label("given_deferred_on"),
            *GIVEN,
        )
        .select_from(joined)
        .where(among(engine, reopened.c.subject))
        .order_by(invoice.c.sequence, c.n)
    )


_CHARGED = PreparedQuery(_charged_query)
