"""The table of dirty rows.

`due_at` is business time (when to look), `not_before` machine time (back-off): claimable are rows
past both that no lease holds. `is_scheduled` is 1 where only a time comes and nobody marked. Marks
raise `generation`; `token` is fresh at every claim, 0 when free. `again_at` keeps what is scheduled
during a look. `target` parts rows that fail apart; a parked row waits for a mark or a person.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text, text

from runtime.store.schema import metadata

work = Table(
    "work",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("key", String(160), primary_key=True),
    Column("target", String(64), nullable=False, server_default=text("''")),
    Column("generation", BigInteger, nullable=False, server_default="1"),
    Column("is_scheduled", Integer, nullable=False, server_default="0"),
    Column("due_at", BigInteger, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False, server_default="0"),
    Column("token", BigInteger, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("marked_at", BigInteger, nullable=False),
    Column("again_at", BigInteger),
    Column("parked_at", BigInteger),
    Column("error", Text),
    Index(
        "ix_work_claimable",
        "kind",
        "target",
        "is_scheduled",
        "due_at",
        sqlite_where=text("parked_at IS NULL"),
        postgresql_where=text("parked_at IS NULL"),
    ),
    Index(
        "ix_work_parked",
        "parked_at",
        sqlite_where=text("parked_at IS NOT NULL"),
        postgresql_where=text("parked_at IS NOT NULL"),
    ),
)
