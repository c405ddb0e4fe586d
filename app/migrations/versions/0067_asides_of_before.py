"""Lines that people had set aside before that was kept are known: they may be taken back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None

REASON = "set aside before reasons were kept"

_LINE = sa.table("bank_entry", *map(sa.column, ("id", "state", "why")))
_ASIDE = sa.table("bank_aside", *map(sa.column, ("entry_id", "provider", "reason", "at", "n")))
_POSTING = sa.table("posting", *map(sa.column, ("id", "posted_at")))
_SIDE = sa.table("entry", *map(sa.column, ("posting_id", "book", "party")))


def upgrade() -> None:
    """Write down of each when it was set aside and which provider paid out, as was posted then."""
    bind = op.get_bind()
    is_known = sa.exists().where(_ASIDE.c.entry_id == _LINE.c.id)
    lines = sa.select(_LINE.c.id).where(
        _LINE.c.state == "outside", _LINE.c.why == "person", ~is_known
    )
    s, p = _SIDE.c, _POSTING.c
    for (line,) in bind.execute(lines).all():
        sides = (
            sa.select(p.posted_at, s.book, s.party)
            .select_from(_POSTING.join(_SIDE, s.posting_id == p.id))
            .where(p.id.like(f"{line}.moved%"), s.book.in_(("outside", "clearing")))
            .order_by(p.posted_at.desc())
        )
        if found := bind.execute(sides).first():
            provider = found.party if found.book == "clearing" else ""
            row = {"entry_id": line, "provider": provider, "reason": REASON, "at": found.posted_at}
            bind.execute(sa.insert(_ASIDE).values(**row, n=1))


def downgrade() -> None:
    """Leave it: it was so."""
