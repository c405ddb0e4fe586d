"""An office with a published catalogue, on both engines."""

from collections.abc import AsyncIterator, Iterator

import pytest

from runtime.store import Store
from tests.fixtures.billing import Office, make_office
from tests.fixtures.till import Till, open_till
from tests.simulators.process import RunningSimulator, start_simulator


@pytest.fixture
async def office(store: Store, machine) -> Office:
    """Return an office over a migrated database, once on each engine."""
    made = make_office(store, machine)
    await made.publish()
    return made


@pytest.fixture
async def small_office(sqlite_store: Store, machine) -> Office:
    """Return an office over SQLite alone, for stories that are the same everywhere."""
    made = make_office(sqlite_store, machine)
    await made.publish()
    return made


@pytest.fixture(scope="session")
def provider_process() -> Iterator[RunningSimulator]:
    """Return a payment provider simulator, a process of its own for the whole run."""
    with start_simulator("stripe") as running:
        yield running


@pytest.fixture
def simulator(provider_process: RunningSimulator) -> RunningSimulator:
    """Return the payment provider simulator with nothing in it."""
    provider_process.admin("/reset", {})
    return provider_process


@pytest.fixture
async def till(office: Office, simulator: RunningSimulator) -> AsyncIterator[Till]:
    """Return an office that collects through the simulator, once on each engine."""
    async with open_till(office, simulator) as made:
        yield made


@pytest.fixture
async def small_till(small_office: Office, simulator: RunningSimulator) -> AsyncIterator[Till]:
    """Return an office over SQLite that collects through the simulator."""
    async with open_till(small_office, simulator) as made:
        yield made


@pytest.fixture
async def hasty_till(small_office: Office, simulator: RunningSimulator) -> AsyncIterator[Till]:
    """Return the same one, which does not wait long for an answer."""
    async with open_till(small_office, simulator, deadline_s=1.0) as made:
        yield made
