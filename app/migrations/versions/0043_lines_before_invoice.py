"""Lines may be written before their invoice is, which waits for its number."""

from __future__ import annotations

from alembic import op

from app.migrations.seals import refuse_replacing
from app.migrations.triggers import is_sqlite, may_change, only_grows

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

KEY = "fk_invoice_line_invoice_id_invoice"


def upgrade() -> None:
    """Look for the invoice at the end of a transaction."""
    _look("DEFERRED")


def downgrade() -> None:
    """Look for it at once."""
    _look(None)


def _look(initially: str | None) -> None:
    if not is_sqlite():
        when = "DEFERRABLE INITIALLY DEFERRED" if initially else "NOT DEFERRABLE"
        op.execute(f"ALTER TABLE invoice_line ALTER CONSTRAINT {KEY} {when}")
        return
    may_change("invoice_line")
    op.execute("DROP TRIGGER invoice_line_no_replace")
    with op.batch_alter_table("invoice_line") as table:
        table.drop_constraint(KEY, type_="foreignkey")
        table.create_foreign_key(
            op.f(KEY),
            "invoice",
            ["invoice_id"],
            ["id"],
            deferrable=True if initially else None,
            initially=initially,
        )
    only_grows("invoice_line")
    refuse_replacing("invoice_line")
