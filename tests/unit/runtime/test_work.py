"""Dirty rows, told one by one; the random schedules stand in test_work_schedules."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select

from runtime.clock import Clock
from runtime.work import Cause, Failure, Parking, Work, work
from runtime.work.sql import batch
from terms.errors import Invalid
from tests.fixtures.clock import START

SECOND = timedelta(seconds=1)


@pytest.fixture
def rows(store, clock, chance) -> Work:
    """Return the dirty rows of a migrated store."""
    return Work(store, clock, chance)


async def mark(rows: Work, *keys: str, kind: str = "settle", target: str = "") -> None:
    """Mark keys in a transaction of their own."""
    async with rows.store.begin() as tx:
        await rows.mark(tx, kind, keys, target=target)


async def complete(rows: Work, claims) -> None:
    """Complete claims in a transaction of their own."""
    async with rows.store.begin() as tx:
        await rows.complete(tx, claims)


async def test_a_hundred_marks_are_one_look(rows):
    """However often a key is marked before the look, it is looked at once."""
    for _ in range(5):
        await mark(rows, *["a"] * 20)
    claims = await rows.claim("settle")
    assert [claim.key for claim in claims] == ["a"]
    await complete(rows, claims)
    assert await rows.claim("settle") == []


async def test_a_mark_during_a_look_is_one_more_look(rows):
    """What is marked while somebody looks stays, and is due as soon as that look is over."""
    await mark(rows, "a", "b")
    first = await rows.claim("settle")
    await mark(rows, "a")
    assert await rows.claim("settle") == []
    await complete(rows, first)
    assert [claim.key for claim in await rows.claim("settle")] == ["a"]


async def test_a_mark_that_is_rolled_back_was_never_made(rows):
    """The mark belongs to the transaction of the fact."""

    async def fail() -> None:
        async with rows.store.begin() as tx:
            await rows.mark(tx, "settle", ["a"])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await rows.claim("settle") == []


async def test_steps_of_one_transaction_keep_their_order(rows):
    """A mark is seen by the next statement of its transaction, and a later one comes later."""
    async with rows.store.begin() as tx:
        await rows.mark(tx, "settle", ["a"])
        await rows.mark(tx, "settle", ["b", "a"])
        found = await tx.rows(select(work.c.key, work.c.generation).order_by(work.c.key))
        assert [tuple(row) for row in found] == [("a", 2), ("b", 1)]
    claims = await rows.claim("settle")
    async with rows.store.begin() as tx:
        await rows.complete(tx, claims)
        await rows.mark(tx, "settle", ["b"])
    assert [claim.key for claim in await rows.claim("settle")] == ["b"]


async def test_a_completion_belongs_to_its_transaction(rows):
    """Where the results cannot be stored the row stays claimed, and its lease will end."""
    await mark(rows, "a")
    claims = await rows.claim("settle")

    async def fail() -> None:
        async with rows.store.begin() as tx:
            await rows.complete(tx, claims)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with rows.store.read() as tx:
        assert await tx.scalar(select(work.c.token)) == claims[0].token


async def test_batches_come_oldest_first(rows, machine):
    """A claim takes at most its share, the rows that wait longest first."""
    for minute in range(3):
        machine.forward(timedelta(minutes=minute))
        await mark(rows, *(f"{minute}-{n:03}" for n in range(100)))
    for minute in range(3):
        claims = await rows.claim("settle")
        assert {claim.key[0] for claim in claims} == {str(minute)}
        assert len(claims) == 100
        assert len({claim.token for claim in claims}) == 1
        await complete(rows, claims)


async def test_kinds_and_targets_do_not_disturb_each_other(rows):
    """One kind's rows, and one target's, are claimed by those who ask for them alone."""
    await mark(rows, "a", kind="reconcile", target="north")
    await mark(rows, "b", kind="reconcile", target="south")
    await mark(rows, "a", kind="settle")
    assert await rows.claim("reconcile") == []
    north = await rows.claim("reconcile", target="north")
    assert [(claim.kind, claim.key) for claim in north] == [("reconcile", "a")]
    await complete(rows, north)
    assert [claim.key for claim in await rows.claim("settle")] == ["a"]
    assert [claim.key for claim in await rows.claim("reconcile", target="south")] == ["b"]


async def test_what_happened_is_claimed_apart_from_what_time_brings(rows):
    """Who asks for one cause gets nothing of the other; a mark turns a row into the first kind."""
    async with rows.store.begin() as tx:
        await rows.schedule(tx, "settle", dict.fromkeys("abc", START))
        await rows.mark(tx, "settle", ["b", "d"])
    marked = await rows.claim("settle", cause=Cause.MARK)
    assert {claim.key for claim in marked} == {"b", "d"}
    assert await rows.claim("settle", cause=Cause.MARK) == []
    (first,) = await rows.claim("settle", cause=Cause.TIME, rows_max=1)
    (other,) = await rows.claim("settle", cause=Cause.TIME)
    assert {first.key, other.key} == {"a", "c"}


async def test_claims_of_many_batches_finish_together(rows):
    """Claims with different tokens and kinds are completed in one call."""
    claims = []
    for name in "abc":
        await mark(rows, name, kind=name)
        claims += await rows.claim(name)
    await complete(rows, claims)
    async with rows.store.read() as tx:
        assert await tx.rows(select(work.c.key)) == []


async def test_moved_business_time_makes_rows_due(rows, clock: Clock):
    """A row scheduled for next month is claimed when business time is moved there."""
    month = START + timedelta(days=31)
    async with rows.store.begin() as tx:
        await rows.schedule(tx, "settle", {"a": month, "b": month + SECOND})
        assert await rows.next_due(tx, "settle") == month
    assert await rows.claim("settle") == []
    async with rows.store.begin() as tx:
        assert await clock.advance(tx, timedelta(days=31)) == month
        assert await clock.business_now(tx) == month
        assert clock.machine_now() == START
    assert [claim.key for claim in await rows.claim("settle")] == ["a"]


async def test_moving_business_time_wakes_everybody(rows, clock):
    """The bell rings for every kind, and a step backwards is refused."""
    assert not await rows.store.bell.wait("settle", 0)
    async with rows.store.begin() as tx:
        await clock.advance(tx, SECOND)
    assert await rows.store.bell.wait("settle", 1)

    async def back() -> None:
        async with rows.store.begin() as tx:
            await clock.advance(tx, -SECOND)

    with pytest.raises(Invalid, match="forward"):
        await back()


async def test_back_off_is_machine_time_and_a_mark_ends_it(rows, machine, clock):
    """A failed row waits by the machine's clock, whatever business time does, or for a mark."""
    await mark(rows, "a", "b")
    later = machine.now + timedelta(minutes=5)
    claims = await rows.claim("settle")
    async with rows.store.begin() as tx:
        await rows.fail(tx, [Failure(claim=c, error="busy", not_before=later) for c in claims])
        await clock.advance(tx, timedelta(days=1))
    assert await rows.claim("settle") == []
    await mark(rows, "b")
    marked = await rows.claim("settle")
    assert [(claim.key, claim.attempts) for claim in marked] == [("b", 1)]
    await complete(rows, marked)
    machine.forward(timedelta(minutes=5))
    assert [(claim.key, claim.attempts) for claim in await rows.claim("settle")] == [("a", 2)]


async def test_a_parked_row_waits_for_a_mark_or_a_person(rows):
    """Parked rows keep their reason and are claimed again once marked or released."""
    await mark(rows, "a", "b", "c")
    claims = await rows.claim("settle")
    async with rows.store.begin() as tx:
        await rows.park(tx, [Parking(claim=claim, error="no such package") for claim in claims])
    async with rows.store.read() as tx:
        parked = await tx.rows(select(work.c.error).where(work.c.parked_at.is_not(None)))
    assert [row.error for row in parked] == ["no such package"] * 3
    await mark(rows, "a")
    async with rows.store.begin() as tx:
        assert await rows.release(tx, "settle", ["b", "other"]) == 1
    assert {claim.key for claim in await rows.claim("settle")} == {"a", "b"}


async def test_any_text_can_be_the_reason(rows):
    """A reason with bytes no database stores, or far too long, parks the row all the same."""
    await mark(rows, "a")
    claims = await rows.claim("settle")
    async with rows.store.begin() as tx:
        error = "\x00 \ud800 é " + "x" * 5_000
        await rows.park(tx, [Parking(claim=claims[0], error=error)])
        kept = await tx.scalar(select(work.c.error))
    assert kept.startswith("\N{REPLACEMENT CHARACTER} ? é xxx")
    assert len(kept) == 2_000


async def test_a_kept_error_holds_no_secret(rows):
    """What people are shown of a failed row has been cleaned as a line of the log is."""
    async with rows.store.begin() as tx:
        await rows.mark(tx, "settle", ["a"])
    claims = await rows.claim("settle")
    async with rows.store.begin() as tx:
        error = "POST https://panel.example/?password=hunter2secret failed"
        await rows.park(tx, [Parking(claim=claims[0], error=error)])
        kept = await tx.scalar(select(work.c.error))
    assert "failed" in kept
    assert "hunter2secret" not in kept


async def test_nothing_is_no_error(rows):
    """Every batch may be empty."""
    async with rows.store.begin() as tx:
        await rows.mark(tx, "settle", [])
        await rows.schedule(tx, "settle", {})
        await rows.complete(tx, [])
        await rows.complete_until(tx, [])
        await rows.give_back(tx, [])
        await rows.fail(tx, [])
        await rows.park(tx, [])
        assert await rows.release(tx, "settle", []) == 0
        assert await rows.next_due(tx, "settle") is None
    await rows.renew([])


async def test_a_whole_base_is_marked_at_once(rows):
    """Marking is one statement however many keys there are."""
    await mark(rows, *(f"{n:06}" for n in range(20_000)))
    assert len(await rows.claim("settle", rows_max=30_000)) == 20_000


async def test_a_crowd_never_shares_a_key_and_forgets_none(rows):
    """Workers and markers at the same time: each key in one hand, and every mark is looked at."""
    keys = [f"{n:02}" for n in range(40)]
    wished, seen, held = Counter[str](), Counter[str](), set[str]()
    marking = 4

    async def marker(number: int) -> None:
        nonlocal marking
        for step in range(15):
            chosen = keys[(number * 7 + step * 3) % 40 :][:12]
            async with rows.store.begin() as tx:
                await rows.mark(tx, "settle", chosen)
                wished.update(chosen)
        marking -= 1

    async def worker() -> None:
        while True:
            is_last = marking == 0
            claims = await rows.claim("settle", rows_max=7)
            names = {claim.key for claim in claims}
            assert not names & held
            held.update(names)
            looked = {name: wished[name] for name in names}
            await asyncio.sleep(0)
            held.difference_update(names)
            await complete(rows, claims)
            seen.update({name: max(looked[name] - seen[name], 0) for name in names})
            if is_last and not claims:
                return

    await asyncio.gather(*map(marker, range(4)), *(worker() for _ in range(5)))
    assert seen == wished
    assert await rows.claim("settle") == []


CLAIMED = {"kind": "settle", "key": "a", "generation": 1, "token": 1}
VALUES = {
    "claim": (1, "settle", 1, "", 1, 100, 100),
    "take": (1, 1, 1, batch([{"kind": "settle", "key": "a"}])),
    "insist": (batch([CLAIMED]),),
    "renew": (1, batch([CLAIMED])),
    "complete": (batch([CLAIMED]),),
    "keep": (batch([CLAIMED]),),
    "again": (1, batch([CLAIMED | {"due_at": 1}])),
    "give_back": (batch([CLAIMED]),),
    "fail": (batch([CLAIMED | {"not_before": 1, "error": "", "uncount": 0}]),),
    "park": (1, batch([CLAIMED | {"error": ""}])),
}


@pytest.mark.parametrize("name", VALUES)
async def test_no_statement_reads_the_whole_table(rows, name):
    """Rows are looked up by an index, also where the plan is made while the table is empty.

    Those that are named are looked up by their names, not by what many others have, too.
    """
    explain = "EXPLAIN QUERY PLAN " if rows.store.is_sqlite else "EXPLAIN "
    async with rows.store.begin() as tx:
        plan = await tx.fetch(explain + getattr(rows.sql, name), VALUES[name])
    text = "\n".join(str(line[-1]) for line in plan)
    assert "SCAN work" not in text
    assert "Seq Scan on work" not in text
    assert name == "claim" or rows.store.is_sqlite or "(key = " in text or "(key)::text =" in text
    assert "work" in text


async def test_a_lease_ends_by_itself(store, clock, machine, chance):
    """A row whose holder is gone is claimed by another once the lease is over."""
    short = timedelta(milliseconds=50)
    rows = Work(store, clock, chance, lease=short)
    await mark(rows, "a")
    first = await rows.claim("settle")
    assert await rows.claim("settle") == []
    machine.forward(short)
    async with store.begin() as tx:
        if tx.engine == "postgresql":
            await tx.fetch("SELECT pg_sleep(0.06)")
    second = await rows.claim("settle")
    assert [claim.attempts for claim in second] == [2]
    await complete(rows, first)
    await rows.renew(first)
    await mark(rows, "a")
    await complete(rows, second)
    assert [claim.key for claim in await rows.claim("settle")] == ["a"]
