"""What is given for loyalty says in which currency its tiers begin."""

from __future__ import annotations

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the operator's, which is that of its prices, where none was written down."""
    op.execute(
        "UPDATE loyalty_program SET currency = (SELECT min(currency) FROM price)"
        " WHERE currency IS NULL"
    )


def downgrade() -> None:
    """Leave it: the code before reads it only beside a referral."""
