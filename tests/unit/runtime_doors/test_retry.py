"""What is tried again, how often, and what never is; with the errors of real databases."""

import asyncio
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from runtime.chance import SeededChance
from runtime.retry import (
    BACK_OFF_MAX_S,
    TRANSACTION_TRIES_MAX,
    back_off_s,
    is_away,
    is_conflict,
    pause,
    serialisable,
)


class Naps:
    """Remembers how long it was asked to sleep, and does not."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def __call__(self, seconds: float) -> None:
        """Do not sleep."""
        self.slept.append(seconds)


class Attempts:
    """Fails with each error in turn, then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.made = 0

    async def __call__(self) -> str:
        """Fail or succeed."""
        self.made += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


# --- waits ------------------------------------------------------------------------------------


@given(st.integers(min_value=1, max_value=10**9), st.floats(min_value=0, max_value=1))
def test_a_wait_lies_between_half_and_whole(attempts, chance):
    """Chance moves a wait between half of its full length and all of it, never past the cap."""
    full = back_off_s(attempts, 1)
    assert full / 2 <= back_off_s(attempts, chance) <= full <= BACK_OFF_MAX_S
    assert back_off_s(attempts, 0) == full / 2


def test_waits_double_up_to_a_quarter_of_an_hour():
    """Full waits are 1, 2, 4 ... seconds and end at 15 minutes."""
    waits = [back_off_s(n, 1) for n in range(1, 14)]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


@pytest.mark.parametrize(("attempts", "chance"), [(0, 0.5), (-1, 0.5), (1, -0.1), (1, 1.1)])
def test_a_wait_needs_an_attempt(attempts, chance):
    """Before the first attempt there is nothing to wait for; chance is a fraction."""
    with pytest.raises(ValueError, match="attempts begin at 1"):
        back_off_s(attempts, chance)


async def test_a_pause_lets_others_run():
    """While one task pauses another one gets its turn."""
    turns: list[str] = []

    async def other() -> None:
        turns.append("other")

    task = asyncio.create_task(other())
    await pause(0.001)
    turns.append("this")
    await task
    assert turns == ["other", "this"]


# --- transactions, with real errors -----------------------------------------------------------


@pytest.fixture
async def engine(database_url: str):
    """Two independent connections' worth of a database with one row."""
    driver = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
    scheme, _, rest = database_url.partition("://")
    arguments = {"timeout": 0} if scheme == "sqlite" else {}
    engine = create_async_engine(f"{driver[scheme]}://{rest}", connect_args=arguments)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE tally (id INTEGER PRIMARY KEY, n INTEGER)"))
        await connection.execute(text("INSERT INTO tally VALUES (1, 0)"))
    yield engine
    await engine.dispose()


def is_sqlite(engine: AsyncEngine) -> bool:
    """Tell which database it is."""
    return engine.dialect.name == "sqlite"


async def conflict(engine: AsyncEngine) -> DBAPIError:
    """Make two transactions get in each other's way and return what the second one gets."""
    async with engine.connect() as one, engine.connect() as other:
        if is_sqlite(engine):
            await one.exec_driver_sql("BEGIN IMMEDIATE")
            with pytest.raises(OperationalError) as caught:
                await other.exec_driver_sql("BEGIN IMMEDIATE")
            await one.exec_driver_sql("ROLLBACK")
            return caught.value
        for connection in (one, other):
            await connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
            await connection.execute(text("SELECT n FROM tally"))
        await one.execute(text("UPDATE tally SET n = n + 1"))
        await one.commit()
        with pytest.raises(DBAPIError) as failed:
            await other.execute(text("UPDATE tally SET n = n + 1"))
        return failed.value


async def test_a_real_conflict_is_known(engine: AsyncEngine):
    """A busy SQLite and a serialization failure of PostgreSQL count as conflicts."""
    error = await conflict(engine)
    assert is_conflict(error)
    assert not is_away(error)


async def test_a_transaction_that_lost_runs_again(engine: AsyncEngine):
    """A transaction given up for another one is run again as a whole and counts once."""
    errors = [await conflict(engine), await conflict(engine)]
    async with engine.connect() as connection:
        before = (await connection.execute(text("SELECT n FROM tally"))).scalar_one()

    async def tally() -> int:
        async with engine.begin() as connection:
            await connection.execute(text("UPDATE tally SET n = n + 1"))
            n = (await connection.execute(text("SELECT n FROM tally"))).scalar_one()
            if errors:
                raise errors.pop()
            return int(n)

    naps = Naps()
    assert await serialisable(tally, chance=SeededChance(1), sleep=naps) == before + 1
    assert len(naps.slept) == 2


async def test_a_conflict_without_end_is_raised(engine: AsyncEngine):
    """After a fixed number of tries the database's own error is raised."""
    error = await conflict(engine)
    naps, attempts = Naps(), Attempts(*[error] * 100)
    with pytest.raises(DBAPIError):
        await serialisable(attempts, chance=SeededChance(1), sleep=naps)
    assert attempts.made == TRANSACTION_TRIES_MAX
    assert sum(naps.slept) < 1


async def test_a_lost_connection_is_tried_again(fresh_postgres: str):
    """A connection that the server ended is away, and the next try has a new one."""
    url = fresh_postgres.replace("postgresql://", "postgresql+asyncpg://")
    engine = create_async_engine(url)
    killed: list[Exception] = []

    async def attempt() -> int:
        async with engine.connect() as connection:
            if not killed:
                try:
                    await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
                except Exception as error:
                    killed.append(error)
                    raise
            return int((await connection.execute(text("SELECT 1"))).scalar_one())

    assert await serialisable(attempt, chance=SeededChance(1), sleep=Naps()) == 1
    assert is_away(killed[0])
    assert not is_conflict(killed[0])
    await engine.dispose()


async def test_a_wrong_row_is_not_tried_again(engine: AsyncEngine):
    """What would fail again is raised at once."""
    made = []

    async def twice_the_same() -> None:
        made.append(1)
        async with engine.begin() as connection:
            await connection.execute(text("INSERT INTO tally VALUES (1, 0)"))

    with pytest.raises(IntegrityError):
        await serialisable(twice_the_same, sleep=Naps())
    assert len(made) == 1


@pytest.mark.parametrize("error", [ValueError("x"), sqlite3.OperationalError("no such table: x")])
def test_a_bug_is_no_conflict(error):
    """Errors of our own making are neither conflicts nor absences."""
    assert not is_conflict(error)
    assert not is_away(error)
