"""Table of goodwill, and what is read of whatever was given back of a line. It only grows."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    String,
    Table,
    UniqueConstraint,
    select,
)

from billing.invoicing.credit import Given
from billing.invoicing.store import credit_line, credit_note
from runtime.store import Instant, metadata
from terms.calendar import Period

# What a person gives back of a line for no days of it, whatever the reason. `reference` is the
# giver's own: the same again is the same goodwill. Of a share `percent_ppm` says which.
goodwill = Table(
    "goodwill",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("account_id", String(26), ForeignKey("account.id"), nullable=False),
    Column("reference", String(100), nullable=False),
    Column("invoice_id", String(26), nullable=False),
    Column("invoice_n", Integer, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("percent_ppm", Integer),
    Column("reason", String(254), nullable=False),
    Column("given_by", String(80), nullable=False),
    Column("given_at", Instant, nullable=False),
    ForeignKeyConstraint(
        ["invoice_id", "invoice_n"], ["invoice_line.invoice_id", "invoice_line.n"]
    ),
    UniqueConstraint("account_id", "reference"),
    CheckConstraint("amount_minor > 0", name="amount_minor"),
)

_B, _N = credit_line.c, credit_note.alias("of").c
_OF_NOTE = select(_N.id).where(_N.id == _B.note_id).correlate(credit_line)
# What of a credit line tells what it gave back, beside whatever a query asks of its line.
GIVEN = (
    _B.note_id,
    _B.n.label("note_n"),
    _B.amount_minor.label("given_minor"),
    _B.tax_minor.label("given_tax_minor"),
    _B.kept_minor,
    _B.goodwill_id,
    _B.net_minor.label("given_net_minor"),
    _B.period_start.label("given_start"),
    _B.period_end.label("given_end"),
    _OF_NOTE.with_only_columns(_N.sequence).scalar_subquery().label("given_sequence"),
)
# When its note was issued.
GIVEN_ON = _OF_NOTE.with_only_columns(_N.issued_on).scalar_subquery()


def given_from(row: Any, deferred_on: date | None = None) -> Given:
    """Read what `GIVEN` asks for; and when it took of what is deferred, where somebody asks."""
    return Given(
        note=row.note_id,
        n=row.note_n,
        amount=row.given_minor,
        tax=row.given_tax_minor,
        kept=row.kept_minor,
        is_goodwill=row.goodwill_id is not None,
        period=Period(row.given_start, row.given_end),
        sequence=row.given_sequence,
        net=row.given_net_minor,
        deferred_on=deferred_on if row.goodwill_id is not None else None,
    )
