"""How long somebody waits for the database before giving up: a person less than a worker.

Said once for a task, and heard by every connection it uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# For whoever says nothing: a worker's row goes to another one by then.
PATIENCE_S = 30.0
# Until a statement ends; it may have to wait for others or for a lot of rows.
STATEMENT_TIMES = 5

_PATIENCE_S: ContextVar[float] = ContextVar("patience", default=PATIENCE_S)


class StoreAway(ConnectionError):
    """The database does not answer, or has no connection to spare; it may soon."""


class Moved(Exception):
    """What was read is not so any more, and nothing was written: read again, decide again."""


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Wait no longer than this for a connection and for a transaction to begin."""
    token = _PATIENCE_S.set(seconds)
    try:
        yield
    finally:
        _PATIENCE_S.reset(token)


def to_begin_s() -> float:
    """Tell how long to wait for a connection, or for a transaction to begin."""
    return _PATIENCE_S.get()


def to_end_s() -> float:
    """Tell how long to wait for a statement to end."""
    return _PATIENCE_S.get() * STATEMENT_TIMES
