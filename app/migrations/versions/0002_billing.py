"""Billing's tables, and the triggers that keep the books balanced and unchanged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.migrations.seals import seal_postings, unseal_postings
from app.migrations.triggers import may_change, only_grows

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

GROW_ONLY = ("invoice", "invoice_line", "entry", "posting", "allocation")
# In an order in which they can be dropped.
TABLES = (
    *("hold", "dunning_notice", "dunning_step", "open_item", "allocation", "movement", "attempt"),
    *("payment_method", "provider_event", "payment_provider", "entry", "posting", "open_period"),
    *("invoice_line", "invoice", "number_series", "rental", "subscription", "tax_rate"),
    *("catalog_edition", "price", "offering", "service", "account", "customer"),
)
ID = sa.String(26)
LONG_ID = sa.String(40)
CODE = sa.String(40)
REF = sa.String(120)
MINOR = sa.BigInteger
INSTANT = sa.BigInteger


def upgrade() -> None:
    """Make the tables, then what guards them."""
    _accounts()
    _catalog()
    _subjects()
    _invoices()
    _ledger()
    _providers()
    _attempts()
    _movements()
    _dunning()
    for table in GROW_ONLY:
        only_grows(table)
    seal_postings()


def downgrade() -> None:
    """Drop the tables."""
    for table in GROW_ONLY:
        may_change(table)
    unseal_postings()
    for table in TABLES:
        op.drop_table(table)


def _accounts() -> None:
    op.create_table(
        "customer",
        sa.Column("id", ID, primary_key=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("phone", sa.String(40), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
    )
    op.create_table(
        "account",
        sa.Column("id", ID, primary_key=True),
        sa.Column("number", CODE, nullable=False, unique=True),
        sa.Column("customer_id", ID, sa.ForeignKey("customer.id"), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("bill_day", sa.Integer, nullable=False),
        sa.Column("terms_days", sa.Integer, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("bill_day BETWEEN 1 AND 31", name="bill_day"),
        sa.CheckConstraint("terms_days >= 0", name="terms_days"),
    )
    op.create_index("ix_account_customer_id", "account", ["customer_id"])
    op.create_table(
        "service",
        sa.Column("id", ID, primary_key=True),
        sa.Column("account_id", ID, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("contract", CODE, nullable=False, unique=True),
        sa.Column("label", sa.String(120), nullable=False),
        sa.Column("streams", sa.Integer, nullable=False),
        sa.Column("devices", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("billed_until", sa.Date),
        sa.Column("created_at", INSTANT, nullable=False),
    )
    op.create_index("ix_service_account_id", "service", ["account_id"])


def _catalog() -> None:
    op.create_table(
        "offering",
        sa.Column("code", CODE, primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("grants", sa.Text, nullable=False),
        sa.Column("tax", CODE, nullable=False),
        sa.Column("models", sa.Text, nullable=False),
    )
    op.create_table(
        "price",
        sa.Column("offering", CODE, sa.ForeignKey("offering.code"), primary_key=True),
        sa.Column("currency", sa.String(3), primary_key=True),
        sa.Column("effective_from", sa.Date, primary_key=True),
        sa.Column("amount_minor", MINOR, nullable=False),
        sa.CheckConstraint("amount_minor >= 0", name="amount_minor"),
    )
    op.create_table(
        "catalog_edition",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("edition", sa.Integer, nullable=False),
    )
    op.create_table(
        "tax_rate",
        sa.Column("tax", CODE, primary_key=True),
        sa.Column("effective_from", sa.Date, primary_key=True),
        sa.Column("ppm", sa.Integer, nullable=False),
        sa.CheckConstraint("ppm >= 0", name="ppm"),
    )


def _subjects() -> None:
    op.create_table(
        "subscription",
        sa.Column("id", ID, primary_key=True),
        sa.Column("service_id", ID, sa.ForeignKey("service.id"), nullable=False),
        sa.Column("offering", CODE, sa.ForeignKey("offering.code"), nullable=False),
        sa.Column("from_on", sa.Date, nullable=False),
        sa.Column("until_on", sa.Date),
        sa.Column("charged_from", sa.Date, nullable=False),
        sa.Column("activation", sa.String(8), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("until_on IS NULL OR until_on >= from_on", name="until_on"),
        sa.CheckConstraint("charged_from >= from_on", name="charged_from"),
    )
    op.create_index("ix_subscription_service_id", "subscription", ["service_id"])
    op.create_table(
        "rental",
        sa.Column("id", LONG_ID, primary_key=True),
        sa.Column("service_id", ID, sa.ForeignKey("service.id"), nullable=False),
        sa.Column("resource_id", sa.String(80), nullable=False),
        sa.Column("serial", sa.String(80), nullable=False),
        sa.Column("model", sa.String(80), nullable=False),
        sa.Column("offering", CODE, sa.ForeignKey("offering.code"), nullable=False),
        sa.Column("from_on", sa.Date, nullable=False),
        sa.Column("until_on", sa.Date),
        sa.Column("charged_from", sa.Date, nullable=False),
        sa.Column("ended_by", LONG_ID),
        sa.CheckConstraint("until_on IS NULL OR until_on >= from_on", name="until_on"),
        sa.CheckConstraint("charged_from >= from_on", name="charged_from"),
    )
    for column in ("service_id", "resource_id", "ended_by"):
        op.create_index(f"ix_rental_{column}", "rental", [column])


def _invoices() -> None:
    op.create_table(
        "number_series",
        sa.Column("series", sa.String(16), primary_key=True),
        sa.Column("last", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "invoice",
        sa.Column("id", ID, primary_key=True),
        sa.Column("series", sa.String(16), nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("number", CODE, nullable=False, unique=True),
        sa.Column("account_id", ID, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("issued_on", sa.Date, nullable=False),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("net_minor", MINOR, nullable=False),
        sa.Column("tax_minor", MINOR, nullable=False),
        sa.Column("total_minor", MINOR, nullable=False),
        sa.Column("groups", sa.Text, nullable=False),
        sa.UniqueConstraint("series", "sequence"),
        sa.CheckConstraint("total_minor = net_minor + tax_minor", name="total_minor"),
    )
    op.create_index("ix_invoice_account_id_sequence", "invoice", ["account_id", "sequence"])
    op.create_table(
        "invoice_line",
        sa.Column("invoice_id", ID, sa.ForeignKey("invoice.id"), primary_key=True),
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column("service_id", ID, nullable=False),
        sa.Column("subject", LONG_ID, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("period_start", sa.Date, nullable=False),
        sa.Column("period_end", sa.Date, nullable=False),
        sa.Column("days", sa.Integer, nullable=False),
        sa.Column("of_days", sa.Integer, nullable=False),
        sa.Column("offering", CODE, nullable=False),
        sa.Column("price_from", sa.Date, nullable=False),
        sa.Column("rate_minor", MINOR, nullable=False),
        sa.Column("amount_minor", MINOR, nullable=False),
        sa.Column("tax", CODE, nullable=False),
        sa.Column("label", sa.String(300), nullable=False),
        sa.UniqueConstraint("subject", "kind", "period_start"),
        sa.CheckConstraint("period_start < period_end", name="period_end"),
        sa.CheckConstraint("days BETWEEN 1 AND of_days", name="days"),
    )
    op.create_table(
        "open_period",
        sa.Column("subject", LONG_ID, primary_key=True),
        sa.Column("open_from", sa.Date, nullable=False),
    )


def _ledger() -> None:
    op.create_table(
        "posting",
        sa.Column("id", LONG_ID, primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("posted_on", sa.Date, nullable=False),
        sa.Column("posted_at", INSTANT, nullable=False),
    )
    op.create_index("ix_posting_account_id", "posting", ["account_id"])
    op.create_table(
        "entry",
        sa.Column(
            "posting_id",
            LONG_ID,
            sa.ForeignKey("posting.id", deferrable=True, initially="DEFERRED"),
            primary_key=True,
        ),
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column("book", sa.String(16), nullable=False),
        sa.Column("party", CODE, nullable=False),
        sa.Column("amount_minor", MINOR, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
    )


def _providers() -> None:
    op.create_table(
        "payment_provider",
        sa.Column("name", CODE, primary_key=True),
        sa.Column("kind", CODE, nullable=False),
        sa.Column("options", sa.Text, nullable=False),
    )
    op.create_table(
        "provider_event",
        sa.Column("id", ID, primary_key=True),
        sa.Column("provider", CODE, nullable=False),
        sa.Column("event_id", REF, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.UniqueConstraint("provider", "event_id"),
    )
    op.create_index("ix_provider_event_state", "provider_event", ["state"])
    op.create_table(
        "payment_method",
        sa.Column("id", ID, primary_key=True),
        sa.Column("account_id", ID, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("provider", CODE, nullable=False),
        sa.Column("customer_ref", REF, nullable=False),
        sa.Column("method_ref", REF, nullable=False),
        sa.Column("stopped", sa.String(80), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
    )
    op.create_index("ix_payment_method_account_id", "payment_method", ["account_id"])


def _attempts() -> None:
    op.create_table(
        "attempt",
        sa.Column("id", LONG_ID, primary_key=True),
        sa.Column("account_id", ID, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("invoice_id", ID, sa.ForeignKey("invoice.id"), nullable=False),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("method_id", ID, sa.ForeignKey("payment_method.id"), nullable=False),
        sa.Column("amount_minor", MINOR, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("opened_on", sa.Date, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("called_at", INSTANT),
        sa.Column("looks", sa.Integer, nullable=False),
        sa.Column("charge", REF, nullable=False),
        sa.Column("code", sa.String(80), nullable=False),
        sa.Column("decline", sa.String(8), nullable=False),
        sa.UniqueConstraint("invoice_id", "n"),
        sa.CheckConstraint("amount_minor > 0", name="amount_minor"),
    )
    op.create_index("ix_attempt_account_id", "attempt", ["account_id"])
    _index_where("ix_attempt_unsettled", "attempt", "state", "state IN ('open', 'unknown')")


def _movements() -> None:
    op.create_table(
        "movement",
        sa.Column("id", ID, primary_key=True),
        sa.Column("account_id", ID, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("provider", CODE, nullable=False),
        sa.Column("charge", REF, nullable=False),
        sa.Column("ref", REF, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("amount_minor", MINOR, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("attempt_id", LONG_ID),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("settled_at", INSTANT),
        sa.UniqueConstraint("provider", "ref", "kind"),
        sa.CheckConstraint("amount_minor > 0", name="amount_minor"),
    )
    op.create_index("ix_movement_account_id", "movement", ["account_id"])
    op.create_index("ix_movement_provider_charge", "movement", ["provider", "charge"])
    _index_where("ix_movement_unsettled", "movement", "account_id", "settled_at IS NULL")
    op.create_table(
        "allocation",
        sa.Column("id", ID, primary_key=True),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("movement_id", ID, sa.ForeignKey("movement.id"), nullable=False),
        sa.Column("invoice_id", ID, sa.ForeignKey("invoice.id"), nullable=False),
        sa.Column("amount_minor", MINOR, nullable=False),
        sa.Column("allocated_at", INSTANT, nullable=False),
        sa.CheckConstraint("amount_minor <> 0", name="amount_minor"),
    )
    op.create_index("ix_allocation_account_id", "allocation", ["account_id"])
    op.create_index("ix_allocation_invoice_id", "allocation", ["invoice_id"])
    op.create_table(
        "open_item",
        sa.Column("id", ID, primary_key=True),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("account_id", ID, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("rest_minor", MINOR, nullable=False),
        sa.Column("due_on", sa.Date),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.CheckConstraint("rest_minor > 0", name="rest_minor"),
        sa.CheckConstraint("kind IN ('invoice', 'credit')", name="kind"),
    )
    op.create_index("ix_open_item_account_id", "open_item", ["account_id"])


def _dunning() -> None:
    op.create_table(
        "dunning_step",
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column("after_days", sa.Integer, nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("notice", sa.String(40), nullable=False),
    )
    op.create_table(
        "dunning_notice",
        sa.Column("invoice_id", ID, sa.ForeignKey("invoice.id"), primary_key=True),
        sa.Column("after_days", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("given_at", INSTANT, nullable=False),
    )
    op.create_table(
        "hold",
        sa.Column("id", sa.String(60), primary_key=True),
        sa.Column("service_id", ID, sa.ForeignKey("service.id"), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("since_on", sa.Date, nullable=False),
        sa.Column("cause", sa.String(80), nullable=False),
    )
    op.create_index("ix_hold_service_id", "hold", ["service_id"])


def _index_where(name: str, table: str, column: str, where: str) -> None:
    clause = sa.text(where)
    op.create_index(name, table, [column], sqlite_where=clause, postgresql_where=clause)
