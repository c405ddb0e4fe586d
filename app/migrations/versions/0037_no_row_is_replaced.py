"""No deed and no version of the catalogue is replaced by another, on SQLite either."""

from __future__ import annotations

from alembic import op

from app.migrations.seals import refuse_replacing
from app.migrations.triggers import is_sqlite

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

TABLES = ("audit", "catalog_version")


def upgrade() -> None:
    """Refuse it."""
    refuse_replacing(*TABLES)


def downgrade() -> None:
    """Allow it again."""
    for table in TABLES if is_sqlite() else ():
        op.execute(f"DROP TRIGGER {table}_no_replace")
