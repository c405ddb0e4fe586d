"""Deeds are found by who did them, and by when."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the indexes."""
    op.create_index("ix_audit_actor_position", "audit", ["actor", "position"])
    op.create_index("ix_audit_at", "audit", ["at"])


def downgrade() -> None:
    """Take them away."""
    op.drop_index("ix_audit_at", "audit")
    op.drop_index("ix_audit_actor_position", "audit")
