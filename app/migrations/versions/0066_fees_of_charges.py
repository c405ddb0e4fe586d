"""A fee for disputes is of the charge that was disputed, by whatever names that was told."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None

_FEE = sa.table("pending_charge", sa.column("id"), sa.column("kind"), sa.column("record", sa.Text))
_MOVED = sa.table(
    "movement", sa.column("provider"), sa.column("charge"), sa.column("ref"), sa.column("kind")
)


def upgrade() -> None:
    """Name in its record the charge in the place of the dispute."""
    _rename("dispute", "charge", _MOVED.c.ref, _MOVED.c.charge)


def downgrade() -> None:
    """Name one of its disputes again."""
    _rename("charge", "dispute", _MOVED.c.charge, _MOVED.c.ref)


def _rename(
    was: str, becomes: str, known: sa.ColumnElement[str], wanted: sa.ColumnElement[str]
) -> None:
    bind = op.get_bind()
    fees = bind.execute(sa.select(_FEE.c.id, _FEE.c.record).where(_FEE.c.kind == "dispute_fee"))
    for id_, text in fees.all():
        record = json.loads(text)
        of = (_MOVED.c.provider == record["provider"], known == record[was])
        query = sa.select(sa.func.min(wanted)).where(*of, _MOVED.c.kind == "disputed")
        record[becomes] = bind.scalar(query)
        del record[was]
        change = sa.update(_FEE).where(_FEE.c.id == id_)
        bind.execute(change.values(record=json.dumps(record, sort_keys=True)))
