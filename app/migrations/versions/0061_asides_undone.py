"""A line of a bank that was set aside can be taken back, and set aside again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.migrations.seals import refuse_replacing
from app.migrations.triggers import is_sqlite, may_change, only_grows

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

ASIDE, UNDONE, KEY = "bank_aside", "bank_aside_undone", ["entry_id", "n"]


def upgrade() -> None:
    """Count the times that a line was set aside; whatever was so until now was it once."""
    _open_up()
    with op.batch_alter_table(ASIDE) as table:
        table.add_column(sa.Column("n", sa.Integer, nullable=False, server_default=sa.text("1")))
        table.drop_constraint("pk_bank_aside", type_="primary")
        table.create_primary_key("pk_bank_aside", KEY)
    only_grows(ASIDE)
    refuse_replacing(ASIDE, by=KEY)
    op.create_table(
        UNDONE,
        sa.Column("entry_id", sa.String(26), primary_key=True),
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column("undone_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(KEY, [f"{ASIDE}.{name}" for name in KEY]),
    )
    only_grows(UNDONE)
    refuse_replacing(UNDONE)


def downgrade() -> None:
    """Keep the first time of each line; the postings that follow from the others stay."""
    may_change(UNDONE)
    op.drop_table(UNDONE)
    _open_up()
    op.execute("DELETE FROM bank_aside WHERE n > 1")
    with op.batch_alter_table(ASIDE) as table:
        table.drop_constraint("pk_bank_aside", type_="primary")
        table.drop_column("n")
        table.create_primary_key("pk_bank_aside", ["entry_id"])
    only_grows(ASIDE)
    refuse_replacing(ASIDE)


def _open_up() -> None:
    may_change(ASIDE)
    if is_sqlite():
        op.execute(f"DROP TRIGGER {ASIDE}_no_replace")
