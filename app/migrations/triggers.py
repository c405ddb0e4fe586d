"""Triggers as twins: the same refusal on both engines. For use inside migrations alone."""

from __future__ import annotations

from alembic import op

_SQLITE_EVENTS = ("UPDATE", "DELETE")


def is_sqlite() -> bool:
    """Which engine this migration runs on, for the few statements that differ."""
    return op.get_bind().dialect.name == "sqlite"


def only_grows(table: str) -> None:
    """Refuse every later UPDATE, DELETE and TRUNCATE of a table."""
    if is_sqlite():
        for event in _SQLITE_EVENTS:
            op.execute(
                f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} only grows'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN RAISE EXCEPTION '{table} only grows' USING ERRCODE = 'check_violation'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_only_grows()"
    )


def may_change(table: str) -> None:
    """Take back `only_grows`; the way down, before the table is dropped."""
    if is_sqlite():
        for event in _SQLITE_EVENTS:
            op.execute(f"DROP TRIGGER {table}_no_{event.lower()}")
        return
    op.execute(f"DROP TRIGGER {table}_no_change ON {table}")
    op.execute(f"DROP FUNCTION {table}_only_grows()")
