"""Triggers that make a posting seal its entries, as twins. For use inside migrations alone.

Entries go in first. The posting is refused unless they balance per currency; afterwards no entry
can join them, and one that no posting seals fails at the end of its transaction (foreign key).
"""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op

from app.migrations.triggers import is_sqlite

# SQLite's REPLACE goes past the triggers on DELETE, so a second row of the same key is refused.
_KEYS = {
    "invoice": "id = NEW.id",
    "invoice_line": "invoice_id = NEW.invoice_id AND n = NEW.n",
    "point_entry": "id = NEW.id",
    "line_discount": (
        "invoice_id = NEW.invoice_id AND n = NEW.n AND redemption_id = NEW.redemption_id"
    ),
    "invoice_discount": (
        "invoice_id = NEW.invoice_id AND redemption_id = NEW.redemption_id"
        " AND ends_on = NEW.ends_on"
    ),
    "allocation": "id = NEW.id",
    "voided": "invoice_id = NEW.invoice_id",
    "proforma": "id = NEW.id",
    "credit_note": "id = NEW.id",
    "credit_line": "note_id = NEW.note_id AND n = NEW.n",
    "write_off": "id = NEW.id",
    "audit": "position = NEW.position",
    "catalog_version": "edition = NEW.edition",
    "goodwill": "id = NEW.id",
    "audit_link": "n = NEW.n OR deed = NEW.deed",
    "bank_statement": "account = NEW.account AND id = NEW.id",
    "receipt": "id = NEW.id",
    "receipt_print": "receipt_id = NEW.receipt_id AND n = NEW.n",
    "drawer_entry": "shift_id = NEW.shift_id AND n = NEW.n",
    "bank_part": "entry_id = NEW.entry_id AND n = NEW.n",
    "bank_undone": "entry_id = NEW.entry_id AND n = NEW.n",
    "bank_aside": "entry_id = NEW.entry_id",
    "bank_aside_undone": "entry_id = NEW.entry_id AND n = NEW.n",
}
_SQLITE_POSTING = """
    CREATE TRIGGER posting_seal BEFORE INSERT ON posting BEGIN
        SELECT RAISE(ABORT, 'posting is sealed already')
            WHERE EXISTS (SELECT 1 FROM posting WHERE id = NEW.id);
        SELECT RAISE(ABORT, 'posting does not balance')
            WHERE NOT EXISTS (SELECT 1 FROM entry WHERE posting_id = NEW.id)
            OR EXISTS (SELECT 1 FROM entry WHERE posting_id = NEW.id GROUP BY currency
                       HAVING SUM(amount_minor) <> 0 OR COUNT(*) < 2);
    END
"""
_SQLITE_ENTRY = """
    CREATE TRIGGER entry_seal BEFORE INSERT ON entry BEGIN
        SELECT RAISE(ABORT, 'posting is sealed already')
            WHERE EXISTS (SELECT 1 FROM posting WHERE id = NEW.posting_id);
    END
"""
_POSTGRES_POSTING = """
    SELECT 1 FROM fresh LEFT JOIN entry ON entry.posting_id = fresh.id
    GROUP BY fresh.id, entry.currency
    HAVING COALESCE(SUM(entry.amount_minor), 1) <> 0 OR COUNT(entry.n) < 2
"""
_POSTGRES_ENTRY = "SELECT 1 FROM fresh JOIN posting ON posting.id = fresh.posting_id"


def seal_postings() -> None:
    """Make the triggers."""
    if is_sqlite():
        op.execute(_SQLITE_POSTING)
        op.execute(_SQLITE_ENTRY)
        refuse_replacing("invoice", "invoice_line", "allocation")
        return
    _check_statements("posting", _POSTGRES_POSTING, "posting does not balance")
    _check_statements("entry", _POSTGRES_ENTRY, "posting is sealed already")


def refuse_replacing(*tables: str, by: Sequence[str] = ()) -> None:
    """Refuse a second row of a key on SQLite; PostgreSQL has no REPLACE.

    `by` are the columns of a key that has become another one than the table began with.
    """
    changed = " AND ".join(f"{column} = NEW.{column}" for column in by)
    for table in tables if is_sqlite() else ():
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "  # noqa: S608 - ours
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {changed or _KEYS[table]}) "
            f"BEGIN SELECT RAISE(ABORT, '{table} only grows'); END"
        )


def unseal_postings() -> None:
    """Drop the triggers; on SQLite they go with their tables."""
    if not is_sqlite():
        for table in ("posting", "entry"):
            op.execute(f"DROP TRIGGER {table}_seal ON {table}")
            op.execute(f"DROP FUNCTION {table}_seal()")


def _check_statements(table: str, wrong: str, why: str) -> None:
    """Check all new rows of a statement at once, so that a bill run stays fast."""
    op.execute(
        f"CREATE FUNCTION {table}_seal() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN IF EXISTS ({wrong}) THEN "
        f"RAISE EXCEPTION '{why}' USING ERRCODE = 'check_violation'; "
        f"END IF; RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_seal AFTER INSERT ON {table} REFERENCING NEW TABLE AS fresh "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_seal()"
    )
