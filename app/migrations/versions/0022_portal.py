"""Subscribers sign in: their passwords, sign-ins and codes; what they call their boxes."""

from __future__ import annotations

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

CHARS_MAX, ROWS_MAX = 48, 1_000

_ADDRESSES = sa.text(
    "SELECT service.id, customer.email FROM service "
    "JOIN account ON account.id = service.account_id "
    "JOIN customer ON customer.id = account.customer_id "
    "WHERE service.id > :after AND customer.email <> '' ORDER BY service.id LIMIT :most"
)


def upgrade() -> None:
    """Make the tables, and let everybody be found by the e-mail address there is."""
    op.create_table(
        "subscriber_password",
        sa.Column("account_id", sa.String(26), primary_key=True),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("password_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "subscriber_sign_in",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("account_id", sa.String(26), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("browser_hash", sa.String(64), nullable=False),
        sa.Column("label", sa.String(80), nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("last_seen_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
    )
    op.create_index(
        "ix_subscriber_sign_in_account_id_made_at", "subscriber_sign_in", ["account_id", "made_at"]
    )
    op.create_table(
        "subscriber_code",
        sa.Column("ticket_hash", sa.String(64), primary_key=True),
        sa.Column("account_id", sa.String(26), nullable=False),
        sa.Column("imprint", sa.String(32), nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("used_at", sa.BigInteger),
        sa.Column("sign_in_id", sa.String(26)),
    )
    op.create_index("ix_subscriber_code_ends_at", "subscriber_code", ["ends_at"])
    op.create_table(
        "box_name",
        sa.Column("resource", sa.String(40), primary_key=True),
        sa.Column("service", sa.String(40), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
    )
    _find_by_email()


def downgrade() -> None:
    """Drop them."""
    op.execute("DELETE FROM search_term WHERE term LIKE 'e:%'")
    for name in ("box_name", "subscriber_code", "subscriber_sign_in", "subscriber_password"):
        op.drop_table(name)


def _find_by_email() -> None:
    terms = sa.table("search_term", sa.column("service_id"), sa.column("term"))
    connection, after = op.get_bind(), ""
    while rows := connection.execute(_ADDRESSES, {"after": after, "most": ROWS_MAX}).all():
        found = [{"service_id": row.id, "term": _term(row.email)} for row in rows]
        op.bulk_insert(terms, found)
        after = rows[-1].id


def _term(email: str) -> str:
    plain = unicodedata.normalize("NFKD", email.strip().casefold())
    return f"e:{''.join(m for m in plain if not unicodedata.combining(m))}"[:CHARS_MAX]
