"""Deeds are linked to one another: those that there are, now."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.migrations.seals import refuse_replacing
from app.migrations.triggers import may_change, only_grows
from runtime.store.chain import LOOKED_ROWS_MAX, START, Link, linked

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_DEEDS = sa.text(
    'SELECT position, at, actor, action, subject, reason, "before", "after" FROM audit '
    "WHERE position > :behind ORDER BY position LIMIT :rows"
)


def upgrade() -> None:
    """Make the table, which only grows, and the links of all deeds."""
    table = op.create_table(
        "audit_link",
        sa.Column(
            "n",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column(
            "deed",
            sa.BigInteger,
            sa.ForeignKey("audit.position"),
            nullable=False,
            unique=True,
        ),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    last = START
    while made := _linked(last):
        rows = [{"n": one.n, "deed": one.deed, "digest": one.digest} for one in made]
        op.get_bind().execute(table.insert(), rows)
        last = made[-1]
    only_grows("audit_link")
    refuse_replacing("audit_link")


def _linked(last: Link) -> list[Link]:
    page = {"behind": last.deed, "rows": LOOKED_ROWS_MAX}
    return linked(last, [tuple(row) for row in op.get_bind().execute(_DEEDS, page)])


def downgrade() -> None:
    """Drop the table."""
    may_change("audit_link")
    op.drop_table("audit_link")
