"""Pages of a list that is ordered by several columns, all of them falling: what lies behind a row.

The place of a row is the values of these columns, so that a page begins where the last one ended
whatever was added or taken away meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, tuple_

from runtime.store.lease import Engine

Place = tuple[Any, ...]


def page(
    query: Select[Any], columns: Sequence[ColumnElement[Any]], behind: Place | None, rows_max: int
) -> Select[Any]:
    """Order a query by columns, the highest first, and take so many rows behind a place."""
    if behind is not None:
        query = query.where(tuple_(*columns) < behind)
    return query.order_by(*(column.desc() for column in columns)).limit(rows_max)


def exact(engine: Engine, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Compare texts by their characters alone, whatever language the database sorts by."""
    return column.collate("C") if engine == "postgresql" else column
