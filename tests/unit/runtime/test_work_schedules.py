"""Schedules of marks, claims, crashes and zombies: no mark is lost, no key is in two hands."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from runtime.store import Store
from runtime.work.sql import SQLITE, Statements
from tests.unit.runtime.work_model import FINISHES, KEYS, Look, Rehearsal

EXAMPLES = {True: 60, False: 30}
some_keys = st.sets(st.sampled_from(KEYS), min_size=1)
seconds = st.integers(min_value=1, max_value=120)
few = st.integers(min_value=1, max_value=3)
ways = st.sampled_from(FINISHES)


class AnySchedule(RuleBasedStateMachine):
    """Every step in any order; some rules are short stories that would be rare by chance."""

    looks: Bundle[Look] = Bundle("looks")

    def __init__(self, rehearsal: Rehearsal) -> None:
        super().__init__()
        self.do = rehearsal

    @rule(keys=some_keys)
    def mark(self, keys) -> None:
        """A fact changes."""
        self.do.mark(*sorted(keys))

    @rule(keys=some_keys, in_s=st.integers(min_value=-60, max_value=200))
    def schedule(self, keys, in_s) -> None:
        """Somebody wants a look at a business instant."""
        self.do.schedule(in_s, *sorted(keys))

    @rule(target=looks, rows_max=few)
    def claim(self, rows_max):
        """A worker comes by."""
        return multiple(*self.do.claim(rows_max))

    @rule(look=consumes(looks), how=ways, in_s=seconds)
    def finish(self, look, how, in_s) -> None:
        """A holder or a zombie finishes."""
        self.do.finish(look, how, in_s)

    @rule(target=looks, look=consumes(looks), how=ways, in_s=seconds)
    def haunt(self, look, how, in_s):
        """A holder goes silent, another takes over, and then the first one finishes after all."""
        self.do.expire(look.claim.key)
        taken = self.do.claim()
        self.do.finish(look, how, in_s)
        return multiple(*taken)

    @rule(look=consumes(looks), how=ways, in_s=seconds)
    def overtake(self, look, how, in_s) -> None:
        """A key is marked just before its holder finishes."""
        self.do.mark(look.claim.key)
        self.do.finish(look, how, in_s)

    @rule(look=looks)
    def beat(self, look) -> None:
        """A heartbeat comes in time, or far too late."""
        self.do.renew(look)

    @rule(keys=some_keys)
    def fall_silent(self, keys) -> None:
        """The holders crash, or hang for longer than their leases."""
        self.do.expire(*sorted(keys))

    @rule(keys=some_keys)
    def release(self, keys) -> None:
        """A person lets parked rows be tried again."""
        self.do.release(*sorted(keys))

    @rule(by_s=seconds)
    def pass_time(self, by_s) -> None:
        """Both clocks go on."""
        self.do.pass_time(by_s)

    @rule(by_s=seconds)
    def move_business_time(self, by_s) -> None:
        """Business time is moved."""
        self.do.move_business_time(by_s)

    @invariant()
    def is_as_the_model_says(self) -> None:
        """Nothing is lost and nothing is doubled."""
        self.do.check()


@contextmanager
def rehearsals(url: str, statements: Statements | None = None) -> Iterator[Callable[[], Rehearsal]]:
    """Open a store on a loop of its own; each call begins a rehearsal with an empty table."""
    loop = asyncio.new_event_loop()
    store = Store(url)
    try:
        yield lambda: Rehearsal(store, loop, statements)
    finally:
        loop.run_until_complete(store.close())
        loop.close()


@pytest.mark.timeout(300)
def test_no_schedule_loses_a_mark_or_doubles_a_holder(migrated_url):
    """Marks, claims, failures, crashes and zombies in any order end as the model says."""
    with rehearsals(migrated_url) as begin:
        run_state_machine_as_test(
            lambda: AnySchedule(begin()),  # type: ignore[arg-type] # a factory will do
            settings=settings(
                max_examples=EXAMPLES[migrated_url.startswith("sqlite")],
                stateful_step_count=30,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )


def late(do: Rehearsal, how: str) -> Iterator[None]:
    """A holder finishes after another has taken over."""
    do.mark("a")
    first = do.claim()[0]
    do.expire("a")
    yield
    second = do.claim()[0]
    do.finish(first, how)
    yield
    do.finish(second, "complete")
    yield


def marked(do: Rehearsal, how: str) -> Iterator[None]:
    """A key is marked while somebody looks."""
    do.mark("a")
    look = do.claim()[0]
    do.mark("a")
    yield
    do.finish(look, how)
    yield
    do.claim()
    yield


def plain(do: Rehearsal, how: str) -> Iterator[None]:
    """Looked at, finished, looked at again when it is time, or marked before that."""
    do.mark("a", "b")
    looks = do.claim()
    do.claim()
    for look in looks:
        do.finish(look, how)
        yield
    do.claim()
    do.mark("a")
    yield
    do.claim()
    do.pass_time(60)
    yield
    do.claim()
    yield


def scheduled(do: Rehearsal, how: str) -> Iterator[None]:
    """Scheduled before, during and after a look."""
    do.schedule(30, "a", "b")
    do.claim()
    do.mark("a")
    yield
    look = do.claim()[0]
    do.schedule(40, "a")
    yield
    do.schedule(20, "a")
    yield
    do.finish(look, how)
    yield
    do.claim()
    do.move_business_time(20)
    yield
    do.claim()
    yield


def both(do: Rehearsal, how: str) -> Iterator[None]:
    """Scheduled and then marked during one look: due at once, and the schedule is kept."""
    do.mark("a")
    look = do.claim()[0]
    do.schedule(40, "a")
    do.mark("a")
    yield
    do.finish(look, how)
    yield
    for again in do.claim():
        do.finish(again, "complete")
        yield
    do.move_business_time(40)
    yield
    do.claim()
    yield


def echo(do: Rehearsal, how: str) -> Iterator[None]:
    """A holder goes silent, so does its successor, and then the first one is heard again."""
    do.mark("a")
    first = do.claim()[0]
    do.expire("a")
    do.claim()
    yield
    do.expire("a")
    do.renew(first)
    yield
    look = do.claim()[0]
    do.renew(look)
    yield
    do.finish(look, how)
    yield


def hurried(do: Rehearsal, how: str) -> Iterator[None]:
    """Two keys have waited for their time when another is marked, and one of them after all."""
    do.schedule(-60, "a", "b")
    do.mark("c")
    yield
    for look in do.claim(1):
        do.finish(look, how)
        yield
    do.mark("b")
    yield
    do.claim(1)
    do.claim(2)
    yield


def crowded(do: Rehearsal, _how: str) -> Iterator[None]:
    """Of what is scheduled no more is taken than asked for, the longest due first."""
    do.schedule(-60, "c")
    do.schedule(-30, "a", "b")
    do.claim(1)
    yield
    do.mark("a")
    do.claim(1)
    yield


STORIES = (late, marked, plain, scheduled, both, echo, hurried, crowded)


def run_stories(begin: Callable[[], Rehearsal]) -> None:
    """Run every story with every end; the model is compared at each of its points."""
    for story in STORIES:
        for how in FINISHES:
            do = begin()
            for _ in story(do, how):
                do.check()


def test_the_stories_end_as_the_model_says(migrated_url):
    """The short stories hold on both engines."""
    with rehearsals(migrated_url) as begin:
        run_stories(begin)


def without(name: str, *cuts: tuple[str, str]) -> Statements:
    """Return the statements with pieces of one of them exchanged."""
    text = getattr(SQLITE, name)
    for cut, put in cuts:
        assert cut in text
        text = text.replace(cut, put)
    return replace(SQLITE, **{name: text})


NO_TOKEN = (" AND work.token = d.token", "")
NO_GENERATION = ("work.generation = d.generation", "true")
BROKEN = {
    "complete without token": without(
        "complete",
        NO_TOKEN,
    ),
    "complete without generation": without(
        "complete",
        NO_GENERATION,
    ),
    "complete forgets what is scheduled": without("complete", ("AND work.again_at IS NULL", "")),
    "keep without token": without("keep", NO_TOKEN),
    "keep without generation": without("keep", NO_GENERATION),
    "again without token": without("again", NO_TOKEN),
    "again without generation": without("again", NO_GENERATION),
    "again forgets what is scheduled": without(
        "again", ("MIN(COALESCE(work.again_at, d.due_at), d.due_at)", "d.due_at")
    ),
    "fail without token": without("fail", NO_TOKEN),
    "fail without generation": without("fail", NO_GENERATION),
    "park without token": without("park", NO_TOKEN),
    "park without generation": without("park", NO_GENERATION),
    "give back without token": without("give_back", NO_TOKEN),
    "renew without token": without("renew", NO_TOKEN),
    "claim without lease": without("claim", ("AND lease_until <= ?3", "")),
    "claim of parked rows": without("claim", ("AND parked_at IS NULL", "")),
    "claim before its time": without("claim", ("AND not_before <= ?3", "")),
    "claim without a fresh token": without("claim", ("token = ?5", "token = 1")),
    "claim without counting": without("claim", (", attempts = attempts + 1", "")),
    "mark without generation": without("mark", ("work.generation + 1", "work.generation")),
    "mark waits for back-off": without("mark", ("not_before = excluded.not_before,", "")),
    "mark leaves parked": without("mark", ("parked_at = NULL,", "")),
    "mark waits for its time": without("mark", ("due_at = MIN(work.due_at, excluded.due_at),", "")),
    "mark stays scheduled": without("mark", (" is_scheduled = 0,", "")),
    "schedule counts as a mark": without("schedule", ("?2, 1, d.due_at", "?2, 0, d.due_at")),
    "keep counts as a mark": without("keep", ("THEN 1 ELSE work.is_scheduled", "THEN 0 ELSE 0")),
    "keep forgets the mark": without("keep", ("ELSE work.is_scheduled END", "ELSE 1 END")),
    "again counts as a mark": without("again", ("THEN 1 ELSE work.is_scheduled", "THEN 0 ELSE 0")),
    "again forgets the mark": without("again", ("ELSE work.is_scheduled END", "ELSE 1 END")),
    "claim by time alone": without("claim", ("ORDER BY is_scheduled, due_at", "ORDER BY due_at")),
    "claim of too many": without("claim", ("LIMIT MAX(?6, ?7)))", "LIMIT MAX(?6, ?7) + 9))")),
    "schedule during a look": without("schedule", ("work.token = 0", "true")),
    "schedule takes the later": without("schedule", ("MIN(COALESCE", "MAX(COALESCE")),
}


@pytest.mark.parametrize("name", BROKEN)
def test_every_check_of_the_statements_is_needed(sqlite_url, name):
    """Take any check out of the statements and a story goes wrong."""
    with (
        rehearsals(sqlite_url, BROKEN[name]) as begin,
        pytest.raises(AssertionError),
    ):
        run_stories(begin)
