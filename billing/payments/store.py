"""Tables of payments: providers and what they sent, methods, attempts, movements, open items.

An open item is what is left of an invoice, or of money that has paid nothing yet; it is gone when
nothing is left. Allocations only grow: what stops paying is a negative row.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    false,
    select,
    text,
)

from billing.payments.model import SUPERSEDED, Attempt, AttemptState, Movement, MovementKind
from billing.payments.refunds import Alone
from runtime.store import Instant, Tx, metadata
from terms.ids import AccountId, AttemptId, InvoiceId
from terms.money import Money

INVOICE = "invoice"
CREDIT = "credit"
_UNSETTLED = text("state IN ('open', 'unknown')")


class EventState(StrEnum):
    """What became of a provider's message."""

    RECEIVED = "received"  # stored, not looked at
    TAKEN = "taken"  # its facts are written
    WAITING = "waiting"  # for the charge it belongs to
    UNMATCHED = "unmatched"  # it belongs to no account: a person decides
    REFUSED = "refused"  # it cannot be read


UNTAKEN = frozenset({EventState.RECEIVED, EventState.WAITING})
SET_ASIDE = frozenset({EventState.UNMATCHED, EventState.REFUSED})

payment_provider = Table(
    "payment_provider",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("options", Text, nullable=False),  # sealed
)

provider_event = Table(
    "provider_event",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("provider", String(40), nullable=False),
    Column("event_id", String(120), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", Instant, nullable=False),  # machine time
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    UniqueConstraint("provider", "event_id"),
    Index(None, "state"),
)

payment_method = Table(
    "payment_method",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("account_id", String(26), ForeignKey("account.id"), nullable=False),
    Column("provider", String(40), nullable=False),
    Column("customer_ref", String(120), nullable=False),
    Column("method_ref", String(120), nullable=False),
    Column("stopped", String(80), nullable=False),
    # The one that is charged; of several, or of none, the newest is.
    Column("is_default", Boolean, nullable=False, server_default=false()),
    Column("label", String(80), nullable=False, server_default=text("''")),
    Column("expires_on", Date),
    # The end of which its holder was told.
    Column("warned_of", Date),
    # Machine time at which the provider was asked last what one without a label is.
    Column("asked_at", Instant),
    # It is not ours to charge any more, and the provider has not been told so yet.
    Column("is_leaving", Boolean, nullable=False, server_default=false()),
    Column("created_at", Instant, nullable=False),
    Index(None, "account_id"),
    Index(None, "provider", "method_ref"),
    Index(None, "expires_on"),
    Index(
        "ix_payment_method_nameless",
        "provider",
        "asked_at",
        sqlite_where=text("label = '' AND stopped = ''"),
        postgresql_where=text("label = '' AND stopped = ''"),
    ),
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("account_id", String(26), ForeignKey("account.id"), nullable=False),
    Column("invoice_id", String(26), ForeignKey("invoice.id"), nullable=False),
    Column("n", Integer, nullable=False),
    Column("method_id", String(26), ForeignKey("payment_method.id"), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("state", String(16), nullable=False),
    Column("opened_on", Date, nullable=False),
    Column("opened_at", Instant, nullable=False),
    # Machine time at which the provider was asked; while it stands, the attempt is looked up.
    Column("called_at", Instant),
    Column("looks", Integer, nullable=False),
    Column("charge", String(120), nullable=False),
    Column("code", String(80), nullable=False),
    Column("decline", String(8), nullable=False),
    UniqueConstraint("invoice_id", "n"),
    CheckConstraint("amount_minor > 0", name="amount_minor"),
    Index(None, "account_id"),
    Index(
        "ix_attempt_unsettled",
        "state",
        sqlite_where=_UNSETTLED,
        postgresql_where=_UNSETTLED,
    ),
)

movement = Table(
    "movement",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("account_id", String(26), ForeignKey("account.id"), nullable=False),
    Column("provider", String(40), nullable=False),
    Column("charge", String(120), nullable=False),
    Column("ref", String(120), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("attempt_id", String(40)),
    Column("received_at", Instant, nullable=False),  # business time
    Column("settled_at", Instant),  # business time
    # One effect per movement at the provider.
    UniqueConstraint("provider", "ref", "kind"),
    CheckConstraint("amount_minor > 0", name="amount_minor"),
    Index(None, "account_id"),
    Index(None, "provider", "charge"),
    Index(
        "ix_movement_unsettled",
        "account_id",
        sqlite_where=text("settled_at IS NULL"),
        postgresql_where=text("settled_at IS NULL"),
    ),
)

refund = Table(
    "refund",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("account_id", String(26), ForeignKey("account.id"), nullable=False),
    Column("reference", String(100), nullable=False),
    Column("movement_id", String(26), ForeignKey("movement.id"), nullable=False),
    Column("provider", String(40), nullable=False),
    Column("charge", String(120), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    # The credit note that keeps it from being owed again, and the line that is of.
    Column("note", String(40), nullable=False),
    Column("line", String(60), nullable=False),
    Column("reason", String(254), nullable=False),
    Column("asked_by", String(80), nullable=False),
    Column("asked_at", Instant, nullable=False),  # business time
    Column("noted_at", Instant),  # the same in machine time
    Column("state", String(16), nullable=False),
    # Machine time at which the provider was asked; while it stands, the refund is looked up.
    Column("called_at", Instant),
    Column("looks", Integer, nullable=False),
    Column("vendor_id", String(120), nullable=False),
    Column("code", String(80), nullable=False),
    # Of the line, what was asked for: a credit note comes to its tax besides.
    Column("line_minor", BigInteger),
    # The reference of the paying out of a wallet that it is a part of.
    Column("pay_out", String(100), nullable=False, server_default=text("''")),
    # The second person, where it was more than one gives back alone. Business time.
    Column("decided_by", String(80), nullable=False, server_default=text("''")),
    Column("decided_at", Instant),
    Column("decided_why", String(254), nullable=False, server_default=text("''")),
    UniqueConstraint("account_id", "reference"),
    CheckConstraint("amount_minor > 0", name="amount_minor"),
    Index(None, "provider", "charge"),
    Index(
        "ix_refund_undecided",
        "state",
        sqlite_where=_UNSETTLED,
        postgresql_where=_UNSETTLED,
    ),
    Index(
        "ix_refund_waiting",
        "id",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
)

refund_limit = Table(
    "refund_limit",
    metadata,
    Column("currency", String(3), primary_key=True),
    Column("alone_minor", BigInteger, nullable=False),
    CheckConstraint("alone_minor >= 0", name="alone_minor"),
)

provider_cursor = Table(
    "provider_cursor",
    metadata,
    Column("provider", String(40), primary_key=True),
    # The event behind which the next look begins, and when that happened. Machine time.
    Column("event_id", String(120), nullable=False),
    Column("happened_at", Instant),
    Column("looked_at", Instant, nullable=False),
)

allocation = Table(
    "allocation",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("account_id", String(26), nullable=False),
    # The movement or the credit note that pays, or the write-off that gives it up.
    Column("payer_id", String(26), nullable=False),
    Column("invoice_id", String(26), ForeignKey("invoice.id"), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("allocated_at", Instant, nullable=False),
    CheckConstraint("amount_minor <> 0", name="amount_minor"),
    Index(None, "account_id"),
    Index(None, "invoice_id"),
)

write_off = Table(
    "write_off",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("invoice_id", String(26), ForeignKey("invoice.id"), nullable=False),
    Column("account_id", String(26), ForeignKey("account.id"), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("written_on", Date, nullable=False),
    Column("written_at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    CheckConstraint("amount_minor > 0", name="amount_minor"),
    Index(None, "invoice_id"),
)

open_item = Table(
    "open_item",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("account_id", String(26), ForeignKey("account.id"), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("rest_minor", BigInteger, nullable=False),
    Column("due_on", Date),
    Column("sequence", BigInteger, nullable=False),
    Column("is_fee", Boolean, nullable=False, server_default=false()),
    CheckConstraint("rest_minor > 0", name="rest_minor"),
    CheckConstraint("kind IN ('invoice', 'credit')", name="kind"),
    Index(None, "account_id"),
)


def attempt_from(row: Any, *, is_debit: bool = False) -> Attempt:
    """Read a row of the table of attempts."""
    return Attempt(
        id=AttemptId(row.id),
        account=AccountId(row.account_id),
        invoice=InvoiceId(row.invoice_id),
        n=row.n,
        method=row.method_id,
        amount=Money(row.amount_minor, row.currency),
        state=AttemptState(row.state),
        opened_on=row.opened_on,
        is_superseded=row.state == AttemptState.FAILED and row.code == SUPERSEDED,
        is_debit=is_debit,
    )


def movement_from(row: Any) -> Movement:
    """Read a row of the table of movements."""
    return Movement(
        id=row.id,
        account=AccountId(row.account_id),
        provider=row.provider,
        charge=row.charge,
        ref=row.ref,
        kind=MovementKind(row.kind),
        amount=Money(row.amount_minor, row.currency),
        attempt=AttemptId(row.attempt_id) if row.attempt_id else None,
        received_at=row.received_at,
        is_settled=row.settled_at is not None,
    )


async def load_alone(tx: Tx) -> Alone:
    """Read how much one person gives back alone; any amount where nothing was published."""
    c = refund_limit.c
    rows = await tx.rows(select(c.currency, c.alone_minor).order_by(c.currency))
    return Alone(up_to_minor={row.currency: row.alone_minor for row in rows})


async def keep_alone(tx: Tx, alone: Alone) -> None:
    """Publish how much one person gives back alone."""
    await tx.execute(delete(refund_limit))
    told = alone.up_to_minor.items()
    await tx.insert(refund_limit, [{"currency": key, "alone_minor": n} for key, n in told])
