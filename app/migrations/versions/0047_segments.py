"""Accounts are in segments, the ladder of each is one document; who is dark for what is a fact."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

_ALWAYS = {"weekdays": [*range(7)], "from_hour": 0, "until_hour": 24, "holidays": []}
_RETRIES = {"hours": _ALWAYS, "paydays": [], "payday_wait_days": 0}
_STEP = sa.table(
    "dunning_step", *(sa.column(name) for name in ("n", "after_days", "action", "notice"))
)
_SEGMENT = sa.table("dunning_segment", sa.column("name"), sa.column("terms"))


def upgrade() -> None:
    """Write the ladder there is as the usual segment."""
    op.create_table(
        "dunning_segment",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("terms", sa.Text, nullable=False),
    )
    op.add_column(
        "account", sa.Column("segment", sa.String(40), nullable=False, server_default=sa.text("''"))
    )
    steps = op.get_bind().execute(sa.select(_STEP).order_by(_STEP.c.n)).all()
    if steps:
        terms = {
            "steps": [[one.after_days, one.action, one.notice] for one in steps],
            "least_minor": 0,
            "is_exempt": False,
            "cut_off": _ALWAYS,
            "retries": _RETRIES,
        }
        op.bulk_insert(_SEGMENT, [{"name": "", "terms": json.dumps(terms, sort_keys=True)}])
    op.drop_table("dunning_step")
    op.create_table(
        "dunning_cut",
        sa.Column("invoice_id", sa.String(26), sa.ForeignKey("invoice.id"), primary_key=True),
        sa.Column("cut_on", sa.Date, nullable=False),
    )
    op.execute(
        "INSERT INTO dunning_cut (invoice_id, cut_on) SELECT i.id, MIN(h.since_on)"
        " FROM hold h JOIN invoice i ON i.number = h.cause WHERE h.kind = 'dunning' GROUP BY i.id"
    )


def downgrade() -> None:
    """Keep the ladder of the usual segment alone."""
    op.drop_table("dunning_cut")
    op.create_table(
        "dunning_step",
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column("after_days", sa.Integer, nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("notice", sa.String(40), nullable=False),
    )
    usual = op.get_bind().scalar(sa.select(_SEGMENT.c.terms).where(_SEGMENT.c.name == ""))
    steps = json.loads(usual)["steps"] if usual else []
    rows = [dict(zip(("after_days", "action", "notice"), one, strict=True)) for one in steps]
    op.bulk_insert(_STEP, [{"n": n, **row} for n, row in enumerate(rows, 1)])
    op.drop_column("account", "segment")
    op.drop_table("dunning_segment")
