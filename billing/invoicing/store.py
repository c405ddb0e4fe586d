"""Tables and SQL of invoices and credit notes: documents and lines that only grow, their numbers.

What is charged is sealed up to a subject's last line. `reopened` names a day before that from which
somebody has changed what should be charged, until it is settled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    ScalarSelect,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    func,
    select,
    text,
)

from billing.catalog.terms import Measure
from billing.invoicing import discounts
from billing.invoicing.credit import Charged, CreditLine, CreditNote
from billing.invoicing.model import Invoice
from billing.rating.measure import Share
from billing.rating.model import Charge, Line, LineKind
from billing.tax.groups import decode_groups, encode_groups
from billing.tax.levels import Split
from runtime.chance import Chance, new_id
from runtime.store import Instant, Tx, metadata
from terms.calendar import Period
from terms.ids import InvoiceId, ServiceId
from terms.money import Money

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
    # The tax groups as they were printed: [[tax, ppm, net, tax amount], ...], and each with its
    # level and jurisdiction where they are not as usual.
    Column("groups", Text, nullable=False),
    # Of fees: it is paid after all others.
    Column("is_fee", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("series", "sequence"),
    CheckConstraint("total_minor = net_minor + tax_minor", name="total_minor"),
    Index(None, "account_id", "sequence"),
)

invoice_line = Table(
    "invoice_line",
    metadata,
    # Lines are there before their invoice, which waits for its number.
    Column(
        "invoice_id",
        String(26),
        ForeignKey("invoice.id", deferrable=True, initially="DEFERRED"),
        primary_key=True,
    ),
    Column("n", Integer, primary_key=True),
    Column("service_id", String(26), nullable=False),
    Column("subject", String(40), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("period_start", Date, nullable=False),
    Column("period_end", Date, nullable=False),
    # How often something up to this very day was charged before: it was given back in between.
    Column("take", Integer, nullable=False),
    # The part of its period: so many of its units, so many after its begin.
    Column("measure", String(8), nullable=False),
    Column("units_before", Integer, nullable=False),
    Column("units", Integer, nullable=False),
    Column("of_units", Integer, nullable=False),
    Column("offering", String(40), nullable=False),
    Column("price_from", Date, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("rate_minor", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    # The amount taken apart: it is either the net, or includes the tax.
    Column("net_minor", BigInteger, nullable=False),
    Column("tax_minor", BigInteger, nullable=False),
    Column("tax", String(40), nullable=False),
    Column("label", String(300), nullable=False),
    # What discounts take off the rate: the amount is the part of what is left (invoice_discount).
    Column("off_minor", BigInteger, nullable=False, server_default="0"),
    # One charge per subject, kind and end: a second run cannot charge it again, and the last is
    # found at once.
    UniqueConstraint("subject", "kind", "period_end", "take"),
    CheckConstraint("period_start < period_end", name="period_end"),
    CheckConstraint("units > 0 AND units_before >= 0", name="units"),
    CheckConstraint("units_before + units <= of_units", name="of_units"),
    CheckConstraint("amount_minor IN (net_minor, net_minor + tax_minor)", name="net_minor"),
    CheckConstraint(
        "off_minor = 0 OR (off_minor > 0 AND off_minor <= rate_minor)", name="off_minor"
    ),
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
    Column("net_minor", BigInteger, nullable=False),
    Column("tax_minor", BigInteger, nullable=False),
    Column("kept_minor", BigInteger, nullable=False),
    Column("label", String(300), nullable=False),
    # Of goodwill, which is for no days: its period is that of the line.
    Column("goodwill_id", String(26), ForeignKey("goodwill.id"), unique=True),
    ForeignKeyConstraint(
        ["invoice_id", "invoice_n"], ["invoice_line.invoice_id", "invoice_line.n"]
    ),
    # One credit per line and day: a second run cannot give back again.
    Index(
        "uq_credit_line_day",
        *("invoice_id", "invoice_n", "period_start"),
        unique=True,
        sqlite_where=text("goodwill_id IS NULL"),
        postgresql_where=text("goodwill_id IS NULL"),
    ),
    CheckConstraint("period_start < period_end", name="period_end"),
    CheckConstraint("amount_minor >= 0", name="amount_minor"),
    CheckConstraint("kept_minor >= 0", name="kept_minor"),
    CheckConstraint("amount_minor IN (net_minor, net_minor + tax_minor)", name="net_minor"),
)

# An invoice that a person has called void: all of it is given back. Its days are charged again, or
# stay given back.
voided = Table(
    "voided",
    metadata,
    Column("invoice_id", String(26), ForeignKey("invoice.id"), primary_key=True),
    Column("is_charged_again", Boolean, nullable=False),
    Column("voided_at", Instant, nullable=False),
    Column("voided_by", String(80), nullable=False),
    Column("reason", String(254), nullable=False),
)

proforma = Table(
    "proforma",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("sequence", BigInteger, nullable=False, unique=True),
    Column("number", String(40), nullable=False, unique=True),
    Column("account_id", String(26), ForeignKey("account.id"), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("issued_on", Date, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("billed_on", Date, nullable=False),
    Column("valid_until", Date, nullable=False),
    Column("net_minor", BigInteger, nullable=False),
    Column("tax_minor", BigInteger, nullable=False),
    Column("groups", Text, nullable=False),
    Column("lines", Text, nullable=False),
    CheckConstraint("valid_until >= issued_on", name="valid_until"),
    Index(None, "account_id", "sequence"),
)

reopened = Table(
    "reopened",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("subject", String(40), nullable=False),
    Column("from_on", Date, nullable=False),
    Index(None, "subject"),
)


def charged_until(subject: Column[str], kind: LineKind) -> ScalarSelect[date]:
    """Tell the first day that no line of a subject covers: one look into the index of its lines."""
    c = invoice_line.c
    mine = select(func.max(c.period_end)).where(c.subject == subject, c.kind == kind.value)
    return mine.scalar_subquery()


def reopened_from(subject: Column[str]) -> ScalarSelect[date]:
    """Tell from which day on the charges of a subject have to be compared again, if any."""
    c = reopened.c
    return select(func.min(c.from_on)).where(c.subject == subject).scalar_subquery()


async def write(tx: Tx, invoices: Sequence[Invoice]) -> None:
    """Write documents with their lines."""
    await tx.insert_rows(invoice, _COLUMNS, [_values(one) for one in invoices])
    lines = [
        _line(one, n, line, split)
        for one in invoices
        for n, (line, split) in enumerate(zip(one.lines, one.splits, strict=True), 1)
    ]
    await tx.insert_rows(invoice_line, _LINE_COLUMNS, lines)
    await discounts.write(tx, invoices)


async def reopen(tx: Tx, rows: Iterable[tuple[str, date]], at: datetime, chance: Chance) -> None:
    """Have subjects, each with a day, compared again from that day on."""
    await tx.insert(
        reopened,
        [
            {"id": new_id(at, chance), "subject": subject, "from_on": from_on}
            for subject, from_on in rows
        ],
    )


async def write_notes(tx: Tx, notes: Sequence[CreditNote]) -> None:
    """Write credit notes with their lines."""
    await tx.insert(credit_note, [_document(one) for one in notes])
    await tx.insert(
        credit_line,
        [_credit_row(one, n, line) for one in notes for n, line in enumerate(one.lines, 1)],
    )


def _document(one: CreditNote) -> dict[str, object]:
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


# A bill run writes a million of these: in the order of the values below, no name twice.
_COLUMNS = (
    *("id", "series", "sequence", "number", "account_id", "currency"),
    *("issued_on", "issued_at", "due_on", "net_minor", "tax_minor", "total_minor", "groups"),
    "is_fee",
)
_LINE_COLUMNS = (
    *("invoice_id", "n", "service_id", "subject", "label", "take", "net_minor", "tax_minor"),
    *("kind", "period_start", "period_end", "measure", "units_before", "units", "of_units"),
    *("offering", "price_from", "quantity", "rate_minor", "amount_minor", "tax"),
    "off_minor",
)


def _values(one: Invoice) -> tuple[object, ...]:
    net, tax = one.net.amount_minor, one.tax.amount_minor
    return (
        *(one.id, one.series, one.sequence, one.number, one.account, one.net.currency),
        *(one.issued_on, one.issued_at, one.due_on, net, tax, net + tax),
        *(encode_groups(one.groups), one.is_fee),
    )


def _line(one: Invoice, n: int, line: Line, split: Split) -> tuple[object, ...]:
    return (
        *(one.id, n, line.service, line.subject, line.label, line.take),
        *(split.net.amount_minor, split.tax.amount_minor),
        *_priced(line.charge),
    )


def _priced(charge: Charge) -> tuple[object, ...]:
    share, period = charge.share, charge.period
    return (
        *(charge.kind.value, period.start, period.end, charge.measure.value),
        *(share.since, share.units, share.of, charge.offering, charge.price_from),
        *(charge.quantity, charge.rate.amount_minor, charge.amount.amount_minor, charge.tax),
        charge.off_minor,
    )


def _credit_row(one: CreditNote, n: int, line: CreditLine) -> dict[str, object]:
    return {
        "note_id": one.id,
        "n": n,
        "invoice_id": line.of.invoice,
        "invoice_n": line.of.n,
        "period_start": line.period.start,
        "period_end": line.period.end,
        "amount_minor": line.amount.amount_minor,
        "net_minor": line.split.net.amount_minor,
        "tax_minor": line.split.tax.amount_minor,
        "kept_minor": line.kept.amount_minor,
        "label": line.label,
        "goodwill_id": line.goodwill or None,
    }


def charged_from(row: Any) -> Charged:
    """Read a line together with `currency` and `groups` of its invoice."""
    groups = {group.tax: group for group in decode_groups(row.groups, row.currency)}
    split = Split(Money(row.net_minor, row.currency), Money(row.tax_minor, row.currency))
    charge = Charge(
        kind=LineKind(row.kind),
        offering=row.offering,
        price_from=row.price_from,
        period=Period(row.period_start, row.period_end),
        measure=Measure(row.measure),
        share=Share(row.units_before, row.units_before + row.units, row.of_units),
        quantity=row.quantity,
        rate=Money(row.rate_minor, row.currency),
        amount=Money(row.amount_minor, row.currency),
        tax=row.tax,
        off_minor=row.off_minor,
    )
    line = Line(
        service=ServiceId(row.service_id),
        subject=row.subject,
        label=row.label,
        charge=charge,
        take=row.take,
    )
    return Charged(
        invoice=InvoiceId(row.invoice_id),
        n=row.n,
        line=line,
        split=split,
        group=groups.get(row.tax),
    )
