"""Random schedules: no mark is ever lost and no key is ever in two hands."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from runtime.store import Store
from runtime.work.sql import SQLITE, Statements
from tests.unit.runtime.work_model import WorkMachine

EXAMPLES = {True: 100, False: 50}


def run_schedules(url: str, statements: Statements | None = None, **more: object) -> None:
    """Run random schedules against a store on a loop of their own."""
    loop = asyncio.new_event_loop()
    store = Store(url)
    options = {"max_examples": EXAMPLES[store.is_sqlite], "stateful_step_count": 40} | more
    try:
        run_state_machine_as_test(
            lambda: WorkMachine(store, loop, statements),
            settings=settings(deadline=None, suppress_health_check=list(HealthCheck), **options),
        )
    finally:
        loop.run_until_complete(store.close())
        loop.close()


@pytest.mark.timeout(240)
def test_no_schedule_loses_a_mark_or_doubles_a_holder(migrated_url):
    """Marks, claims, failures, crashes and zombies in any order end as the model says."""
    run_schedules(migrated_url)


def without(statements: Statements, name: str, cut: str, put: str = "") -> Statements:
    """Return the statements with a piece of one of them taken out or exchanged."""
    text = getattr(statements, name)
    assert cut in text
    return replace(statements, **{name: text.replace(cut, put)})


OURS = "work.kind = d.kind AND work.key = d.key AND work.token = d.token"
ANYBODYS = "work.kind = d.kind AND work.key = d.key"
BROKEN = {
    "complete without token": without(
        without(SQLITE, "complete", "(kind, key, generation, token)", "(kind, key, generation)"),
        *("complete", "d.generation, d.token FROM", "d.generation FROM"),
    ),
    "complete without generation": without(
        without(SQLITE, "complete", "(kind, key, generation, token)", "(kind, key, token)"),
        *("complete", "d.generation, d.token FROM", "d.token FROM"),
    ),
    "complete forgets what is scheduled": without(
        SQLITE, "complete", "again_at IS NULL AND", "true AND"
    ),
    "keep without token": without(SQLITE, "keep", OURS, ANYBODYS),
    "again without token": without(SQLITE, "again", OURS, ANYBODYS),
    "again without generation": without(SQLITE, "again", "work.generation = d.generation", "true"),
    "fail without token": without(SQLITE, "fail", OURS, ANYBODYS),
    "fail without generation": without(SQLITE, "fail", "work.generation = d.generation", "true"),
    "park without token": without(SQLITE, "park", OURS, ANYBODYS),
    "park without generation": without(SQLITE, "park", "work.generation = d.generation", "true"),
    "give back without token": without(SQLITE, "give_back", OURS, ANYBODYS),
    "renew without token": without(SQLITE, "renew", OURS, ANYBODYS),
    "claim without lease": without(SQLITE, "claim", "AND lease_until <= ?3"),
    "claim of parked rows": without(SQLITE, "claim", "AND parked_at IS NULL"),
    "claim before its time": without(SQLITE, "claim", "AND not_before <= ?3"),
    "claim without counting": without(SQLITE, "claim", ", attempts = attempts + 1"),
    "mark without generation": without(SQLITE, "mark", "work.generation + 1", "work.generation"),
    "mark waits for back-off": without(SQLITE, "mark", "not_before = excluded.not_before,"),
    "mark leaves parked": without(SQLITE, "mark", "parked_at = NULL,"),
    "schedule during a look": without(SQLITE, "schedule", "work.token = 0", "true"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_every_check_of_the_statements_is_needed(sqlite_url, name):
    """Take any check out of the statements and the schedules find it."""
    with pytest.raises(AssertionError):
        run_schedules(
            sqlite_url, BROKEN[name], max_examples=400, derandomize=True, phases=[Phase.generate]
        )
