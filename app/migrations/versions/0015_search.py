"""Households are found by terms: folded words of their name, their contract, the end of a phone."""

from __future__ import annotations

import unicodedata
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

CHARS_MAX, WORDS_MAX, DIGITS_MAX, ROWS_MAX = 48, 12, 9, 1_000

_HOUSEHOLDS = sa.text(
    "SELECT service.id, service.contract, customer.name, customer.phone FROM service "
    "JOIN account ON account.id = service.account_id "
    "JOIN customer ON customer.id = account.customer_id "
    "WHERE service.id > :after ORDER BY service.id LIMIT :most"
)


def upgrade() -> None:
    """Make the table and fill it with whom there is."""
    exact = sa.String(CHARS_MAX).with_variant(sa.String(CHARS_MAX, collation="C"), "postgresql")
    table = op.create_table(
        "search_term",
        sa.Column("service_id", sa.String(26), sa.ForeignKey("service.id"), primary_key=True),
        sa.Column("term", exact, primary_key=True),
    )
    connection, after = op.get_bind(), ""
    while rows := connection.execute(_HOUSEHOLDS, {"after": after, "most": ROWS_MAX}).all():
        op.bulk_insert(table, [one for row in rows for one in _terms(row)])
        after = rows[-1].id
    op.create_index("ix_search_term_term", "search_term", ["term"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("search_term")


def _terms(row: Any) -> list[dict[str, str]]:
    found = {f"c:{_folded(row.contract)}"}
    apart = "".join(mark if mark.isalnum() else " " for mark in _folded(row.name))
    found |= {f"w:{word}" for word in list(dict.fromkeys(apart.split()))[:WORDS_MAX]}
    digits = [mark for mark in row.phone if mark in "0123456789"][-DIGITS_MAX:]
    found |= {"p:" + "".join(reversed(digits))} if digits else set()
    return [{"service_id": row.id, "term": term} for term in sorted({t[:CHARS_MAX] for t in found})]


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(mark for mark in plain if not unicodedata.combining(mark))
