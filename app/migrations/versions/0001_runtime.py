"""The runtime's tables: business clock, dirty rows, log, snapshots, audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.migrations.triggers import is_sqlite, may_change, only_grows

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQLite numbers rows by itself only where the key's type is exactly INTEGER.
POSITION = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "business_clock",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("offset", sa.BigInteger, nullable=False),
    )
    op.execute('INSERT INTO business_clock (id, "offset") VALUES (1, 0)')
    _work()
    _log()
    op.create_table(
        "audit",
        sa.Column("position", POSITION, primary_key=True, autoincrement=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("action", sa.String(80), nullable=False),
        sa.Column("subject", sa.String(160), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_subject_position", "audit", ["subject", "position"])
    only_grows("audit")


def _work() -> None:
    op.create_table(
        "work",
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("key", sa.String(160), primary_key=True),
        sa.Column("target", sa.String(64), nullable=False, server_default=sa.text("''")),
        sa.Column("generation", sa.BigInteger, nullable=False, server_default="1"),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("not_before", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("token", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("marked_at", sa.BigInteger, nullable=False),
        sa.Column("again_at", sa.BigInteger),
        sa.Column("parked_at", sa.BigInteger),
        sa.Column("error", sa.Text),
    )
    unparked = sa.text("parked_at IS NULL")
    op.create_index(
        "ix_work_claimable",
        "work",
        ["kind", "target", "due_at"],
        sqlite_where=unparked,
        postgresql_where=unparked,
    )
    if not is_sqlite():
        # Rows come and go by the thousand: room for updates in place, and early cleaning.
        op.execute(
            "ALTER TABLE work SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, "
            "autovacuum_vacuum_threshold = 1000)"
        )


def _log() -> None:
    op.create_table(
        "log_entry",
        sa.Column("position", POSITION, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(80), nullable=False, unique=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_log_entry_key", "log_entry", ["key"])
    op.create_table(
        "log_cursor",
        sa.Column("consumer", sa.String(40), primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "snapshot",
        sa.Column("topic", sa.String(40), primary_key=True),
        sa.Column("key", sa.String(80), primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    may_change("audit")
    for table in ("audit", "snapshot", "log_cursor", "log_entry", "work", "business_clock"):
        op.drop_table(table)
