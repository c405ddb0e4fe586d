"""API tokens have scopes and an end; what was told under an Idempotency-Key is kept a day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the table; a token made before may do everything, as it could."""
    scope = sa.Column("scope", sa.String(8), nullable=False, server_default="write")
    with op.batch_alter_table("api_token") as table:
        table.add_column(scope)
        table.add_column(sa.Column("last_used_at", sa.BigInteger))
        table.add_column(sa.Column("revoked_at", sa.BigInteger))
    with op.batch_alter_table("api_token") as table:
        table.alter_column("scope", server_default=None)
    op.create_table(
        "kept_answer",
        sa.Column("caller", sa.String(64), primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("kept_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_kept_answer_kept_at", "kept_answer", ["kept_at"])


def downgrade() -> None:
    """Forget them again; a token that is revoked or may only look opens nothing then."""
    op.drop_table("kept_answer")
    op.execute("DELETE FROM api_token WHERE revoked_at IS NOT NULL OR scope <> 'write'")
    with op.batch_alter_table("api_token") as table:
        for name in ("revoked_at", "last_used_at", "scope"):
            table.drop_column(name)
