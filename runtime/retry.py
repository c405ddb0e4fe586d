"""Waiting and trying again: after a conflict in the database, and between tries of the queue.

The only place that may repeat something by itself; it never repeats a vendor's call.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from runtime.chance import Chance, SystemChance
from runtime.patience import Moved, StoreAway
from runtime.telemetry import counter
from terms.errors import Unreachable

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]

# The queue's own waits; they live in the row's not_before, nobody sleeps through them.
BACK_OFF_BASE_S = 1.0
BACK_OFF_MAX_S = 900.0


TRANSACTION_TRIES_MAX = 6
TRANSACTION_BASE_S = 0.01
TRANSACTION_MAX_S = 1.0

# SQLSTATE: serialization_failure, deadlock_detected, lock_not_available.
_CONFLICT_STATES = frozenset({"40001", "40P01", "55P03"})
# admin_shutdown, crash_shutdown, cannot_connect_now, too_many_connections; class 08 besides.
_AWAY_STATES = frozenset({"57P01", "57P02", "57P03", "53300"})
_SQLITE_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
# The file or its disk is at fault, not what was asked: https://www.sqlite.org/rescode.html
_SQLITE_LOST = _SQLITE_BUSY | {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}
# Classes of SQLSTATE: insufficient resources, trouble of the system around the server.
_LOST_CLASSES = frozenset({"53", "58"})

_SYSTEM_CHANCE = SystemChance()
_repeated = counter("boxoffice_transactions_repeated", "Transactions tried again after a conflict")


async def pause(seconds: float) -> None:
    """Sleep: for the loops of the product."""
    await asyncio.sleep(seconds)


async def stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    """Sleep, unless told to stop; True where that was said."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
    return stop.is_set()


def back_off_s(
    attempts: int, chance: float, *, base_s: float = BACK_OFF_BASE_S, max_s: float = BACK_OFF_MAX_S
) -> float:
    """Tell how long to wait after so many failed attempts: doubling up to a maximum.

    `chance` from 0 to 1 spreads the wait between half and whole, so that what failed together
    does not come back together.
    """
    if attempts < 1 or not 0 <= chance <= 1:
        raise ValueError("attempts begin at 1, chance lies between 0 and 1")
    doublings = min(attempts - 1, 62)  # more would not change the minimum, only overflow
    return min(base_s * (1 << doublings), max_s) * (0.5 + chance / 2)


async def serialisable(
    attempt: Callable[[], Awaitable[T]], *, chance: Chance = _SYSTEM_CHANCE, sleep: Sleep = pause
) -> T:
    """Run a whole transaction, and again when the database gave it up or was lost.

    `attempt` opens and commits the transaction itself and must be harmless to repeat: where the
    connection is lost at the commit, nobody knows whether it counted. The last error is raised.
    """

    async def counted(_state: RetryCallState) -> None:
        _repeated.inc()

    retrying = AsyncRetrying(
        sleep=sleep,
        stop=stop_after_attempt(TRANSACTION_TRIES_MAX),
        wait=_waiter(chance, TRANSACTION_BASE_S, TRANSACTION_MAX_S),
        # Who has waited long enough for the database does not wait as long again.
        retry=retry_if_exception(
            lambda error: (
                not isinstance(error, StoreAway) and (is_conflict(error) or is_away(error))
            )
        ),
        before_sleep=counted,
        reraise=True,
    )
    return await retrying(attempt)


def is_conflict(error: BaseException) -> bool:
    """Say whether the database gave a transaction up for the sake of another."""
    return any(
        isinstance(cause, Moved)
        or getattr(cause, "sqlstate", None) in _CONFLICT_STATES
        or _is_busy(cause)
        for cause in _causes(error)
    )


def is_away(error: BaseException) -> bool:
    """Say whether something is not there (any more) that may come back by itself."""
    return any(
        isinstance(cause, Unreachable)
        # A missing name or socket file too: both appear when the other side has started.
        or (isinstance(cause, OSError) and not isinstance(cause, PermissionError))
        or (isinstance(cause, DBAPIError) and cause.connection_invalidated)
        or _is_away_state(getattr(cause, "sqlstate", None))
        for cause in _causes(error)
    )


def is_lost(error: BaseException) -> bool:
    """Say whether the database failed us, rather than we it."""
    causes = list(_causes(error))
    if any(isinstance(cause, Unreachable) for cause in causes):
        return False  # of somebody else
    return is_away(error) or is_conflict(error) or any(map(_is_trouble, causes))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what it wraps: SQLAlchemy and its drivers wrap one another's."""
    cause: BaseException | None = error
    for _ in range(5):
        if cause is None:
            return
        yield cause
        cause = getattr(cause, "orig", None) or cause.__cause__


def _is_busy(error: BaseException) -> bool:
    return _sqlite_code(error) in _SQLITE_BUSY


def _is_trouble(error: BaseException) -> bool:
    state = getattr(error, "sqlstate", None) or ""
    return _sqlite_code(error) in _SQLITE_LOST or str(state)[:2] in _LOST_CLASSES


def _sqlite_code(error: BaseException) -> int:
    """Give the primary code, which is the low byte; the rest says more precisely why."""
    if not isinstance(error, sqlite3.Error):
        return 0
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _is_away_state(state: object) -> bool:
    return isinstance(state, str) and (state in _AWAY_STATES or state.startswith("08"))


def _waiter(chance: Chance, base_s: float, max_s: float) -> Callable[[RetryCallState], float]:
    def wait(state: RetryCallState) -> float:
        return back_off_s(state.attempt_number, chance.fraction(), base_s=base_s, max_s=max_s)

    return wait
