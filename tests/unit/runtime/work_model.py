"""A model of the dirty rows in plain Python, driven beside the real ones by random schedules."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from runtime.chance import SeededChance
from runtime.clock import Clock, business_clock
from runtime.store import Store, from_micros, to_micros
from runtime.work import Claim, Failure, Parking, Work, work
from runtime.work.sql import Statements
from tests.fixtures.clock import START, FakeMachine

KIND = "settle"
KEYS = ("a", "b", "c")
# Longer than all the seconds a schedule can let pass: leases end by `expire` alone.
LEASE = timedelta(days=30)
some_keys = st.sets(st.sampled_from(KEYS), min_size=1)
FINISHES = ("complete", "complete_until", "fail", "park", "give_back")
seconds = st.integers(min_value=1, max_value=120)


@dataclass(kw_only=True)
class Row:
    """What the model knows of one row; instants in seconds since the start, on their clocks."""

    due: int
    not_before: int
    generation: int = 1
    attempts: int = 0
    again: int | None = None
    parked: bool = False
    token: int = 0
    is_leased: bool = False


@dataclass(frozen=True, kw_only=True)
class Look:
    """A claim, and the newest wish its holder saw when looking."""

    claim: Claim
    saw: int


class WorkMachine(RuleBasedStateMachine):
    """Marks, claims, finishes, crashes and zombies in any order; the model tells what must be."""

    looks: Bundle[Look] = Bundle("looks")

    def __init__(
        self, store: Store, loop: asyncio.AbstractEventLoop, statements: Statements | None
    ) -> None:
        super().__init__()
        self.loop = loop
        self.store = store
        self.machine = FakeMachine()
        self.clock = Clock(self.machine)
        self.work = Work(store, self.clock, SeededChance(5), lease=LEASE)
        self.work.sql = statements or self.work.sql
        self.offset = 0
        self.rows: dict[str, Row] = {}
        self.wished = dict.fromkeys(KEYS, 0)
        self.done = dict.fromkeys(KEYS, 0)
        self.holders: dict[str, int] = {}

    @initialize()
    def empty(self) -> None:
        """Begin with no row and business time equal to machine time."""

        async def clean() -> None:
            async with self.store.begin() as tx:
                await tx.execute(work.delete())
                await tx.execute(business_clock.update().values(offset=timedelta(0)))

        self.wait(clean())

    def wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run something on the machine's own loop."""
        return self.loop.run_until_complete(coroutine)

    def within(self, method, *arguments: Any) -> None:
        """Call a method of Work in a transaction of its own."""

        async def run() -> None:
            async with self.store.begin() as tx:
                await method(tx, *arguments)

        self.wait(run())

    @property
    def now(self) -> int:
        """Machine time in seconds."""
        return int((self.machine.now - START).total_seconds())

    @rule(keys=some_keys)
    def mark(self, keys: set[str]) -> None:
        """A fact changes: the key is wished anew."""
        self.within(self.work.mark, KIND, keys)
        for key in keys:
            self.wished[key] += 1
            business = self.now + self.offset
            row = self.rows.get(key)
            if row is None:
                self.rows[key] = Row(due=business, not_before=self.now)
                continue
            row.generation += 1
            row.due = min(row.due, business)
            row.not_before, row.attempts, row.parked = self.now, 0, False

    @rule(keys=some_keys, in_s=st.integers(min_value=-60, max_value=200))
    def schedule(self, keys: set[str], in_s: int) -> None:
        """Somebody wants a look at a business instant."""
        due = self.now + self.offset + in_s
        instant = START + timedelta(seconds=due)
        self.within(self.work.schedule, KIND, dict.fromkeys(keys, instant))
        for key in keys:
            row = self.rows.get(key)
            if row is None:
                self.rows[key] = Row(due=due, not_before=self.now)
            elif row.token:
                row.again = due if row.again is None else min(row.again, due)
            else:
                row.due = min(row.due, due)

    @rule(target=looks, rows_max=st.integers(min_value=1, max_value=3))
    def take(self, rows_max: int):
        """A worker comes by."""
        return self.claim(rows_max)

    def claim(self, rows_max: int):
        """Take what is due and look: the newest wish of each key is seen."""
        claims = self.wait(self.work.claim(KIND, rows_max=rows_max))
        ready = {key: row for key, row in self.rows.items() if self.is_ready(row)}
        keys = {claim.key for claim in claims}
        assert keys <= set(ready)
        assert len(claims) == min(rows_max, len(ready))
        left = [ready[key].due for key in set(ready) - keys]
        assert all(ready[key].due <= min(left, default=1 << 40) for key in keys)
        for claim in claims:
            assert claim.key not in self.holders, "two at work on one key"
            row = self.rows[claim.key]
            row.attempts += 1
            row.token, row.is_leased = claim.token, True
            self.holders[claim.key] = claim.token
            assert (claim.generation, claim.attempts) == (row.generation, row.attempts)
        return multiple(*(Look(claim=c, saw=self.wished[c.key]) for c in claims))

    def is_ready(self, row: Row) -> bool:
        """Tell whether a row may be claimed."""
        is_due = row.due <= self.now + self.offset and row.not_before <= self.now
        return is_due and not row.parked and not row.is_leased

    def free(self, look: Look) -> tuple[Row | None, bool]:
        """Return the row if it is still this claim's, set free, and whether it was not marked."""
        claim = look.claim
        if self.holders.get(claim.key) == claim.token:
            del self.holders[claim.key]
        row = self.rows.get(claim.key)
        if row is None or row.token != claim.token:
            return None, False
        row.token, row.is_leased = 0, False
        return row, row.generation == claim.generation

    @rule(look=consumes(looks), how=st.sampled_from(FINISHES), in_s=seconds)
    def finish(self, look: Look, how: str, in_s: int) -> None:
        """Whoever holds a claim, or held it once, finishes it in one of the ways there are."""
        getattr(self, how)(look, in_s)

    @rule(target=looks, look=consumes(looks), how=st.sampled_from(FINISHES), in_s=seconds)
    def haunt(self, look: Look, how: str, in_s: int):
        """A holder goes silent, another takes over, and then the first one finishes after all."""
        self.expire({look.claim.key})
        taken = self.claim(len(KEYS))
        self.finish(look, how, in_s)
        return taken

    def complete(self, look: Look, _in_s: int) -> None:
        """The holder, or a zombie, is done."""
        self.within(self.work.complete, [look.claim])
        row, is_unmarked = self.free(look)
        if row is None:
            return
        self.done[look.claim.key] = max(self.done[look.claim.key], look.saw)
        row.attempts = 0
        if is_unmarked and row.again is None:
            del self.rows[look.claim.key]
        elif is_unmarked and row.again is not None:
            row.due, row.again = row.again, None

    def complete_until(self, look: Look, in_s: int) -> None:
        """The holder is done and wants another look later."""
        due = self.now + self.offset + in_s
        later = START + timedelta(seconds=due)
        self.within(self.work.complete_until, [(look.claim, later)])
        row, is_unmarked = self.free(look)
        if row is None:
            return
        self.done[look.claim.key] = max(self.done[look.claim.key], look.saw)
        row.attempts = 0
        if is_unmarked:
            row.due = due if row.again is None else min(row.again, due)
            row.again = None

    def fail(self, look: Look, in_s: int) -> None:
        """The holder could not and wants to try later; every other failure does not count."""
        later, counts = self.machine.now + timedelta(seconds=in_s), in_s % 2 == 0
        failure = Failure(claim=look.claim, error="no", not_before=later, counts=counts)
        self.within(self.work.fail, [failure])
        row, is_unmarked = self.free(look)
        if row is None:
            return
        row.attempts = row.attempts if counts else max(row.attempts - 1, 0)
        if is_unmarked:
            row.not_before = self.now + in_s

    def park(self, look: Look, _in_s: int) -> None:
        """The holder gives up."""
        self.within(self.work.park, [Parking(claim=look.claim, error="never")])
        row, is_unmarked = self.free(look)
        if row is not None:
            row.parked = is_unmarked

    def give_back(self, look: Look, _in_s: int) -> None:
        """The holder stops before having looked."""
        self.within(self.work.give_back, [look.claim])
        row, _ = self.free(look)
        if row is not None:
            row.attempts = max(row.attempts - 1, 0)

    @rule(look=looks)
    def renew(self, look: Look) -> None:
        """The heartbeat of a holder, or of a zombie that nobody has replaced yet."""
        self.wait(self.work.renew([look.claim]))
        row = self.rows.get(look.claim.key)
        if row is not None and row.token == look.claim.token:
            row.is_leased = True
            self.holders[look.claim.key] = look.claim.token

    @rule(keys=some_keys)
    def fall_silent(self, keys: set[str]) -> None:
        """The holders crash, or hang for longer than their leases."""
        self.expire(keys)

    def expire(self, keys: set[str]) -> None:
        """End the leases; whoever still holds one is a zombie from now on."""

        async def end() -> None:
            async with self.store.begin() as tx:
                ended = work.update().where(work.c.key.in_(sorted(keys)))
                await tx.execute(ended.values(lease_until=0))

        self.wait(end())
        for key in keys:
            self.holders.pop(key, None)
            if key in self.rows:
                self.rows[key].is_leased = False

    @rule(keys=some_keys)
    def release(self, keys: set[str]) -> None:
        """A person lets parked rows be tried again."""

        async def run() -> int:
            async with self.store.begin() as tx:
                return await self.work.release(tx, KIND, sorted(keys))

        parked = [key for key in keys if key in self.rows and self.rows[key].parked]
        assert self.wait(run()) == len(parked)
        for key in parked:
            row = self.rows[key]
            row.parked, row.attempts, row.not_before = False, 0, self.now

    @rule(by_s=seconds)
    def pass_time(self, by_s: int) -> None:
        """Both clocks go on."""
        self.machine.forward(timedelta(seconds=by_s))

    @rule(by_s=seconds)
    def move_business_time(self, by_s: int) -> None:
        """Business time is moved; machine time is not."""
        self.within(self.clock.advance, timedelta(seconds=by_s))
        self.offset += by_s

    @invariant()
    def nothing_is_lost(self) -> None:
        """A key whose newest wish nobody has dealt with has its row; all are as the model says."""
        found = self.wait(self.stored())
        for key in KEYS:
            assert self.done[key] >= self.wished[key] or key in found, f"the mark of {key} is lost"
        assert set(found) == set(self.rows)
        for key, row in self.rows.items():
            kept = found[key]
            assert from_micros(kept.due_at) == START + timedelta(seconds=row.due)
            assert kept.not_before == to_micros(START) + row.not_before * 1_000_000
            assert (kept.parked_at is not None) == row.parked
            assert (kept.generation, kept.attempts) == (row.generation, row.attempts)
            assert kept.token == row.token

    async def stored(self) -> dict[str, Any]:
        """Return the rows of the table by key."""
        async with self.store.read() as tx:
            return {row.key: row for row in await tx.rows(work.select())}
