"""One portal and one provider process per test worker, put back to their start for every test."""

from collections.abc import Iterator

import pytest

from tests.flows.app.operator import write_portal, write_provider
from tests.simulators.process import RunningSimulator, start_simulator

CUSTOMERS_COUNT = 90


@pytest.fixture(scope="session")
def running_portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    """Return a portal that tests of this worker share; whoever uses it resets it."""
    state = write_portal(tmp_path_factory.mktemp("portal") / "state.json")
    with start_simulator("ministra", "--state", state) as running:
        yield running


@pytest.fixture(scope="session")
def running_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    """Return a provider that tests of this worker share; whoever uses it resets it."""
    state = write_provider(tmp_path_factory.mktemp("provider") / "state.json", CUSTOMERS_COUNT)
    with start_simulator("stripe", "--state", state) as running:
        yield running


@pytest.fixture
def portal(running_portal: RunningSimulator) -> RunningSimulator:
    """Return a portal without accounts."""
    running_portal.admin("/reset", {})
    return running_portal


@pytest.fixture
def provider(running_provider: RunningSimulator) -> RunningSimulator:
    """Return a provider where nobody has paid yet."""
    running_provider.admin("/reset", {})
    return running_provider
