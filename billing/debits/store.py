"""Tables of direct debits: who collects, mandates, debits and the batches they are in.

A mandate is a payment method with what a bank has to know of it. The number of the account is
sealed, and so is every file, which has it too.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    exists,
    text,
)

from billing.debits.model import Creditor
from runtime.store import Instant, metadata

CREDITOR = "creditor"  # there is one
_STATES = "'announced', 'dropped', 'presented', 'booked', 'returned'"

debit_creditor = Table(
    "debit_creditor",
    metadata,
    Column("id", String(8), primary_key=True),
    Column("identifier", String(35), nullable=False),
    Column("name", String(70), nullable=False),
    Column("iban", String(34), nullable=False),
    Column("bic", String(11), nullable=False),
    Column("zone", String(64), nullable=False),
    Column("notice_days", Integer, nullable=False),
    Column("lead_days", Integer, nullable=False),
    Column("cut_off_hour", Integer, nullable=False),
    Column("clear_days", Integer, nullable=False),
    Column("says_first", Boolean, nullable=False),
)

mandate = Table(
    "mandate",
    metadata,
    Column("method_id", String(26), ForeignKey("payment_method.id"), primary_key=True),
    Column("account_id", String(26), ForeignKey("account.id"), nullable=False),
    Column("reference", String(35), nullable=False, unique=True),
    Column("iban", Text, nullable=False),  # sealed
    Column("holder", String(70), nullable=False),
    Column("signed_on", Date, nullable=False),
    Column("is_once", Boolean, nullable=False),
    # The bank has not been told of the newest account yet.
    Column("is_amended", Boolean, nullable=False),
    # Whether a debit of it was presented and not refused, and the day of the newest.
    Column("is_used", Boolean, nullable=False),
    Column("used_on", Date),
    Index(None, "account_id"),
)

debit_batch = Table(
    "debit_batch",
    metadata,
    Column("id", String(30), primary_key=True),
    Column("collect_on", Date, nullable=False),
    Column("clear_on", Date, nullable=False),
    Column("debits", Integer, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("file", Text, nullable=False),  # sealed: it has the numbers of accounts
    Column("digest", String(64), nullable=False),
    Column("made_at", Instant, nullable=False),  # business time
    Column("made_by", String(80), nullable=False),
    Column("handed_in_at", Instant),
    Column("handed_in_by", String(80), nullable=False),
    Column("withdrawn_at", Instant),
    # When nothing of it was to come any more.
    Column("booked_at", Instant),
    CheckConstraint("debits > 0", name="debits"),
    CheckConstraint("total_minor > 0", name="total_minor"),
    CheckConstraint("handed_in_at IS NULL OR withdrawn_at IS NULL", name="one_end"),
)

debit = Table(
    "debit",
    metadata,
    # One attempt is in one batch, or in none.
    Column("attempt_id", String(40), ForeignKey("attempt.id"), primary_key=True),
    Column("method_id", String(26), ForeignKey("mandate.method_id"), nullable=False),
    Column("state", String(10), nullable=False),
    Column("collect_on", Date, nullable=False),
    Column("announced_at", Instant, nullable=False),
    Column("batch_id", String(30), ForeignKey("debit_batch.id")),
    Column("sequence", String(4), nullable=False),
    Column("is_amended", Boolean, nullable=False),
    Column("code", String(4), nullable=False),
    Column("returned_at", Instant),
    # The line of the bank that took it back.
    Column("entry_id", String(26), ForeignKey("bank_entry.id")),
    CheckConstraint(f"state IN ({_STATES})", name="state"),
    Index(None, "method_id"),
    Index(None, "batch_id"),
    Index(
        "ix_debit_announced",
        "collect_on",
        sqlite_where=text("state = 'announced'"),
        postgresql_where=text("state = 'announced'"),
    ),
)


def is_mandate(method: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a method of payment is a mandate."""
    return exists().where(mandate.c.method_id == method)


def creditor_from(row: Any) -> Creditor:
    """Read the row of the creditor."""
    return Creditor(
        identifier=row.identifier,
        name=row.name,
        iban=row.iban,
        bic=row.bic,
        zone=row.zone,
        notice_days=row.notice_days,
        lead_days=row.lead_days,
        cut_off_hour=row.cut_off_hour,
        clear_days=row.clear_days,
        says_first=row.says_first,
    )


def iban_place(method: str) -> str:
    """Say where the number of an account is sealed for."""
    return f"mandate/iban/{method}"


def file_place(batch: str) -> str:
    """Say where the file of a batch is sealed for."""
    return f"debit_batch/file/{batch}"
