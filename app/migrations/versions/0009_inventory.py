"""Boxes have a place and a history; models, logins, strangers, the review list, jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.migrations.triggers import may_change, only_grows

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = (
    "resource_move",
    "box_model",
    "box_login",
    "box_address",
    "stranger",
    "review_case",
    "field_event",
    "job",
)
_HISTORY = """
    INSERT INTO resource_move
        (resource, n, action, state, service, place, note, actor, at)
    SELECT id, moves, 'known', state, service, place, '', changed_by, changed_at FROM resource
"""


def upgrade() -> None:
    """Make them; what is known of each box becomes the first line of its history."""
    place = sa.Column("place", sa.String(80), nullable=False, server_default="warehouse")
    op.add_column("resource", place)
    op.create_index("ix_resource_place_state", "resource", ["place", "state"])
    op.execute("UPDATE resource SET place = '' WHERE service IS NOT NULL")
    _boxes()
    _trouble()
    _field()
    op.execute(_HISTORY)
    only_grows("resource_move")


def _boxes() -> None:
    op.create_table(
        "resource_move",
        sa.Column("resource", sa.String(40), primary_key=True),
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("service", sa.String(40)),
        sa.Column("place", sa.String(80), nullable=False),
        sa.Column("on", sa.Date),
        sa.Column("note", sa.String(200), nullable=False),
        sa.Column("other", sa.String(40)),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "box_model",
        sa.Column("model", sa.String(64), primary_key=True),
        sa.Column("maker", sa.String(80), nullable=False),
        sa.Column("serial_check", sa.String(16), nullable=False),
        sa.Column("serial_prefix", sa.String(40), nullable=False),
        sa.Column("protocol", sa.String(16), nullable=False),
    )
    op.create_table(
        "box_login",
        sa.Column("resource", sa.String(40), primary_key=True),
        sa.Column("address", sa.String(255), nullable=False),
        sa.Column("login_name", sa.String(200)),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("host_key", sa.Text, nullable=False),
        sa.Column("claim_until", sa.BigInteger),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_box_login_login_name", "box_login", ["login_name"])
    op.create_index("ix_box_login_key_id", "box_login", ["key_id"])
    op.create_table(
        "box_address",
        sa.Column("serial", sa.String(64), primary_key=True),
        sa.Column("address", sa.String(80), nullable=False),
        sa.Column("before", sa.String(80), nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )


def _trouble() -> None:
    op.create_table(
        "stranger",
        sa.Column("serial", sa.String(64), primary_key=True),
        sa.Column("oui", sa.String(8), primary_key=True),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("mac", sa.String(17), nullable=False),
        sa.Column("address", sa.String(80), nullable=False),
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
    )
    op.create_index("ix_stranger_last_at", "stranger", ["last_at"])
    op.create_table(
        "review_case",
        sa.Column("id", sa.String(100), primary_key=True),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("serial", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("found_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("resolved_at", sa.BigInteger),
        sa.Column("resolved_by", sa.String(80)),
        sa.Column("resolution", sa.Text),
    )
    op.create_index("ix_review_case_resolved_at_seen_at", "review_case", ["resolved_at", "seen_at"])


def _field() -> None:
    op.create_table(
        "field_event",
        sa.Column("actor", sa.String(80), primary_key=True),
        sa.Column("event", sa.String(80), primary_key=True),
        sa.Column("deed", sa.String(200), nullable=False),
        sa.Column("about", sa.String(80), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("service", sa.String(40), nullable=False),
        sa.Column("contract", sa.String(40), nullable=False),
        sa.Column("assignee", sa.String(80), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("note", sa.String(400), nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("opened_by", sa.String(80), nullable=False),
        sa.Column("closed_at", sa.BigInteger),
        sa.Column("closed_by", sa.String(80)),
    )
    op.create_index("ix_job_assignee_state", "job", ["assignee", "state"])
    op.create_index("ix_job_state_opened_at", "job", ["state", "opened_at"])
    op.create_index("ix_job_service", "job", ["service"])


def downgrade() -> None:
    """Forget all of it; boxes keep their state."""
    may_change("resource_move")
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_index("ix_resource_place_state", "resource")
    op.drop_column("resource", "place")
