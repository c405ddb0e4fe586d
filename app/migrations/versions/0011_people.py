"""People who sign in, their sign-ins, and how fast somebody may guess."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "person",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("name", sa.String(40), nullable=False, unique=True),
        sa.Column("display", sa.String(80), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("password_at", sa.BigInteger, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("disabled_at", sa.BigInteger),
    )
    op.create_table(
        "sign_in",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("person_id", sa.String(26), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("browser_hash", sa.String(64), nullable=False),
        sa.Column("label", sa.String(80), nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("last_seen_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
    )
    op.create_index("ix_sign_in_person_id_made_at", "sign_in", ["person_id", "made_at"])
    op.create_table(
        "guess",
        sa.Column("key", sa.String(100), primary_key=True),
        sa.Column("fresh_at", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("guess")
    op.drop_table("sign_in")
    op.drop_table("person")
