"""The log is read by kind: a reader goes through its own kinds alone."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INDEX = "ix_log_entry_kind_position"


def upgrade() -> None:
    """Make the index."""
    op.create_index(INDEX, "log_entry", ["kind", "position"])


def downgrade() -> None:
    """Drop the index."""
    op.drop_index(INDEX, "log_entry")
