"""One portal process per test worker, put back to its start before every test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from runtime.store import Store
from tests.flows.gateway.world import World
from tests.simulators.process import RunningSimulator, start_simulator

PORTAL_STATE = Path(__file__).resolve().parents[2] / "facts" / "stalker-portal-state.json"


@pytest.fixture(scope="session")
def _portal_process() -> Iterator[RunningSimulator]:
    with start_simulator("ministra", "--state", PORTAL_STATE) as running:
        yield running


@pytest.fixture
def portal(_portal_process: RunningSimulator) -> RunningSimulator:
    """Return a portal without accounts."""
    _portal_process.admin("/reset", {})
    return _portal_process


@pytest.fixture
async def world(store: Store, portal: RunningSimulator) -> AsyncIterator[World]:
    """Return a gateway with that portal configured, once on each database."""
    made = World(store, portal)
    await made.configure()
    yield made
    await made.close()


@pytest.fixture
async def small_world(sqlite_store: Store, portal: RunningSimulator) -> AsyncIterator[World]:
    """Return a gateway on SQLite alone, where the database makes no difference."""
    made = World(sqlite_store, portal)
    await made.configure()
    yield made
    await made.close()
