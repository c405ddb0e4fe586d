"""What seals postings on PostgreSQL looks entries up, however many there are.

The planner keeps one plan for a connection: made while there were few entries it would read all of
them for every statement of a bill run.
"""

from __future__ import annotations

from alembic import op

from app.migrations.triggers import is_sqlite

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

SEALS = ("posting_seal", "entry_seal")
PLANS = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")


def upgrade() -> None:
    """Leave the planner nothing but the index."""
    for seal in () if is_sqlite() else SEALS:
        for plan in PLANS:
            op.execute(f"ALTER FUNCTION {seal}() SET {plan} = off")


def downgrade() -> None:
    """Leave it all plans."""
    for seal in () if is_sqlite() else SEALS:
        op.execute(f"ALTER FUNCTION {seal}() RESET ALL")
