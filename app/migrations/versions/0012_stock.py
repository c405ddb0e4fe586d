"""Boxes come back in a condition, jobs open by themselves, secrets have imprints."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

CONDITION = sa.String(16)


def upgrade() -> None:
    """Add them. What was written of a box before stays as it was: a note."""
    op.add_column("resource", sa.Column("condition", CONDITION))
    op.add_column("resource_move", sa.Column("condition", CONDITION))
    op.add_column("job", sa.Column("reason", sa.String(80)))
    op.create_index("ix_job_reason", "job", ["reason"], unique=True)
    # They are made with the master key, which a migration has not: the first import makes them.
    op.add_column("box_login", sa.Column("imprinted_by", sa.String(16)))
    op.create_index("ix_box_login_imprinted_by", "box_login", ["imprinted_by"])
    op.create_table(
        "secret_imprint",
        sa.Column("resource", sa.String(40), primary_key=True),
        sa.Column("imprint", sa.String(32), primary_key=True),
    )
    op.create_index("ix_secret_imprint_imprint", "secret_imprint", ["imprint"])


def downgrade() -> None:
    """Forget them again."""
    op.drop_table("secret_imprint")
    op.drop_index("ix_box_login_imprinted_by", "box_login")
    op.drop_column("box_login", "imprinted_by")
    op.drop_index("ix_job_reason", "job")
    op.drop_column("job", "reason")
    op.drop_column("resource_move", "condition")
    op.drop_column("resource", "condition")
