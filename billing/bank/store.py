"""Tables of banks: what was told, where the money of each line lies, who pays for whom."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    exists,
    or_,
    text,
)

from billing.bank.model import Line, LineKind
from runtime.store import Instant, metadata
from terms.money import Money

REASON_CHARS_MAX = 254
_WAITS = text("state IN ('review', 'suspense')")

bank_statement = Table(
    "bank_statement",
    metadata,
    Column("account", String(34), primary_key=True),  # the IBAN of ours
    Column("id", String(80), primary_key=True),  # the bank's own
    Column("sequence", BigInteger),
    Column("currency", String(3), nullable=False),
    Column("opening_minor", BigInteger, nullable=False),
    Column("closing_minor", BigInteger, nullable=False),
    Column("opened_on", Date, nullable=False),
    Column("closed_on", Date, nullable=False),
    Column("lines", Integer, nullable=False),
    Column("content", String(40), nullable=False),  # a digest
    Column("taken_at", Instant, nullable=False),
)

bank_entry = Table(
    "bank_entry",
    metadata,
    Column("id", String(26), primary_key=True),
    # By which it is known in whatever file it comes again.
    Column("line_key", String(40), nullable=False, unique=True),
    Column("account", String(34), nullable=False),
    Column("statement", String(80), nullable=False),  # in which it was told first
    Column("place", String(60), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("booked_on", Date, nullable=False),
    Column("value_on", Date, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),  # positive where it came in
    Column("currency", String(3), nullable=False),
    Column("ref", String(140), nullable=False),
    Column("end_to_end", String(140), nullable=False),
    Column("structured", String(140), nullable=False),
    Column("text", Text, nullable=False),
    Column("name", String(140), nullable=False),
    Column("iban", String(140), nullable=False),
    Column("reason", String(4), nullable=False, server_default=text("''")),
    Column("state", String(8), nullable=False),
    Column("why", String(12), nullable=False),
    # The payment that it took back.
    Column("of_id", String(26)),
    Column("taken_at", Instant, nullable=False),
    CheckConstraint("amount_minor <> 0", name="amount_minor"),
    Index(None, "end_to_end"),
    Index(None, "ref"),
    Index("ix_bank_entry_waiting", "id", sqlite_where=_WAITS, postgresql_where=_WAITS),
    Index(None, "of_id"),
)

# What of an entry went to which account: each part is a movement of the provider `bank`.
bank_part = Table(
    "bank_part",
    metadata,
    Column("entry_id", String(26), ForeignKey("bank_entry.id"), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("account_id", String(26), ForeignKey("account.id"), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    CheckConstraint("amount_minor > 0", name="amount_minor"),
    Index(None, "account_id"),
)

# Parts that a person has taken from an account again: they went to the wrong one.
bank_undone = Table(
    "bank_undone",
    metadata,
    Column("entry_id", String(26), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("undone_at", Instant, nullable=False),
    ForeignKeyConstraint(["entry_id", "n"], ["bank_part.entry_id", "bank_part.n"]),
)

# Lines that a person has set aside: no customer's, or what a provider paid out, and why; `n`
# counts the times.
bank_aside = Table(
    "bank_aside",
    metadata,
    Column("entry_id", String(26), ForeignKey("bank_entry.id"), primary_key=True),
    Column("provider", String(40), nullable=False),
    Column("reason", String(REASON_CHARS_MAX), nullable=False),
    Column("at", Instant, nullable=False),
    Column("n", Integer, primary_key=True, autoincrement=False, server_default=text("1")),
    Index(None, "at", "entry_id"),
)

# Those that a person has taken back: they are somebody's after all.
bank_aside_undone = Table(
    "bank_aside_undone",
    metadata,
    Column("entry_id", String(26), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("undone_at", Instant, nullable=False),
    ForeignKeyConstraint(["entry_id", "n"], ["bank_aside.entry_id", "bank_aside.n"]),
)

# Whose money comes from where, as people have confirmed it.
bank_payer = Table(
    "bank_payer",
    metadata,
    Column("iban", String(140), primary_key=True),
    Column("account_id", String(26), ForeignKey("account.id"), primary_key=True),
    Column("confirmed_at", Instant, nullable=False),
)


def line_from(row: Any) -> Line:
    """Read a row of the table of entries."""
    return Line(
        place=row.place,
        kind=LineKind(row.kind),
        booked_on=row.booked_on,
        value_on=row.value_on,
        amount=Money(row.amount_minor, row.currency),
        ref=row.ref,
        end_to_end=row.end_to_end,
        structured=row.structured,
        text=row.text,
        name=row.name,
        iban=row.iban,
        reason=row.reason,
    )


def stands() -> ColumnElement[bool]:
    """Build the condition that a part is on its account still."""
    u = bank_undone.c
    return ~exists().where(u.entry_id == bank_part.c.entry_id, u.n == bank_part.c.n)


def is_aside() -> ColumnElement[bool]:
    """Build the condition that a line is set aside still, by this row of the asides."""
    u = bank_aside_undone.c
    return ~exists().where(u.entry_id == bank_aside.c.entry_id, u.n == bank_aside.c.n)


def was_undone() -> ColumnElement[bool]:
    """Build the condition that a person has taken an entry back: then a person decides."""
    c = bank_entry.c
    tables = (bank_undone.c, bank_aside_undone.c)
    return or_(*(exists().where(u.entry_id == c.id) for u in tables))


def charge_of(entry_id: str, n: int) -> str:
    """Name the movement of a part of an entry."""
    return f"{entry_id}.{n}"
