"""What a void invoice charged once is forgiven: it counts as billed and is never charged again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_STOOD_ON_VOID = """
    UPDATE pending_charge SET is_forgiven = true WHERE is_withdrawn AND EXISTS (
        SELECT 1 FROM invoice_line l JOIN voided v ON v.invoice_id = l.invoice_id
        WHERE l.subject = pending_charge.id AND l.kind = pending_charge.kind
    )
"""


def upgrade() -> None:
    """Add the mark, and give it to what stands on invoices that are void already."""
    fresh = sa.Column("is_forgiven", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("pending_charge", fresh)
    op.execute(_STOOD_ON_VOID)


def downgrade() -> None:
    """Take the mark away."""
    op.drop_column("pending_charge", "is_forgiven")
