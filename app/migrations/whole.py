"""The shape of an embedded database as one script, `whole.sql`: what all revisions come to.

A new database is made by it at once; one that is there goes the way of the revisions. The script
is written by `python -m app.migrations.whole > app/migrations/whole.sql`.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from app.migrations import LOCATION

SCRIPT = LOCATION / "whole.sql"
_CONSTRAINTS = re.compile(r"(?:^\tCONSTRAINT .*\n)+", re.MULTILINE)
_OMITTED = ("BEGIN TRANSACTION;", 'DELETE FROM "sqlite_sequence";', "COMMIT;")


def statements(script: str) -> Iterator[str]:
    """Take a script apart."""
    part = ""
    for line in script.splitlines(keepends=True):
        part += line
        if sqlite3.complete_statement(part):
            yield part.strip()
            part = ""


def written(path: Path) -> str:
    """Write a database as a script, alike however its tables were rebuilt on the way."""
    with closing(sqlite3.connect(path)) as database:
        dumped = [_sorted(one) for one in database.iterdump() if one not in _OMITTED]
    tables = [one for one in dumped if one.startswith(("CREATE TABLE", "INSERT"))]
    others = sorted(one for one in dumped if one not in tables)
    return "\n".join([*tables, *others, ""])


def by_revisions() -> str:
    """Write what all revisions come to."""
    from runtime.store import migrate  # noqa: PLC0415 - slow to import, and needed here alone

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "whole.db")
        asyncio.run(migrate.upgrade(f"sqlite:///{path}", LOCATION))
        return written(path)


def _sorted(statement: str) -> str:
    """Have the constraints of a table stand by their names."""
    return _CONSTRAINTS.sub(_by_name, statement)


def _by_name(found: re.Match[str]) -> str:
    lines = sorted(line.rstrip(", ") for line in found[0].splitlines())
    return ", \n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(by_revisions())
