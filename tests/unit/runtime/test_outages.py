"""Outages: told when they begin and when they are over, however often they are met."""

import sqlite3

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from runtime.outages import FORGOTTEN_AFTER_S, REASON_CHARS_MAX, Outages
from runtime.store import Store
from runtime.stumbles import Stumbles
from terms.errors import Unreachable


class Now:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.s


@pytest.fixture
def now():
    """The time of a test."""
    return Now()


@pytest.fixture
def outages(now):
    """The outages of a process, by that time."""
    return Outages(now)


async def _raise(error: Exception) -> None:
    raise error


async def _pass() -> None:
    pass


async def wrong(url: str, sql: str) -> Exception:
    """Have a database refuse a statement."""
    store = Store(url)
    try:
        async with store.read() as tx:
            await tx.execute(text(sql))
    except DBAPIError as error:
        return error
    finally:
        await store.close()
    raise AssertionError(sql)


@pytest.fixture
async def lost(tmp_path):
    """What a file that is no database makes of a query."""
    path = tmp_path / "noise.db"
    path.write_bytes(b"noise" * 4096)
    return await wrong(f"sqlite:///{path}", "SELECT 1 FROM sqlite_master")


async def test_one_database_is_one_outage(outages, now, lost):
    """Many loops meet it again and again: a line at its begin, one when the last has it back."""
    with capture_logs() as lines:
        for _ in range(3):
            for loop in ("lane a", "lane b"):
                assert not await outages.outlive(loop, _raise(lost))
            now.s += 2
        assert outages.is_lost
        assert await outages.outlive("lane a", _pass())
        assert outages.is_lost
        assert not await outages.outlive("lane b", _raise(ConnectionRefusedError("gone")))
        now.s += 1
        assert await outages.outlive("lane b", _pass())
    assert not outages.is_lost
    assert [line["event"] for line in lines] == ["database.down", "database.up"]
    assert "exc_info" not in lines[0]
    assert "not a database" in lines[0]["reason"]
    assert lines[1]["after_s"] == 7


async def test_a_loop_that_asks_no_more_keeps_no_outage_open(outages, now, lost):
    """It ended, rests or fails otherwise: once the others have passed, the database is back."""
    with capture_logs() as lines:
        for loop in ("ended", "rests", "fails otherwise", "lane a"):
            outages.failed(loop, lost)
        outages.ended("ended")
        outages.rests("rests")
        outages.failed("fails otherwise", Unreachable("a target"))
        assert outages.is_lost
        now.s += 2
        outages.passed("lane a")
    assert not outages.is_lost
    told = [line["event"] for line in lines if line["event"] != "loop.down"]
    assert told == ["database.down", "database.up"]
    assert lines[-1]["after_s"] == 2


async def test_the_database_is_back_when_somebody_has_it(outages, lost):
    """Where the last that it failed asks no more, nobody knows until the next one passes."""
    with capture_logs() as lines:
        outages.failed("lane a", lost)
        outages.ended("lane a")
        assert outages.is_lost
        outages.failed("lane b", lost)
        outages.rests("lane b")
        outages.passed("lane c")
    assert not outages.is_lost
    assert [line["event"] for line in lines] == ["database.down", "database.up"]


async def test_a_loop_that_fell_silent_is_forgotten(outages, now, lost):
    """What has not failed for long is forgotten; whoever passes then finds the database back."""
    with capture_logs() as lines:
        outages.failed("silent", lost)
        outages.failed("lane a", lost)
        now.s += FORGOTTEN_AFTER_S
        outages.passed("lane a")
    assert [line["event"] for line in lines] == ["database.down", "database.up"]


async def test_a_bug_is_told_with_its_trace_once(outages, now, migrated_url):
    """Each loop's own failure is told until it passes; the database is not to blame for it."""
    bug = await wrong(migrated_url, "SELECT no_such_column FROM work")
    with capture_logs() as lines:
        for _ in range(5):
            outages.failed("lane a", bug)
            outages.failed("lane b", ZeroDivisionError("x" * 9_000))
        assert not outages.is_lost
        now.s += 0.25
        outages.passed("lane a")
        outages.passed("lane a")
        outages.failed("lane a", bug)
    told = [(line["event"], line["loop"]) for line in lines]
    assert told == [
        ("loop.down", "lane a"),
        ("loop.down", "lane b"),
        ("loop.up", "lane a"),
        ("loop.down", "lane a"),
    ]
    assert lines[0]["exc_info"] is bug
    assert len(lines[1]["reason"]) == REASON_CHARS_MAX
    assert lines[2]["after_s"] == 0.2


async def test_a_file_that_is_busy_or_full_is_lost_and_a_wrong_row_is_not(outages):
    """The engine's code decides, not the class of the error."""
    for code, is_lost in ((sqlite3.SQLITE_FULL, True), (sqlite3.SQLITE_CONSTRAINT, False)):
        cause = sqlite3.OperationalError("as told")
        cause.sqlite_errorcode = code
        outages.failed("lane a", DBAPIError("", None, cause))
        assert outages.is_lost is is_lost
        outages.passed("lane a")


async def test_rows_that_all_fail_are_an_outage_and_one_bad_row_is_none(outages, now):
    """Two different rows with none between that came through; one that does ends it."""
    stumbles = Stumbles(outages, "work a", now)
    for _ in range(3):
        stumbles.failed("bad", ZeroDivisionError("x"))
    stumbles.passed()
    stumbles.failed("worse", ZeroDivisionError("x"))
    assert outages.bugs == {}
    stumbles.failed("bad", ZeroDivisionError("x"))
    assert outages.bugs == {"work a": "ZeroDivisionError"}
    now.s += FORGOTTEN_AFTER_S - 1
    stumbles.rest()
    assert outages.bugs
    stumbles.passed()
    assert outages.bugs == {}


async def test_rows_that_failed_long_ago_are_forgotten(outages, now):
    """They are set aside and seen there; nobody waits for ever for a row that comes through."""
    stumbles = Stumbles(outages, "work a", now)
    for key in "ab":
        stumbles.failed(key, ZeroDivisionError("x"))
    now.s += FORGOTTEN_AFTER_S
    stumbles.rest()
    assert outages.bugs == {}


async def test_what_is_merely_away_is_no_bug(outages, lost):
    """Nobody has to mend the product where something else is not there."""
    outages.failed("lane a", lost)
    outages.failed("lane b", ConnectionRefusedError("gone"))
    assert outages.bugs == {}
