"""Rows of work know whether somebody marked them or only their time has come."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

INDEX = "ix_work_claimable"
UNPARKED = sa.text("parked_at IS NULL")


def upgrade() -> None:
    """Add the column; a row that waits for a time after its newest mark is a scheduled one."""
    column = sa.Column("is_scheduled", sa.Integer, nullable=False, server_default="0")
    op.add_column("work", column)
    op.execute(
        "UPDATE work SET is_scheduled = 1 WHERE due_at > marked_at + "
        'COALESCE((SELECT "offset" FROM business_clock WHERE id = 1), 0)'
    )
    _index("kind", "target", "is_scheduled", "due_at")


def downgrade() -> None:
    """Forget it again."""
    _index("kind", "target", "due_at")
    op.drop_column("work", "is_scheduled")


def _index(*columns: str) -> None:
    op.drop_index(INDEX, "work")
    op.create_index(INDEX, "work", list(columns), sqlite_where=UNPARKED, postgresql_where=UNPARKED)
