"""What was imported, row by row, so that the same folder again is nothing and a change is seen."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from sqlalchemy import Column, String, Table, Text, bindparam, select

from runtime.store import Tx, metadata
from runtime.store.prepared import PreparedQuery

Rows = Mapping[str, Mapping[str, str]]  # key -> cells by column

imported_row = Table(
    "imported_row",
    metadata,
    Column("file", String(40), primary_key=True),
    Column("key", String(160), primary_key=True),
    Column("cells", Text, nullable=False),
)


async def remembered(tx: Tx, file: str) -> Rows:
    """Read every row of one file's earlier imports."""
    return {row.key: json.loads(row.cells) for row in await _OF_FILE.rows(tx, {"file": file})}


_OF_FILE = PreparedQuery(
    lambda _engine: select(imported_row.c.key, imported_row.c.cells).where(
        imported_row.c.file == bindparam("file")
    )
)


async def remember(tx: Tx, file: str, rows: Iterable[tuple[str, Mapping[str, str]]]) -> None:
    """Write down rows as imported now."""
    records = [
        {"file": file, "key": key, "cells": json.dumps(cells, ensure_ascii=False, sort_keys=True)}
        for key, cells in rows
    ]
    await tx.upsert(imported_row, records, key=("file", "key"))


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Name the columns that say something else than before, with both values."""
    return [
        f"{name} was '{before.get(name, '')}' and is '{cell}'"
        for name, cell in now.items()
        if before.get(name, "") != cell
    ]
