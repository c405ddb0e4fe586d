"""One fleet process per test worker, put back to its start before every test."""

import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from runtime.store import Store
from tests.flows.acs.world import BOXES, HOST, AcsWorld, free_port
from tests.simulators.process import RunningSimulator, start_simulator

COUNT = 12


@pytest.fixture(scope="session")
def _fleet_process() -> Iterator[tuple[RunningSimulator, int]]:
    port = free_port()
    state = {
        "count": COUNT,
        "acs": f"http://{HOST}:{port}/{BOXES}",
        "request_gap_s": 0.0001,
        "retry_m_s": 0.05,
        "retry_k": 1.2,
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(state, file)
        file.flush()
        running = start_simulator("fleet", "--state", file.name)
    with running:
        yield running, port


@pytest.fixture
def fleet(_fleet_process: tuple[RunningSimulator, int]) -> RunningSimulator:
    """Return boxes as they left the factory."""
    running, _ = _fleet_process
    running.admin("/faults", {"clear": True})
    running.admin("/reset", {})
    return running


@pytest.fixture
async def world(
    store: Store,
    fleet: RunningSimulator,
    _fleet_process: tuple[RunningSimulator, int],
    tmp_path: Path,
) -> AsyncIterator[AcsWorld]:
    """Return a gateway with the target of boxes, once on each database."""
    made = AcsWorld(store, fleet, tmp_path, port=_fleet_process[1])
    await made.configure()
    yield made
    await made.close()


@pytest.fixture
async def small_world(
    sqlite_store: Store,
    fleet: RunningSimulator,
    _fleet_process: tuple[RunningSimulator, int],
    tmp_path: Path,
) -> AsyncIterator[AcsWorld]:
    """Return that gateway on SQLite alone, where the database makes no difference."""
    made = AcsWorld(sqlite_store, fleet, tmp_path, port=_fleet_process[1])
    await made.configure()
    yield made
    await made.close()
