"""One simulator process of each kind per test worker, put back to its start before every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulators.http import PortalClient, ProviderClient
from tests.simulators.process import RunningSimulator, start_simulator

FACTS = Path(__file__).resolve().parents[1] / "facts"
PORTAL_STATE = FACTS / "stalker-portal-state.json"


@pytest.fixture(scope="session")
def _portal_process() -> Iterator[RunningSimulator]:
    with start_simulator("ministra", "--state", PORTAL_STATE) as running:
        yield running


@pytest.fixture(scope="session")
def _provider_process() -> Iterator[RunningSimulator]:
    with start_simulator("stripe") as running:
        yield running


@pytest.fixture
def portal(_portal_process: RunningSimulator) -> RunningSimulator:
    """Return a portal in the state of the recordings."""
    _portal_process.admin("/reset", {})
    return _portal_process


@pytest.fixture
def client(portal: RunningSimulator) -> PortalClient:
    """Return a client of that portal, on the older path without its writing bug."""
    return PortalClient(url=portal.url, version="")


@pytest.fixture
def provider(_provider_process: RunningSimulator) -> RunningSimulator:
    """Return a payment provider without customers."""
    _provider_process.admin("/reset", {})
    return _provider_process


@pytest.fixture
def shop(provider: RunningSimulator) -> ProviderClient:
    """Return a client of that provider."""
    return ProviderClient(url=provider.url)
