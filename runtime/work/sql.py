"""The statements of the dirty rows, twice where the engines differ. Named, and nothing else.

Times are microseconds. SQLite takes the machine's clock; PostgreSQL's own clock measures leases,
so that many machines agree.
"""

from __future__ import annotations

from dataclasses import dataclass

_OFFSET = 'COALESCE((SELECT "offset" FROM business_clock WHERE id = 1), 0)'
_PG_NOW = "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """One engine's statements; parameters are named in the comments, in order."""

    mark: str
    schedule: str
    claim: str
    renew: str
    complete: str
    again: str
    free: str
    fail: str
    park: str


SQLITE = Statements(
    # kind, key, target, machine_now x 3
    mark=f"""
        INSERT INTO work (kind, key, target, due_at, not_before, marked_at)
        VALUES (?, ?, ?, ? + {_OFFSET}, ?, ?)
        ON CONFLICT (kind, key) DO UPDATE SET
            generation = generation + 1, due_at = MIN(due_at, excluded.due_at),
            not_before = excluded.not_before, target = excluded.target,
            attempts = 0, parked_at = NULL, error = NULL,
            marked_at = MIN(marked_at, excluded.marked_at)
    """,  # noqa: S608 - a constant above
    # kind, key, target, due_at, machine_now x 2
    schedule="""
        INSERT INTO work (kind, key, target, due_at, not_before, marked_at)
        VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (kind, key) DO UPDATE SET
            generation = generation + 1, due_at = MIN(due_at, excluded.due_at)
    """,
    # lease_until, token, kind, target, machine_now, machine_now, machine_now, limit
    claim=f"""
        UPDATE work SET lease_until = ?, token = ?, attempts = attempts + 1
        WHERE rowid IN (
            SELECT rowid FROM work
            WHERE kind = ? AND target = ? AND parked_at IS NULL
              AND due_at <= ? + {_OFFSET} AND not_before <= ? AND lease_until <= ?
            ORDER BY due_at LIMIT ?)
        RETURNING key, generation, attempts, marked_at
    """,  # noqa: S608 - a constant above
    # lease_until, kind, key, token
    renew="UPDATE work SET lease_until = ? WHERE kind = ? AND key = ? AND token = ?",
    # kind, key, generation, token
    complete="DELETE FROM work WHERE kind = ? AND key = ? AND generation = ? AND token = ?",
    # due_at, marked_at, kind, key, generation, token
    again="""
        UPDATE work SET due_at = ?, marked_at = ?, lease_until = 0, token = 0, attempts = 0,
                        error = NULL
        WHERE kind = ? AND key = ? AND generation = ? AND token = ?
    """,
    # attempts, kind, key, token
    free="""
        UPDATE work SET lease_until = 0, token = 0, attempts = MAX(attempts - ?, 0)
        WHERE kind = ? AND key = ? AND token = ?
    """,
    # generation, not_before, error, attempts, kind, key, token
    fail="""
        UPDATE work SET not_before = CASE WHEN generation = ? THEN ? ELSE not_before END,
            error = ?, attempts = MAX(attempts - ?, 0), lease_until = 0, token = 0
        WHERE kind = ? AND key = ? AND token = ?
    """,
    # generation, machine_now, error, kind, key, token
    park="""
        UPDATE work SET parked_at = CASE WHEN generation = ? THEN ? ELSE NULL END,
            error = ?, lease_until = 0, token = 0
        WHERE kind = ? AND key = ? AND token = ?
    """,
)

POSTGRES = Statements(
    # kind, keys[], target, machine_now
    mark=f"""
        INSERT INTO work AS w (kind, key, target, due_at, not_before, marked_at)
        SELECT $1, key, $3, $4::bigint + {_OFFSET}, $4::bigint, $4::bigint
        FROM unnest($2::text[]) AS key ORDER BY key
        ON CONFLICT (kind, key) DO UPDATE SET
            generation = w.generation + 1, due_at = LEAST(w.due_at, excluded.due_at),
            not_before = excluded.not_before, target = excluded.target,
            attempts = 0, parked_at = NULL, error = NULL,
            marked_at = LEAST(w.marked_at, excluded.marked_at)
    """,  # noqa: S608 - a constant above
    # kind, keys[], target, due_ats[], machine_now
    schedule="""
        INSERT INTO work AS w (kind, key, target, due_at, not_before, marked_at)
        SELECT $1, key, $3, due_at, $5::bigint, $5::bigint
        FROM unnest($2::text[], $4::bigint[]) AS t(key, due_at) ORDER BY key
        ON CONFLICT (kind, key) DO UPDATE SET
            generation = w.generation + 1, due_at = LEAST(w.due_at, excluded.due_at)
    """,
    # lease_us, token, kind, target, machine_now, limit
    claim=f"""
        UPDATE work SET lease_until = {_PG_NOW} + $1::bigint, token = $2,
                        attempts = attempts + 1
        WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM work
            WHERE kind = $3 AND target = $4 AND parked_at IS NULL
              AND due_at <= $5::bigint + {_OFFSET} AND not_before <= $5::bigint
              AND lease_until <= {_PG_NOW}
            ORDER BY due_at LIMIT $6 FOR UPDATE SKIP LOCKED))
        RETURNING key, generation, attempts, marked_at
    """,  # noqa: S608 - constants above
    # lease_us, kind, keys[], token
    renew=f"""
        UPDATE work SET lease_until = {_PG_NOW} + $1::bigint
        WHERE kind = $2 AND key = ANY($3::text[]) AND token = $4
    """,  # noqa: S608 - a constant above
    # kind, keys[], generations[], token
    complete="""
        DELETE FROM work USING unnest($2::text[], $3::bigint[]) AS done(key, generation)
        WHERE work.kind = $1 AND work.key = done.key
          AND work.generation = done.generation AND work.token = $4
    """,
    # kind, keys[], generations[], due_ats[], marked_at, token
    again="""
        UPDATE work SET due_at = done.due_at, marked_at = $5, lease_until = 0, token = 0,
                        attempts = 0, error = NULL
        FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS done(key, generation, due_at)
        WHERE work.kind = $1 AND work.key = done.key
          AND work.generation = done.generation AND work.token = $6
    """,
    # kind, keys[], token, attempts
    free="""
        UPDATE work SET lease_until = 0, token = 0, attempts = GREATEST(attempts - $4, 0)
        WHERE kind = $1 AND key = ANY($2::text[]) AND token = $3
    """,
    # kind, key, generation, token, not_before, error, attempts
    fail="""
        UPDATE work SET
            not_before = CASE WHEN generation = $3 THEN $5::bigint ELSE not_before END,
            error = $6, attempts = GREATEST(attempts - $7, 0), lease_until = 0, token = 0
        WHERE kind = $1 AND key = $2 AND token = $4
    """,
    # kind, key, generation, token, machine_now, error
    park="""
        UPDATE work SET parked_at = CASE WHEN generation = $3 THEN $5::bigint ELSE NULL END,
            error = $6, lease_until = 0, token = 0
        WHERE kind = $1 AND key = $2 AND token = $4
    """,
)
