"""The last renewal of which an account was told that its wallet does not cover it is kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None

_WALLET = 16 | 32


def upgrade() -> None:
    """Add it; whose wallet never had anything in it is not known as one that uses it."""
    op.add_column("account", sa.Column("warned_of", sa.Date))
    op.execute(
        f"UPDATE account SET perks = perks & ~{_WALLET}"  # noqa: S608 - a number of our own
        f" WHERE perks & {_WALLET} <> 0"
        " AND id NOT IN (SELECT party FROM entry WHERE book = 'credit')"
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_column("account", "warned_of")
