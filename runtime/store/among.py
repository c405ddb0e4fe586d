"""Asks for the rows of many keys with one SQL text, however many keys there are.

An IN list has another text for every length, which both engines parse anew and PostgreSQL limits
to 32,767. The keys travel as one parameter instead: an array, or JSON on SQLite.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import ColumnElement, String, Text, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from runtime.store.lease import Engine

KEYS = "keys"


def among(engine: Engine, column: ColumnElement[Any], name: str = KEYS) -> ColumnElement[bool]:
    """Build the condition that a text column is one of the keys given under a name."""
    if engine == "postgresql":
        return column == any_(bindparam(name, type_=ARRAY(String())))
    each = func.json_each(bindparam(name, type_=Text())).table_valued("value")
    return column.in_(select(each.c.value))


def packed(engine: Engine, keys: Iterable[str]) -> Any:
    """Make the parameter of that condition."""
    listed = list(keys)
    return listed if engine == "postgresql" else orjson.dumps(listed).decode()
