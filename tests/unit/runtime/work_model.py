"""The dirty rows rehearsed beside a model of them in plain Python, which says what must be."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from runtime.chance import SeededChance
from runtime.clock import Clock, business_clock
from runtime.store import Store, from_micros
from runtime.work import Claim, Failure, Parking, Work, work
from runtime.work.sql import Statements
from tests.fixtures.clock import START, FakeMachine

KIND = "settle"
KEYS = ("a", "b", "c")
FINISHES = ("complete", "complete_until", "fail", "fail_uncounted", "park", "give_back")
# Longer than all the seconds a rehearsal lets pass: leases end by `expire` alone.
LEASE = timedelta(days=30)


@dataclass(kw_only=True)
class Row:
    """What the model knows of one row; instants in seconds since the start, on their clocks."""

    due: int
    not_before: int
    is_scheduled: bool
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


class Stored(NamedTuple):
    """What the table says of one row."""

    key: str
    is_scheduled: int
    due_at: int
    not_before: int
    parked_at: int | None
    generation: int
    attempts: int
    token: int
    lease_until: int


STORED = f"SELECT {', '.join(Stored._fields)} FROM work"


class Rehearsal:
    """Each step is done in the database and in the model; `check` compares them."""

    def __init__(
        self, store: Store, loop: asyncio.AbstractEventLoop, statements: Statements | None = None
    ) -> None:
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
        self.wait(self._empty())

    async def _empty(self) -> None:
        async with self.store.begin() as tx:
            await tx.execute(work.delete())
            await tx.execute(business_clock.update().values(offset=timedelta(0)))

    def wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run something on the rehearsal's own loop."""
        return self.loop.run_until_complete(coroutine)

    def within(self, method, *arguments: Any) -> Any:
        """Call a method of Work in a transaction of its own."""

        async def run() -> Any:
            async with self.store.begin() as tx:
                return await method(tx, *arguments)

        return self.wait(run())

    @property
    def now(self) -> int:
        """Machine time in seconds."""
        return int((self.machine.now - START).total_seconds())

    def mark(self, *keys: str) -> None:
        """A fact changes: the keys are wished anew."""
        self.within(self.work.mark, KIND, keys)
        for key in keys:
            self.wished[key] += 1
            business = self.now + self.offset
            row = self.rows.get(key)
            if row is None:
                self.rows[key] = Row(due=business, not_before=self.now, is_scheduled=False)
                continue
            row.generation += 1
            row.is_scheduled = False
            row.due = min(row.due, business)
            row.not_before, row.attempts, row.parked = self.now, 0, False

    def schedule(self, in_s: int, *keys: str) -> None:
        """Somebody wants a look at a business instant."""
        due = self.now + self.offset + in_s
        instant = START + timedelta(seconds=due)
        self.within(self.work.schedule, KIND, dict.fromkeys(keys, instant))
        for key in keys:
            row = self.rows.get(key)
            if row is None:
                self.rows[key] = Row(due=due, not_before=self.now, is_scheduled=True)
            elif row.token:
                row.again = due if row.again is None else min(row.again, due)
            else:
                row.due = min(row.due, due)

    def claim(self, rows_max: int = len(KEYS)) -> list[Look]:
        """A worker takes what is due and looks: it sees the newest wish of each key."""
        claims = self.wait(self.work.claim(KIND, rows_max=rows_max))
        self._check_choice({claim.key for claim in claims}, rows_max)
        for claim in claims:
            assert claim.key not in self.holders, "two at work on one key"
            row = self.rows[claim.key]
            row.attempts += 1
            row.token, row.is_leased = claim.token, True
            self.holders[claim.key] = claim.token
            assert (claim.generation, claim.attempts) == (row.generation, row.attempts)
        return [Look(claim=claim, saw=self.wished[claim.key]) for claim in claims]

    def _check_choice(self, keys: set[str], rows_max: int) -> None:
        """What was marked goes first, then what is scheduled; of each the longest due."""
        ready = {key: row for key, row in self.rows.items() if self.is_ready(row)}
        assert keys <= set(ready), "claimed before its time"
        room = rows_max
        for is_scheduled in (False, True):
            dues = {key: row.due for key, row in ready.items() if row.is_scheduled == is_scheduled}
            chosen = keys & set(dues)
            assert len(chosen) == min(room, len(dues)), "more or less than was to be taken"
            left = [dues[key] for key in set(dues) - keys]
            assert all(dues[key] <= min(left, default=1 << 40) for key in chosen)
            room -= len(chosen)

    def is_ready(self, row: Row) -> bool:
        """Tell whether a row may be claimed."""
        is_due = row.due <= self.now + self.offset and row.not_before <= self.now
        return is_due and not row.parked and not row.is_leased

    def finish(self, look: Look, how: str, in_s: int = 60) -> None:
        """Whoever holds a claim, or held it once, finishes it in one of the ways there are."""
        getattr(self, f"_{how}")(look, in_s)

    def _free(self, look: Look) -> tuple[Row | None, bool]:
        """Return the row if it is still this claim's, set free, and whether it was not marked."""
        claim = look.claim
        if self.holders.get(claim.key) == claim.token:
            del self.holders[claim.key]
        row = self.rows.get(claim.key)
        if row is None or row.token != claim.token:
            return None, False
        row.token, row.is_leased = 0, False
        return row, row.generation == claim.generation

    def _complete(self, look: Look, _in_s: int) -> None:
        self.within(self.work.complete, [look.claim])
        row, is_unmarked = self._free(look)
        if row is None:
            return
        self.done[look.claim.key] = max(self.done[look.claim.key], look.saw)
        row.attempts = 0
        if is_unmarked and row.again is None:
            del self.rows[look.claim.key]
        elif is_unmarked and row.again is not None:
            row.due, row.again, row.is_scheduled = row.again, None, True

    def _complete_until(self, look: Look, in_s: int) -> None:
        due = self.now + self.offset + in_s
        later = START + timedelta(seconds=due)
        self.within(self.work.complete_until, [(look.claim, later)])
        row, is_unmarked = self._free(look)
        if row is None:
            return
        self.done[look.claim.key] = max(self.done[look.claim.key], look.saw)
        row.attempts = 0
        if is_unmarked:
            row.due = due if row.again is None else min(row.again, due)
            row.again, row.is_scheduled = None, True

    def _fail(self, look: Look, in_s: int) -> None:
        self._set_back(look, in_s, counts=True)

    def _fail_uncounted(self, look: Look, in_s: int) -> None:
        self._set_back(look, in_s, counts=False)

    def _set_back(self, look: Look, in_s: int, *, counts) -> None:
        later = self.machine.now + timedelta(seconds=in_s)
        failure = Failure(claim=look.claim, error="no", not_before=later, counts=counts)
        self.within(self.work.fail, [failure])
        row, is_unmarked = self._free(look)
        if row is None:
            return
        row.attempts = row.attempts if counts else max(row.attempts - 1, 0)
        if is_unmarked:
            row.not_before = self.now + in_s

    def _park(self, look: Look, _in_s: int) -> None:
        self.within(self.work.park, [Parking(claim=look.claim, error="never")])
        row, is_unmarked = self._free(look)
        if row is not None:
            row.parked = is_unmarked

    def _give_back(self, look: Look, _in_s: int) -> None:
        self.within(self.work.give_back, [look.claim])
        row, _ = self._free(look)
        if row is not None:
            row.attempts = max(row.attempts - 1, 0)

    def renew(self, look: Look) -> None:
        """A heartbeat; a zombie that nobody has replaced yet is a holder again."""
        self.wait(self.work.renew([look.claim]))
        row = self.rows.get(look.claim.key)
        if row is not None and row.token == look.claim.token:
            row.is_leased = True
            self.holders[look.claim.key] = look.claim.token

    def expire(self, *keys: str) -> None:
        """The holders are silent for longer than their leases; from now on they are zombies."""

        async def end() -> None:
            async with self.store.begin() as tx:
                ended = work.update().where(work.c.key.in_(keys))
                await tx.execute(ended.values(lease_until=0))

        self.wait(end())
        for key in keys:
            self.holders.pop(key, None)
            if key in self.rows:
                self.rows[key].is_leased = False

    def release(self, *keys: str) -> None:
        """A person lets parked rows be tried again."""
        parked = [key for key in keys if key in self.rows and self.rows[key].parked]
        assert self.within(self.work.release, KIND, keys) == len(parked)
        for key in parked:
            row = self.rows[key]
            row.parked, row.attempts, row.not_before = False, 0, self.now
            row.is_scheduled = False

    def pass_time(self, by_s: int) -> None:
        """Both clocks go on."""
        self.machine.forward(timedelta(seconds=by_s))

    def move_business_time(self, by_s: int) -> None:
        """Business time is moved; machine time is not."""
        self.within(self.clock.advance, timedelta(seconds=by_s))
        self.offset += by_s

    def check(self) -> None:
        """Compare: a key whose newest wish nobody has dealt with has its row, as in the model."""
        found = self.wait(self._stored())
        for key in KEYS:
            assert self.done[key] >= self.wished[key] or key in found, f"the mark of {key} is lost"
        assert set(found) == set(self.rows)
        for key, row in self.rows.items():
            kept = found[key]
            assert from_micros(kept.due_at) == START + timedelta(seconds=row.due)
            assert from_micros(kept.not_before) == START + timedelta(seconds=row.not_before)
            assert (kept.parked_at is not None) == row.parked
            assert bool(kept.is_scheduled) == row.is_scheduled
            assert (kept.generation, kept.attempts) == (row.generation, row.attempts)
            assert kept.token == row.token
            assert (kept.lease_until > 0) == row.is_leased

    async def _stored(self) -> dict[str, Stored]:
        async with self.store.read() as tx:
            return {row[0]: Stored(*row) for row in await tx.fetch(STORED)}
