"""Taxes have jurisdictions; prices may include them; each line of a document has its own part."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from app.migrations.seals import refuse_replacing
from app.migrations.triggers import is_sqlite, may_change, only_grows

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

DOCUMENTS_AT_ONCE = 1_000
_LINES = {
    "invoice": ("invoice_line", "invoice_id"),
    "credit_note": ("credit_line", "note_id"),
}


def upgrade() -> None:
    """Widen taxes, prices and accounts; take the lines that are written apart."""
    _rates(sa.Column("jurisdiction", sa.String(10), primary_key=True, server_default=sa.text("''")))
    op.create_table(
        "tax_policy",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("level", sa.String(16), nullable=False),
    )
    for name in ("price", "pending_charge"):
        op.add_column(
            name,
            sa.Column("included", sa.String(16), nullable=False, server_default=sa.text("''")),
        )
    where = sa.Column("jurisdiction", sa.String(10), nullable=False, server_default=sa.text("''"))
    op.add_column("account", where)
    for document, (lines, key) in _LINES.items():
        _thaw(lines)
        with op.batch_alter_table(lines) as table:
            table.add_column(sa.Column("net_minor", sa.BigInteger))
            table.add_column(sa.Column("tax_minor", sa.BigInteger))
        _take_apart(document, lines, key)
        with op.batch_alter_table(lines) as table:
            table.alter_column("net_minor", nullable=False)
            table.alter_column("tax_minor", nullable=False)
            table.create_check_constraint(
                "net_minor", "amount_minor IN (net_minor, net_minor + tax_minor)"
            )
        _freeze(lines)


def _rates(*also: sa.Column[Any]) -> None:
    """Make the table of rates anew, with or without jurisdictions; what is abroad is left out."""
    op.rename_table("tax_rate", "tax_rate_before")
    if not is_sqlite():
        op.execute("ALTER INDEX pk_tax_rate RENAME TO pk_tax_rate_before")
        op.execute("ALTER TABLE tax_rate_before DROP CONSTRAINT ck_tax_rate_ppm")
    op.create_table(
        "tax_rate",
        sa.Column("tax", sa.String(40), primary_key=True),
        *also,
        sa.Column("effective_from", sa.Date, primary_key=True),
        sa.Column("ppm", sa.Integer, nullable=False),
        sa.CheckConstraint("ppm >= 0", name="ppm"),
    )
    copied = "INSERT INTO tax_rate (tax, effective_from, ppm) SELECT tax, effective_from, ppm "
    op.execute(copied + "FROM tax_rate_before" + ("" if also else " WHERE jurisdiction = ''"))
    op.drop_table("tax_rate_before")
    if also:
        with op.batch_alter_table("tax_rate") as table:
            table.alter_column("jurisdiction", server_default=None)


def _take_apart(document: str, lines: str, key: str) -> None:
    """Give every line its part of the tax of its group, by what is reached with it."""
    apart = sa.text(
        f"UPDATE {lines} SET net_minor = amount_minor, tax_minor = :tax "  # noqa: S608 - ours
        f"WHERE {key} = :document AND n = :n"
    )
    for found in _documents(document):
        taxes = {one.id: json.loads(one.groups) for one in found}
        parts = [
            {"document": owner, "n": n, "tax": tax}
            for owner, rows in _lines(lines, key, sorted(taxes)).items()
            for n, tax in _parts(rows, taxes[owner])
        ]
        if parts:
            op.get_bind().execute(apart, parts)


def _documents(table: str) -> Iterator[Sequence[Any]]:
    behind = ""
    query = sa.text(
        f"SELECT id, groups FROM {table} WHERE id > :behind "  # noqa: S608 - ours
        f"ORDER BY id LIMIT {DOCUMENTS_AT_ONCE}"
    )
    while found := op.get_bind().execute(query, {"behind": behind}).all():
        yield found
        behind = found[-1].id


def _lines(table: str, key: str, documents: list[str]) -> dict[str, list[Any]]:
    """Load the lines of documents, each with its tax."""
    tax, joined = "l.tax", f"{table} AS l"
    if table == "credit_line":
        tax = "i.tax"
        joined += " JOIN invoice_line AS i ON i.invoice_id = l.invoice_id AND i.n = l.invoice_n"
    query = sa.text(
        f"SELECT l.{key} AS owner, l.n, l.amount_minor, {tax} AS tax FROM {joined} "  # noqa: S608
        f"WHERE l.{key} >= :first AND l.{key} <= :last ORDER BY l.{key}, l.n"
    )
    found: dict[str, list[Any]] = {}
    for row in op.get_bind().execute(query, {"first": documents[0], "last": documents[-1]}):
        found.setdefault(row.owner, []).append(row)
    return found


def _parts(rows: Sequence[Any], groups: Sequence[Sequence[Any]]) -> Iterator[tuple[int, int]]:
    sums = {tax: (net, amount) for tax, _, net, amount in groups}
    reached: dict[str, int] = {}
    for row in rows:
        net, amount = sums.get(row.tax, (0, 0))
        before = reached.get(row.tax, 0)
        reached[row.tax] = before + row.amount_minor
        yield row.n, _part(amount, reached[row.tax], net) - _part(amount, before, net)


def _part(amount: int, reached: int, whole: int) -> int:
    return (2 * amount * reached + whole) // (2 * whole) if whole else 0


def _thaw(table: str) -> None:
    may_change(table)
    if is_sqlite():
        op.execute(f"DROP TRIGGER {table}_no_replace")


def _freeze(table: str) -> None:
    only_grows(table)
    refuse_replacing(table)


def downgrade() -> None:
    """Forget all of it; rates of other jurisdictions are lost."""
    for lines, _ in _LINES.values():
        _thaw(lines)
        with op.batch_alter_table(lines) as table:
            table.drop_constraint(op.f(f"ck_{lines}_net_minor"), type_="check")
            table.drop_column("tax_minor")
            table.drop_column("net_minor")
        _freeze(lines)
    added = (("account", "jurisdiction"), ("price", "included"), ("pending_charge", "included"))
    for name, column in added:
        with op.batch_alter_table(name) as table:
            table.drop_column(column)
    op.drop_table("tax_policy")
    _rates()
