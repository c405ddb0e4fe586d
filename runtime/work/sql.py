"""The statements of the dirty rows: one text for both engines, but for a few words.

Times are microseconds. A batch comes in as one JSON text, which costs less than arrays do. A
lease is measured by the machine's clock on SQLite and by the database's own on PostgreSQL, so that
many machines agree.
"""

# ruff: noqa: S608 - every text below is made of constants; values go beside it

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """One engine's statements; in the comments their values, after ; the columns of the batch."""

    mark: str  # kind, target, now; key
    schedule: str  # kind, target, now; key, due_at
    claim: str  # lease, kind, now, target, token, marked_max, timed_max
    take: str  # lease, now, token; kind, key
    renew: str  # lease; kind, key, token
    insist: str  # ; kind, key, generation, token
    complete: str  # ; kind, key, generation, token
    keep: str  # ; kind, key, generation, token
    again: str  # now; kind, key, generation, token, due_at
    give_back: str  # ; kind, key, token
    fail: str  # ; kind, key, generation, token, not_before, error, uncount
    park: str  # now; kind, key, generation, token, error


def batch(rows: list[dict[str, Any]] | list[str]) -> str:
    """Return the last value of a statement: its rows, in the order in which they are locked."""
    return orjson.dumps(rows).decode()


_TYPES = {
    "kind": "text",
    "key": "text",
    "generation": "bigint",
    "token": "bigint",
    "due_at": "bigint",
    "not_before": "bigint",
    "error": "text",
    "uncount": "integer",
}
# As a query of its own it is computed once and not for every row.
_PG_NOW = "(SELECT (EXTRACT(EPOCH FROM statement_timestamp()) * 1000000)::bigint)"
_BUSINESS_NOW = '?3 + COALESCE((SELECT "offset" FROM business_clock WHERE id = 1), 0)'
_SHARED_WORDS = {
    "business_now": _BUSINESS_NOW,
    "claimable": "kind = ?2 AND target = ?4 AND parked_at IS NULL AND not_before <= ?3 "
    f"AND due_at <= {_BUSINESS_NOW}",
    "ours": "work.kind = d.kind AND work.key = d.key AND work.token = d.token",
    "unmarked": "work.generation = d.generation",
}
_SQLITE_WORDS = {
    "least": "MIN",
    "greatest": "MAX",
    "lease_end": "?1",
    "clock": "?2",
}
_POSTGRES_WORDS = {
    "least": "LEAST",
    "greatest": "GREATEST",
    "lease_end": f"{_PG_NOW} + ?1::bigint",
    "now": _PG_NOW,
    "clock": _PG_NOW,
    # A planner that expects many rows reads the whole of a small table, and a prepared statement
    # still does when the table has grown. The condition is always true; with it one row is
    # expected, and each key is looked up.
    "few": "key = key || ''",
}

# The number of values before the batch, its columns, the text. {given} is the batch as a table d.
_TEMPLATES: dict[str, tuple[int, tuple[str, ...], str]] = {
    "mark": (
        3,
        ("key",),
        """
        INSERT INTO work (kind, key, target, due_at, not_before, marked_at)
        SELECT ?1, d.key, ?2, {business_now}, ?3, ?3 FROM {given} WHERE true
        ON CONFLICT (kind, key) DO UPDATE SET
            generation = work.generation + 1, target = excluded.target, is_scheduled = 0,
            due_at = {least}(work.due_at, excluded.due_at), not_before = excluded.not_before,
            attempts = 0, parked_at = NULL, error = NULL,
            marked_at = CASE WHEN work.is_scheduled = 1 THEN excluded.marked_at
                ELSE {least}(work.marked_at, excluded.marked_at) END
        """,
    ),
    # What is scheduled while somebody looks waits in again_at until that look is over.
    "schedule": (
        3,
        ("key", "due_at"),
        """
        INSERT INTO work (kind, key, target, is_scheduled, due_at, not_before, marked_at)
        SELECT ?1, d.key, ?2, 1, d.due_at, ?3, ?3 FROM {given} WHERE true
        ON CONFLICT (kind, key) DO UPDATE SET
            due_at = CASE WHEN work.token = 0
                THEN {least}(work.due_at, excluded.due_at) ELSE work.due_at END,
            again_at = CASE WHEN work.token = 0 THEN work.again_at
                ELSE {least}(COALESCE(work.again_at, excluded.due_at), excluded.due_at) END
        """,
    ),
    # Two walks along the index, each from its longest due row: one over both kinds of rows would
    # pass by everything that is scheduled for later.
    "claim": (
        7,
        (),
        """
        UPDATE work SET lease_until = {lease_end}, token = ?5, attempts = attempts + 1
        WHERE rowid IN (
            SELECT id FROM (
                SELECT * FROM (
                    SELECT rowid AS id, 0 AS is_scheduled, due_at FROM work
                    WHERE {claimable} AND is_scheduled = 0 AND lease_until <= ?3
                    ORDER BY due_at LIMIT ?6)
                UNION ALL
                SELECT * FROM (
                    SELECT rowid AS id, 1 AS is_scheduled, due_at FROM work
                    WHERE {claimable} AND is_scheduled = 1 AND lease_until <= ?3
                    ORDER BY due_at LIMIT ?7)
                ORDER BY is_scheduled, due_at LIMIT MAX(?6, ?7)))
        RETURNING key, generation, attempts, marked_at
        """,
    ),
    # These very rows, due or not, unless somebody has them or they are parked. Should whoever takes
    # them come to nothing, they are due from now on.
    "take": (
        3,
        ("kind", "key"),
        """
        UPDATE work SET
            lease_until = {lease_end}, token = ?3, attempts = attempts + 1,
            not_before = {least}(work.not_before, ?2)
        FROM {given}
        WHERE work.kind = d.kind AND work.key = d.key AND parked_at IS NULL
            AND lease_until <= {clock}
        RETURNING work.key, generation, attempts, marked_at
        """,
    ),
    "renew": (
        1,
        ("kind", "key", "token"),
        """
        UPDATE work SET lease_until = {lease_end} FROM {given} WHERE {ours}
        RETURNING work.key, generation
        """,
    ),
    "insist": (
        0,
        ("kind", "key", "generation", "token"),
        "UPDATE work SET token = work.token FROM {given} WHERE {ours} AND {unmarked}",
    ),
    "complete": (
        0,
        ("kind", "key", "generation", "token"),
        """
        DELETE FROM work WHERE rowid IN (
            SELECT work.rowid FROM {given} CROSS JOIN work
            WHERE {ours} AND {unmarked} AND work.again_at IS NULL)
        """,
    ),
    "keep": (
        0,
        ("kind", "key", "generation", "token"),
        """
        UPDATE work SET
            due_at = CASE WHEN {unmarked}
                THEN COALESCE(work.again_at, work.due_at) ELSE work.due_at END,
            is_scheduled = CASE WHEN {unmarked} THEN 1 ELSE work.is_scheduled END,
            again_at = CASE WHEN {unmarked} THEN NULL ELSE work.again_at END,
            lease_until = 0, token = 0, attempts = 0, error = NULL
        FROM {given} WHERE {ours}
        """,
    ),
    "again": (
        1,
        ("kind", "key", "generation", "token", "due_at"),
        """
        UPDATE work SET
            due_at = CASE WHEN {unmarked}
                THEN {least}(COALESCE(work.again_at, d.due_at), d.due_at) ELSE work.due_at END,
            is_scheduled = CASE WHEN {unmarked} THEN 1 ELSE work.is_scheduled END,
            again_at = CASE WHEN {unmarked} THEN NULL ELSE work.again_at END,
            marked_at = CASE WHEN {unmarked} THEN ?1 ELSE work.marked_at END,
            lease_until = 0, token = 0, attempts = 0, error = NULL
        FROM {given} WHERE {ours}
        """,
    ),
    "give_back": (
        0,
        ("kind", "key", "token"),
        """
        UPDATE work SET
            lease_until = 0, token = 0, attempts = {greatest}(work.attempts - 1, 0)
        FROM {given} WHERE {ours}
        """,
    ),
    "fail": (
        0,
        ("kind", "key", "generation", "token", "not_before", "error", "uncount"),
        """
        UPDATE work SET
            not_before = CASE WHEN {unmarked} THEN d.not_before ELSE work.not_before END,
            attempts = {greatest}(work.attempts - d.uncount, 0), error = d.error,
            lease_until = 0, token = 0
        FROM {given} WHERE {ours}
        """,
    ),
    "park": (
        1,
        ("kind", "key", "generation", "token", "error"),
        """
        UPDATE work SET
            parked_at = CASE WHEN {unmarked} THEN CAST(?1 AS BIGINT) END,
            error = CASE WHEN {unmarked} THEN d.error END,
            lease_until = 0, token = 0
        FROM {given} WHERE {ours}
        """,
    ),
}

# PostgreSQL has many writers, so the rows are locked as they are picked; and it has no rowid.
_POSTGRES_TEMPLATES = _TEMPLATES | {
    "claim": (
        7,
        (),
        """
        WITH marked AS MATERIALIZED (
            SELECT kind, key FROM work
            WHERE {claimable} AND is_scheduled = 0 AND lease_until <= {now}
            ORDER BY due_at LIMIT ?6 FOR UPDATE SKIP LOCKED),
        due AS MATERIALIZED (
            TABLE marked UNION ALL SELECT kind, key FROM (
                SELECT kind, key FROM work
                WHERE {claimable} AND is_scheduled = 1 AND lease_until <= {now}
                ORDER BY due_at LIMIT GREATEST(?7 - (SELECT count(*) FROM marked), 0)
                FOR UPDATE SKIP LOCKED) AS scheduled)
        UPDATE work SET lease_until = {lease_end}, token = ?5, attempts = attempts + 1
        FROM (SELECT * FROM due WHERE {few}) AS d
        WHERE work.kind = d.kind AND work.key = d.key
        RETURNING work.key, generation, attempts, marked_at
        """,
    ),
    "complete": (
        0,
        ("kind", "key", "generation", "token"),
        "DELETE FROM work USING {given} WHERE {ours} AND {unmarked} AND again_at IS NULL",
    ),
}


def _sqlite_table(place: int, columns: tuple[str, ...]) -> str:
    if columns == ("key",):
        return f"(SELECT value AS key FROM json_each(?{place})) AS d"
    fields = (f"json_extract(value, '$.{name}') AS {name}" for name in columns)
    return f"(SELECT {', '.join(fields)} FROM json_each(?{place})) AS d"


def _postgres_table(place: int, columns: tuple[str, ...]) -> str:
    if columns == ("key",):
        return f"json_array_elements_text(?{place}::json) AS d(key)"
    fields = ", ".join(f"{name} {_TYPES[name]}" for name in columns)
    few = _POSTGRES_WORDS["few"]
    return f"(SELECT * FROM json_to_recordset(?{place}::json) AS b({fields}) WHERE {few}) AS d"


def _sqlite() -> Statements:
    words = _SHARED_WORDS | _SQLITE_WORDS
    return Statements(
        **{
            name: text.format(given=_sqlite_table(before + 1, columns), **words)
            for name, (before, columns, text) in _TEMPLATES.items()
        }
    )


def _postgres() -> Statements:
    words = _SHARED_WORDS | _POSTGRES_WORDS
    texts = {
        name: text.format(given=_postgres_table(before + 1, columns), **words)
        for name, (before, columns, text) in _POSTGRES_TEMPLATES.items()
    }
    return Statements(**{name: text.replace("?", "$") for name, text in texts.items()})


SQLITE = _sqlite()
POSTGRES = _postgres()
