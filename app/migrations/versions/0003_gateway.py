"""The gateway's tables: targets, routes, keys, wishes, what was seen, journal, drift, boxes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = (
    "target",
    "route",
    "target_ref",
    "wish",
    "wish_problem",
    "observed",
    "service_order",
    "operation",
    "drift",
    "drift_scan",
    "darkening",
    "resource",
)


def upgrade() -> None:
    """Make the tables."""
    _operators()
    _derived()
    _journal()
    _drift()
    op.create_table(
        "resource",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("serial", sa.String(64), nullable=False, unique=True),
        sa.Column("mac", sa.String(17), unique=True),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("service", sa.String(40)),
        sa.Column("moves", sa.Integer, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("changed_by", sa.String(80), nullable=False),
    )
    op.create_index("ix_resource_service", "resource", ["service"])


def _operators() -> None:
    op.create_table(
        "target",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("options", sa.Text, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("in_flight_max", sa.Integer, nullable=False),
        sa.Column("drift_policy", sa.String(16), nullable=False),
        sa.Column("guard_share_percent", sa.Integer, nullable=False),
        sa.Column("guard_floor", sa.Integer, nullable=False),
        sa.Column("down_since", sa.BigInteger),
        sa.Column("down_reason", sa.Text),
        sa.Column("probes", sa.Integer, nullable=False, server_default="0"),
        sa.Column("probe_at", sa.BigInteger),
        sa.Column("parked_at", sa.BigInteger),
        sa.Column("parked_reason", sa.Text),
        sa.Column("throttled_until", sa.BigInteger),
        sa.Column("pace", sa.Integer),
        sa.Column("paced_at", sa.BigInteger),
    )
    op.create_table(
        "route",
        sa.Column("code", sa.String(64), primary_key=True),
        sa.Column("target", sa.String(32), primary_key=True),
        sa.Column("role", sa.String(16), primary_key=True),
        sa.Column("target_code", sa.String(80), primary_key=True),
    )
    op.create_table(
        "target_ref",
        sa.Column("target", sa.String(32), primary_key=True),
        sa.Column("service", sa.String(40), primary_key=True),
        sa.Column("ref", sa.String(64), nullable=False),
    )
    op.create_index("uq_target_ref_target_ref", "target_ref", ["target", "ref"], unique=True)
    op.create_index("ix_target_ref_service", "target_ref", ["service"])


def _derived() -> None:
    op.create_table(
        "wish",
        sa.Column("service", sa.String(40), primary_key=True),
        sa.Column("target", sa.String(32), primary_key=True),
        sa.Column("ref", sa.String(64), nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("cause", sa.String(160), nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_wish_target_ref", "wish", ["target", "ref"])
    op.create_table(
        "wish_problem",
        sa.Column("service", sa.String(40), primary_key=True),
        sa.Column("target", sa.String(32), primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("found_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "observed",
        sa.Column("service", sa.String(40), primary_key=True),
        sa.Column("target", sa.String(32), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_observed_target_enabled", "observed", ["target", "enabled"])


def _journal() -> None:
    op.create_table(
        "service_order",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("service", sa.String(40), nullable=False),
        sa.Column("target", sa.String(32), nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("cause", sa.String(160), nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
        sa.Column("error", sa.Text),
    )
    op.create_index("ix_service_order_service_id", "service_order", ["service", "id"])
    op.create_table(
        "operation",
        sa.Column("request", sa.String(160), primary_key=True),
        sa.Column("order_id", sa.String(40), nullable=False),
    )
    op.create_table(
        "darkening",
        sa.Column("target", sa.String(32), primary_key=True),
        sa.Column("service", sa.String(40), primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_darkening_target_verdict_at", "darkening", ["target", "verdict", "at"])


def _drift() -> None:
    op.create_table(
        "drift",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("target", sa.String(32), nullable=False),
        sa.Column("ref", sa.String(160), nullable=False),
        sa.Column("service", sa.String(40)),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("found_at", sa.BigInteger, nullable=False),
        sa.Column("scan_at", sa.BigInteger, nullable=False),
        sa.Column("repaired_at", sa.BigInteger),
    )
    unrepaired = sa.text("repaired_at IS NULL")
    op.create_index(
        "uq_drift_open",
        "drift",
        ["target", "ref"],
        unique=True,
        sqlite_where=unrepaired,
        postgresql_where=unrepaired,
    )
    op.create_index("ix_drift_target_found_at", "drift", ["target", "found_at"])
    op.create_table(
        "drift_scan",
        sa.Column("target", sa.String(32), primary_key=True),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
        sa.Column("seen", sa.Integer, nullable=False),
        sa.Column("differing", sa.Integer, nullable=False),
        sa.Column("missing", sa.Integer, nullable=False),
        sa.Column("orphans", sa.Integer, nullable=False),
        sa.Column("duplicates", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in reversed(TABLES):
        op.drop_table(table)
