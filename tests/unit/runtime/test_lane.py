"""Lanes: whatever a handler or the database does, the other rows go on."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from runtime.retry import pause
from runtime.store import Store
from runtime.work import Claim, Lane, Work, work
from runtime.work.lane import ABANDONED, ALONE_AFTER_TRIES, BUG_TRIES_MAX, TRIES_MAX

QUICK = timedelta(milliseconds=10)


@pytest.fixture
def rows(store, clock, chance) -> Work:
    """Return the dirty rows of a migrated store."""
    return Work(store, clock, chance)


async def mark(rows: Work, *keys: str) -> None:
    """Mark keys in a transaction of their own."""
    async with rows.store.begin() as tx:
        await rows.mark(tx, "settle", keys)


async def left(rows: Work) -> dict[str, str | None]:
    """Return the parked rows' reasons by key, None for rows that are not parked."""
    async with rows.store.read() as tx:
        found = await tx.rows(select(work.c.key, work.c.parked_at, work.c.error))
    return {row.key: row.error if row.parked_at is not None else None for row in found}


class Handler:
    """Completes what it is given, apart from the keys it chokes on."""

    def __init__(self, rows: Work, *, poison: frozenset[str] = frozenset()) -> None:
        self.rows = rows
        self.poison = poison
        self.seen: list[list[str]] = []

    async def __call__(self, claims: Sequence[Claim]) -> None:
        """Look at the rows."""
        self.seen.append(sorted(claim.key for claim in claims))
        for claim in claims:
            if claim.key in self.poison:
                raise ZeroDivisionError(claim.key)
        async with self.rows.store.begin() as tx:
            await self.rows.complete(tx, claims)


async def test_a_poisoned_row_stops_nobody_else(rows, machine):
    """The batch is tried row by row; the bad one is parked with its traceback after three tries."""
    handler = Handler(rows, poison=frozenset({"bad"}))
    lane = Lane(rows, "settle", handler)
    await mark(rows, "a", "bad", "c")
    assert await lane.turn() == 3
    assert handler.seen == [["a", "bad", "c"], ["a"], ["bad"], ["c"]]
    assert await left(rows) == {"bad": None}
    for _ in range(BUG_TRIES_MAX - 1):
        assert await lane.turn() == 0
        machine.forward(timedelta(minutes=1))
        assert await lane.turn() == 1
    reason = (await left(rows))["bad"] or ""
    assert "ZeroDivisionError: bad" in reason
    assert "test_lane.py" in reason


async def test_a_row_that_nobody_finishes_is_tried_alone(rows):
    """What may have killed the process is claimed alone, then parked; its neighbours are done."""
    await mark(rows, "deadly", "fine")
    async with rows.store.begin() as tx:
        await tx.execute(work.update().values(attempts=ALONE_AFTER_TRIES))
    handler = Handler(rows)
    lane = Lane(rows, "settle", handler)
    await lane.turn()
    assert len(handler.seen[0]) == 1
    await lane.turn()
    assert sorted(key for keys in handler.seen for key in keys) == ["deadly", "fine"]
    await mark(rows, "deadly")
    async with rows.store.begin() as tx:
        await tx.execute(work.update().values(attempts=TRIES_MAX))
    assert await lane.turn() == 1
    assert await left(rows) == {"deadly": ABANDONED}
    assert len(handler.seen) == 2


async def test_a_lane_is_woken_by_the_bell_and_ends_when_told(rows):
    """A mark is handled long before the next sweep, and an idle lane stops at once."""
    handler = Handler(rows)
    lane = Lane(rows, "settle", handler, sweep=timedelta(hours=1))
    stop = asyncio.Event()
    running = asyncio.create_task(lane.run(stop))
    for key in "abc":
        await mark(rows, key)
        while await left(rows):
            await pause(0.005)
    assert handler.seen == [["a"], ["b"], ["c"]]
    stop.set()
    await running


async def test_a_mark_overtakes_what_is_scheduled(rows, machine):
    """However many rows have waited for their time, a mark is in the batch after the one going."""
    async with rows.store.begin() as tx:
        due = {f"{n:03}": machine.now - timedelta(hours=1, seconds=n) for n in range(50)}
        await rows.schedule(tx, "settle", due)
    handler = Handler(rows)
    lane = Lane(rows, "settle", handler, rows_max=10)
    assert await lane.turn() == 10
    assert handler.seen[0] == [f"{n:03}" for n in range(40, 50)]
    await mark(rows, "paid", "003")
    assert await lane.turn() == 10
    assert {"paid", "003"} < set(handler.seen[1])
    while await lane.turn():
        pass
    assert await left(rows) == {}
    assert sum(len(keys) for keys in handler.seen) == 51


async def test_what_is_scheduled_goes_along_where_there_is_room(rows, machine):
    """Marks come first, and what is scheduled fills the batch they leave room in."""
    async with rows.store.begin() as tx:
        await rows.schedule(tx, "settle", {"later": machine.now - timedelta(days=1)})
    handler = Handler(rows)
    lane = Lane(rows, "settle", handler, rows_max=3)
    await mark(rows, *"abcd")
    assert await lane.turn() == 3
    assert "later" not in handler.seen[0]
    assert await lane.turn() == 2
    assert "later" in handler.seen[1]


async def test_a_sweep_finds_what_no_bell_announced(rows):
    """A row that another process marked is found at the next sweep."""
    handler = Handler(rows)
    stop = asyncio.Event()
    running = asyncio.create_task(Lane(rows, "settle", handler, sweep=QUICK).run(stop))
    await pause(0.03)
    other = Store(rows.store.url.render_as_string(hide_password=False))
    await mark(Work(other, rows.clock, rows.chance), "a")
    await other.close()
    while await left(rows):
        await pause(0.005)
    stop.set()
    await running
    assert handler.seen == [["a"]]


async def test_what_was_begun_is_finished_before_the_end(rows):
    """A lane that is told to stop in the middle of a batch completes it first."""
    begun, go_on, stop = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(claims: Sequence[Claim]) -> None:
        begun.set()
        await go_on.wait()
        async with rows.store.begin() as tx:
            await rows.complete(tx, claims)

    await mark(rows, "a")
    running = asyncio.create_task(Lane(rows, "settle", slow).run(stop))
    await begun.wait()
    stop.set()
    await pause(0.02)
    assert not running.done()
    go_on.set()
    await running
    assert await left(rows) == {}


async def test_a_long_look_keeps_its_lease(store, clock, machine, chance):
    """The heartbeat renews the lease, so that nobody else claims the row meanwhile."""
    rows = Work(store, clock, chance, lease=timedelta(milliseconds=400))
    others: list[list[Claim]] = []

    async def slow(claims: Sequence[Claim]) -> None:
        for _ in range(10):
            machine.forward(timedelta(milliseconds=60))
            await pause(0.06)
            others.append(await rows.claim("settle"))
        async with store.begin() as tx:
            await rows.complete(tx, claims)

    await mark(rows, "a")
    assert await Lane(rows, "settle", slow, heartbeat=QUICK).turn() == 1
    assert others == [[]] * 10
    assert await left(rows) == {}


async def test_a_lane_outlives_its_database(rows):
    """While the table is gone the lane waits; when it is back the work is done."""
    handler = Handler(rows)
    stop = asyncio.Event()
    await mark(rows, "a")
    async with rows.store.begin() as tx:
        await tx.execute(text("ALTER TABLE work RENAME TO gone"))
    running = asyncio.create_task(Lane(rows, "settle", handler, sweep=QUICK).run(stop))
    await pause(0.05)
    assert not running.done()
    async with rows.store.begin() as tx:
        await tx.execute(text("ALTER TABLE gone RENAME TO work"))
    while not handler.seen:
        await pause(0.005)
    stop.set()
    await running
    assert handler.seen == [["a"]]
    assert await left(rows) == {}


@pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True)
async def test_a_lost_connection_is_not_the_rows_fault(rows, machine):
    """A look that fails because the database went away is repeated and never parks the row."""
    handler = Handler(rows)
    losses = 5

    async def shaky(claims: Sequence[Claim]) -> None:
        nonlocal losses
        if losses:
            losses -= 1
            async with rows.store.begin() as tx:
                await tx.fetch("SELECT pg_terminate_backend(pg_backend_pid())")
        await handler(claims)

    await mark(rows, "a")
    lane = Lane(rows, "settle", shaky)
    while await left(rows):
        assert await left(rows) == {"a": None}
        await lane.turn()
        machine.forward(timedelta(minutes=1))
    assert losses == 0
    assert handler.seen == [["a"]]
