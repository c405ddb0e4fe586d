"""Asks for the rows of many keys with one SQL text, however many keys there are.

An IN list has another text for every length, which both engines parse anew and PostgreSQL limits
to 32,767. The keys travel as one parameter instead: an array, or JSON on SQLite.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    String,
    Text,
    any_,
    bindparam,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from runtime.store.lease import Engine

KEYS = "keys"
# A subquery with an OFFSET is run as it stands, and not made one with what is around it.
_FENCE: ColumnElement[int] = literal_column("0")


def among(engine: Engine, column: ColumnElement[Any], name: str = KEYS) -> ColumnElement[bool]:
    """Build the condition that a text column is one of the keys given under a name."""
    if engine == "postgresql":
        return column == any_(bindparam(name, type_=ARRAY(String())))
    each = func.json_each(bindparam(name, type_=Text())).table_valued("value")
    return column.in_(select(each.c.value))


def by_key(
    engine: Engine,
    query: Select[Any],
    column: ColumnElement[str],
    *,
    via: tuple[ColumnElement[str], ColumnElement[str]] | None = None,
    order_by: Sequence[str] = (),
) -> Select[Any]:
    """Ask for the rows of a query whose column is one of the keys, or belongs to one `via` a table:
    its own column and the one that has the key. `order_by` are names of columns of the query.

    Rows are looked up from the keys on. A planner would begin with whatever it believes is empty,
    and believe so for as long as its last statistics say it.
    """
    if engine == "sqlite":
        mine = among(engine, column)
        if via is not None:
            mine = column.in_(select(via[0]).where(among(engine, via[1])))
        found = query.where(mine)
        return found.order_by(*[found.selected_columns[name] for name in order_by])
    keys = func.unnest(bindparam(KEYS, type_=ARRAY(String()))).table_valued("key").render_derived()
    looked_up: FromClause = keys
    key: ColumnElement[str] = keys.c.key
    if via is not None:
        step = select(via[0].label("key")).where(via[1] == key).offset(_FENCE).lateral()
        looked_up, key = looked_up.join(step, true()), step.c.key
    rows = query.where(column == key).offset(_FENCE).lateral()
    return (
        select(*rows.c)
        .select_from(looked_up.join(rows, true()))
        .order_by(*[rows.c[name] for name in order_by])
    )


def packed(engine: Engine, keys: Iterable[str]) -> Any:
    """Make the parameter of that condition."""
    listed = list(keys)
    return listed if engine == "postgresql" else orjson.dumps(listed).decode()
