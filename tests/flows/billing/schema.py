"""Takes a guard out of a database, or writes past all of them, inside a rehearsed transaction."""

import re

from runtime.store import Tx


async def drop_trigger(tx: Tx, table: str, name: str) -> None:
    """Drop a trigger."""
    where = "" if tx.engine == "sqlite" else f" ON {table}"
    await tx.driver(f"DROP TRIGGER {name}{where}")


async def drop_index(tx: Tx, _table: str, name: str) -> None:
    """Drop an index of a table that is no constraint."""
    await tx.driver(f"DROP INDEX {name}")


async def drop_constraint(tx: Tx, table: str, name: str) -> None:
    """Drop a constraint; on SQLite by building the table anew without it."""
    if tx.engine != "sqlite":
        await tx.driver(f"ALTER TABLE {table} DROP CONSTRAINT {name} CASCADE")
        return
    rows = await tx.fetch("SELECT type, sql FROM sqlite_master WHERE tbl_name = ?", (table,))
    (made,) = [sql for kind, sql in rows if kind == "table"]
    lines = made.splitlines()
    kept = [line for line in lines if f"CONSTRAINT {name} " not in line]
    assert len(kept) == len(lines) - 1, f"{table} has no {name}"
    kept[-2] = kept[-2].rstrip(", ")
    await tx.driver("PRAGMA defer_foreign_keys = ON")
    # Triggers of other tables name this one, which is gone for a moment.
    await tx.driver("PRAGMA legacy_alter_table = ON")
    await tx.driver(re.sub(r"^CREATE TABLE \S+", f"CREATE TABLE fresh_{table}", "\n".join(kept)))
    await tx.driver(f"DROP TABLE {table}")
    await tx.driver(f"ALTER TABLE fresh_{table} RENAME TO {table}")
    for kind, sql in rows:
        if kind != "table" and sql:
            await tx.driver(sql)


async def tamper(tx: Tx, *changes: str) -> None:
    """Write past all guards: triggers and references do not count, as for somebody at the file."""
    if tx.engine == "sqlite":
        await tx.driver("PRAGMA defer_foreign_keys = ON")
        for (name,) in await tx.fetch("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            await tx.driver(f"DROP TRIGGER {name}")
    else:
        await tx.driver("SET LOCAL session_replication_role = replica")
    for change in changes:
        await tx.driver(change)
