"""From SQLite to PostgreSQL: every table, in one transaction, compared before it counts.

The database that is left is held still meanwhile and never changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    Float,
    LargeBinary,
    Select,
    String,
    Table,
    bindparam,
    case,
    cast,
    func,
    select,
    tuple_,
    type_coerce,
)

import app.serving  # noqa: F401 - with it every table is declared
from app import shape
from app.identity.tokens import api_token
from app.sealing import check_sealed
from app.wiring import House
from runtime.clock import business_clock
from runtime.store import Store, Tx, metadata
from terms.errors import DomainError

BATCH_ROWS_MAX = 2_000
# Sums of it stay below what both engines can add up.
_PRIME = 2_147_483_647
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"
_NOT_OURS = frozenset({"alembic_version", "sqlite_sequence"})
# What a fresh database has: its clock, which is replaced, and its first token, which stays.
_BEGUN = (business_clock, api_token)


async def copy_from(house: House, file: Path) -> dict[str, int]:
    """Copy all that a SQLite file holds into the empty database of the house; rows by table.

    Raises DomainError, and then nothing was copied.
    """
    if house.store.is_sqlite:
        raise DomainError("database_url names SQLite: name the PostgreSQL that all is copied into")
    source = _opened(file)
    try:
        async with source.begin() as old, house.store.begin() as new:
            await _check_source(old, file)
            await _check_empty(new)
            await new.execute(business_clock.delete())
            copied = {table.name: await _copy(old, new, table) for table in in_order()}
            await _count_on(new)
            await check_sealed(new, house.sealer)
            for table in in_order():
                await _compare(old, new, table)
            new.ring_all()
    finally:
        await source.close()
    return copied


def _opened(file: Path) -> Store:
    if not file.is_file():  # opened, it would be made
        raise DomainError(f"there is no file {file}")
    return Store(f"sqlite:///{file}")


def in_order() -> Sequence[Table]:
    """List every table behind those it refers to, entries before what seals them."""
    entry, posting = metadata.tables["entry"], metadata.tables["posting"]
    tables = [table for table in metadata.sorted_tables if table is not entry]
    tables.insert(tables.index(posting), entry)
    return tables


async def _check_source(old: Tx, file: Path) -> None:
    found = await shape.revision(old)
    if found != shape.newest():
        told = f"{file} has the shape {found or 'none'}, not {shape.newest()}"
        raise DomainError(f"{told}: run `boxoffice migrate` on it first, with this version")
    names = {str(name) for (name,) in await old.fetch(_TABLES)} - _NOT_OURS
    if names != set(metadata.tables):
        other = ", ".join(sorted(names ^ set(metadata.tables)))
        raise DomainError(f"{file} has other tables than this version: {other}")


async def _check_empty(new: Tx) -> None:
    for table in metadata.sorted_tables:
        if table not in _BEGUN and await new.scalar(select(func.count()).select_from(table)):
            raise DomainError(f"the database holds something already, in {table.name}: empty it")


async def _copy(old: Tx, new: Tx, table: Table) -> int:
    """Copy one table page by page, in the order of its key."""
    key = list(table.primary_key.columns)
    page = select(table).order_by(*key).limit(BATCH_ROWS_MAX)
    count, last = 0, None
    while True:
        query = page if last is None else page.where(_behind(key, last))
        rows = [dict(row._mapping) for row in await old.rows(query)]  # noqa: SLF001 - its one way
        count += await new.insert(table, rows)
        if len(rows) < BATCH_ROWS_MAX:
            return count
        last = [rows[-1][column.name] for column in key]


def _behind(key: Sequence[ColumnElement[Any]], last: Sequence[Any]) -> ColumnElement[bool]:
    values = [
        bindparam(None, value, type_=column.type) for column, value in zip(key, last, strict=True)
    ]
    return tuple_(*key) > tuple_(*values)


async def _count_on(new: Tx) -> None:
    """Have numbers that the database gives out itself go on behind the highest one."""
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is not None and column.autoincrement is True:
            highest = await new.scalar(select(func.max(column)))
            if highest is not None:
                name = func.pg_get_serial_sequence(table.name, column.name)
                await new.scalar(select(func.setval(name, highest)))


async def _compare(old: Tx, new: Tx, table: Table) -> None:
    if table is api_token:
        return
    query = sums_of(table)
    before, after = await old.first(query), await new.first(query)
    if before is None or after is None or tuple(before) != tuple(after):
        raise DomainError(f"{table.name} did not arrive as it was: {before} became {after}")


def sums_of(table: Table) -> Select[Any]:
    """Ask what two copies of a table have in common: its rows, and a sum over each column."""
    return select(func.count(), *_sums(table)).select_from(table)


def _sums(table: Table) -> Iterator[ColumnElement[Any]]:
    for column in table.columns:
        kind = column.type
        if isinstance(kind, (Date, Float)):
            yield func.min(column)
            yield func.max(column)
        elif isinstance(kind, (String, LargeBinary)):
            yield _sum(func.length(column))
        elif isinstance(kind, Boolean):
            yield _sum(case((column, 1), else_=0))
        else:
            yield _sum(type_coerce(column, BigInteger) % _PRIME)


def _sum(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Add up to an integer on both engines; PostgreSQL would make it a decimal."""
    return cast(func.sum(column), BigInteger)
