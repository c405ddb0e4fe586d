"""A wish is for a subject: the service itself, or one box of it that a target drives."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SUBJECTS = ("observed", "darkening", "drift")


def upgrade() -> None:
    """Name the subject in every table, and the models in the target."""
    with op.batch_alter_table("target") as table:
        table.add_column(sa.Column("models", sa.Text, nullable=False, server_default="[]"))
    for name in SUBJECTS:
        with op.batch_alter_table(name) as table:
            table.alter_column("service", new_column_name="subject")
    op.alter_column("wish", "service", new_column_name="subject")
    op.add_column("wish", sa.Column("service", sa.String(40)))
    op.execute("UPDATE wish SET service = subject")
    with op.batch_alter_table("wish") as table:
        table.alter_column("service", existing_type=sa.String(40), nullable=False)
        table.create_index("ix_wish_service", ["service"])


def downgrade() -> None:
    """Forget the boxes: only services have wishes."""
    op.execute("DELETE FROM observed WHERE subject NOT IN (SELECT service FROM wish)")
    op.execute("DELETE FROM wish WHERE subject <> service")
    with op.batch_alter_table("wish") as table:
        table.drop_index("ix_wish_service")
        table.drop_column("service")
        table.alter_column("subject", new_column_name="service")
    for name in SUBJECTS:
        with op.batch_alter_table(name) as table:
            table.alter_column("subject", new_column_name="service")
    with op.batch_alter_table("target") as table:
        table.drop_column("models")
