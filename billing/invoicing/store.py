"""Tables and SQL of invoices and credit notes: documents and lines that only grow, their numbers.

`open_period` says from which day a subject's periods are still open; those before are sealed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import postgresql, sqlite

from billing.invoicing.credit import Charged, CreditLine, CreditNote
from billing.invoicing.model import Invoice
from billing.rating.model import Line, LineKind
from billing.tax.model import TaxGroup
from runtime.store import Instant, Tx, metadata
from terms.calendar import Period
from terms.ids import InvoiceId, ServiceId
from terms.money import Money, Rate

number_series = Table(
    "number_series",
    metadata,
    Column("series", String(16), primary_key=True),
    Column("last", BigInteger, nullable=False),
)

invoice = Table(
    "invoice",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("series", String(16), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("number", String(40), nullable=False, unique=True),
    Column("account_id", String(26), ForeignKey("account.id"), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("issued_on", Date, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("net_minor", BigInteger, nullable=False),
    Column("tax_minor", BigInteger, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    # The tax groups as they were printed: [[tax, ppm, net, tax amount], ...]
    Column("groups", Text, nullable=False),
    UniqueConstraint("series", "sequence"),
    CheckConstraint("total_minor = net_minor + tax_minor", name="total_minor"),
    Index(None, "account_id", "sequence"),
)

invoice_line = Table(
    "invoice_line",
    metadata,
    Column("invoice_id", String(26), ForeignKey("invoice.id"), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("service_id", String(26), nullable=False),
    Column("subject", String(40), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("period_start", Date, nullable=False),
    Column("period_end", Date, nullable=False),
    Column("days", Integer, nullable=False),
    Column("of_days", Integer, nullable=False),
    Column("offering", String(40), nullable=False),
    Column("price_from", Date, nullable=False),
    Column("rate_minor", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("tax", String(40), nullable=False),
    Column("label", String(300), nullable=False),
    # One charge per subject, kind and period: a second run cannot charge it again.
    UniqueConstraint("subject", "kind", "period_start"),
    CheckConstraint("period_start < period_end", name="period_end"),
    CheckConstraint("days BETWEEN 1 AND of_days", name="days"),
)

credit_note = Table(
    "credit_note",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("sequence", BigInteger, nullable=False, unique=True),
    Column("number", String(40), nullable=False, unique=True),
    Column("account_id", String(26), ForeignKey("account.id"), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("issued_on", Date, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("net_minor", BigInteger, nullable=False),
    Column("tax_minor", BigInteger, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("groups", Text, nullable=False),
    CheckConstraint("total_minor = net_minor + tax_minor", name="total_minor"),
    Index(None, "account_id", "sequence"),
)

credit_line = Table(
    "credit_line",
    metadata,
    Column("note_id", String(26), ForeignKey("credit_note.id"), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("invoice_id", String(26), nullable=False),
    Column("invoice_n", Integer, nullable=False),
    Column("period_start", Date, nullable=False),
    Column("period_end", Date, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("kept_minor", BigInteger, nullable=False),
    Column("label", String(300), nullable=False),
    ForeignKeyConstraint(
        ["invoice_id", "invoice_n"], ["invoice_line.invoice_id", "invoice_line.n"]
    ),
    # One credit per line: a second run cannot give back again.
    UniqueConstraint("invoice_id", "invoice_n"),
    CheckConstraint("period_start < period_end", name="period_end"),
    CheckConstraint("amount_minor >= 0", name="amount_minor"),
    CheckConstraint("kept_minor >= 0", name="kept_minor"),
)

open_period = Table(
    "open_period",
    metadata,
    Column("subject", String(40), primary_key=True),
    Column("open_from", Date, nullable=False),
)


async def reserve_numbers(tx: Tx, series: str, count: int) -> int:
    """Take a block of numbers for this transaction; returns the first. A rollback gives it back."""
    engine = sqlite if tx.engine == "sqlite" else postgresql
    statement = engine.insert(number_series).values(series=series, last=count)
    statement = statement.on_conflict_do_update(
        index_elements=["series"],
        set_={"last": number_series.c.last + statement.excluded.last},
    )
    last = await tx.scalar(statement.returning(number_series.c.last))
    return int(last) - count + 1


async def write(tx: Tx, invoices: Sequence[Invoice]) -> None:
    """Write documents with their lines."""
    await tx.insert(invoice, [_row(one) for one in invoices])
    await tx.insert(
        invoice_line,
        [_line_row(one, n, line) for one in invoices for n, line in enumerate(one.lines, 1)],
    )


async def write_notes(tx: Tx, notes: Sequence[CreditNote]) -> None:
    """Write credit notes with their lines."""
    await tx.insert(credit_note, [_document(one) for one in notes])
    await tx.insert(
        credit_line,
        [_credit_row(one, n, line) for one in notes for n, line in enumerate(one.lines, 1)],
    )


def _row(one: Invoice) -> dict[str, object]:
    return {**_document(one), "series": one.series, "due_on": one.due_on}


def _document(one: Invoice | CreditNote) -> dict[str, object]:
    return {
        "id": one.id,
        "sequence": one.sequence,
        "number": one.number,
        "account_id": one.account,
        "currency": one.net.currency,
        "issued_on": one.issued_on,
        "issued_at": one.issued_at,
        "net_minor": one.net.amount_minor,
        "tax_minor": one.tax.amount_minor,
        "total_minor": one.total.amount_minor,
        "groups": encode_groups(one.groups),
    }


def _line_row(one: Invoice, n: int, line: Line) -> dict[str, object]:
    return {
        "invoice_id": one.id,
        "n": n,
        "service_id": line.service,
        "subject": line.subject,
        "kind": line.kind.value,
        "period_start": line.period.start,
        "period_end": line.period.end,
        "days": line.days,
        "of_days": line.of_days,
        "offering": line.offering,
        "price_from": line.price_from,
        "rate_minor": line.rate.amount_minor,
        "amount_minor": line.amount.amount_minor,
        "tax": line.tax,
        "label": line.label,
    }


def _credit_row(one: CreditNote, n: int, line: CreditLine) -> dict[str, object]:
    return {
        "note_id": one.id,
        "n": n,
        "invoice_id": line.of.invoice,
        "invoice_n": line.of.n,
        "period_start": line.period.start,
        "period_end": line.period.end,
        "amount_minor": line.amount.amount_minor,
        "kept_minor": line.kept.amount_minor,
        "label": line.label,
    }


def charged_from(row: Any) -> Charged:
    """Read a line together with `currency` and `groups` of its invoice, and the `note` of it."""
    rates = {group.tax: group.rate for group in decode_groups(row.groups, row.currency)}
    line = Line(
        service=ServiceId(row.service_id),
        subject=row.subject,
        kind=LineKind(row.kind),
        label=row.label,
        offering=row.offering,
        price_from=row.price_from,
        period=Period(row.period_start, row.period_end),
        days=row.days,
        of_days=row.of_days,
        rate=Money(row.rate_minor, row.currency),
        amount=Money(row.amount_minor, row.currency),
        tax=row.tax,
    )
    return Charged(
        invoice=InvoiceId(row.invoice_id),
        n=row.n,
        line=line,
        rate=rates.get(row.tax),
        is_credited=row.note is not None,
    )


def encode_groups(groups: Sequence[TaxGroup]) -> str:
    """Write tax groups as text."""
    rows = [[g.tax, g.rate.ppm, g.net.amount_minor, g.amount.amount_minor] for g in groups]
    return json.dumps(rows, separators=(",", ":"))


def decode_groups(text: str, currency: str) -> Iterator[TaxGroup]:
    """Read what `encode_groups` wrote."""
    for tax, ppm, net, amount in json.loads(text):
        yield TaxGroup(
            tax=tax, rate=Rate(ppm), net=Money(net, currency), amount=Money(amount, currency)
        )
