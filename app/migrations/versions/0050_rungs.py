"""A ladder has more rungs than one, a brake holds them back, and promises are judged by history."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

_EMPTY = sa.text("''")
_POLICY = (
    sa.Column("count_max", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("count_days", sa.Integer, nullable=False, server_default=sa.text("365")),
    sa.Column("broken_max", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("standings", sa.Text, nullable=False, server_default=sa.text("'[]'")),
)


def upgrade() -> None:
    """Who is dark stands on the rung of the suspension."""
    op.add_column(
        "dunning_cut",
        sa.Column("rung", sa.String(60), nullable=False, server_default=sa.text("'suspend'")),
    )
    op.add_column(
        "dunning_cut",
        sa.Column("rests", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.add_column("hold", sa.Column("level", sa.String(40), nullable=False, server_default=_EMPTY))
    for column in _POLICY:
        op.add_column("promise_policy", column)
    op.create_table(
        "dunning_brake",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("share_percent", sa.Integer, nullable=False),
        sa.Column("floor", sa.Integer, nullable=False),
        sa.Column("turn", sa.BigInteger, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("base", sa.Integer, nullable=False),
        sa.Column("counted", sa.Integer, nullable=False),
        sa.Column("stopped_at", sa.BigInteger),
    )
    op.create_table(
        "dunning_held",
        sa.Column("account_id", sa.String(26), sa.ForeignKey("account.id"), primary_key=True),
        sa.Column("invoice_id", sa.String(26), sa.ForeignKey("invoice.id"), nullable=False),
        sa.Column("rung", sa.String(60), nullable=False),
        sa.Column("asked_at", sa.BigInteger, nullable=False),
        sa.Column("released_at", sa.BigInteger),
        sa.Column("released_by", sa.String(80), nullable=False),
    )


def downgrade() -> None:
    """Whoever is not suspended is not held at all."""
    op.drop_table("dunning_held")
    op.drop_table("dunning_brake")
    with op.batch_alter_table("promise_policy") as table:
        for column in _POLICY:
            table.drop_column(column.name)
    op.execute("DELETE FROM hold WHERE kind = 'limited'")
    with op.batch_alter_table("hold") as table:
        table.drop_column("level")
    op.execute("DELETE FROM dunning_cut WHERE rung LIKE 'limit:%'")
    with op.batch_alter_table("dunning_cut") as table:
        table.drop_column("rests")
        table.drop_column("rung")
