"""Accounts something was written off of are known: money that comes may be for that."""

from __future__ import annotations

from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

_GIVEN_UP = 8


def upgrade() -> None:
    """Note it of those there are."""
    op.execute(
        f"UPDATE account SET perks = perks | {_GIVEN_UP}"  # noqa: S608 - a number of our own
        " WHERE id IN (SELECT account_id FROM write_off)"
    )


def downgrade() -> None:
    """Forget it."""
    op.execute(f"UPDATE account SET perks = perks & ~{_GIVEN_UP}")  # noqa: S608 - as above
