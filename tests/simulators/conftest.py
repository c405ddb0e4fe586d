"""One simulator process of each kind per test worker, put back to its start before every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulators.acs import Acs
from tests.simulators.cpe import CpeClient
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


@pytest.fixture(scope="session")
def _acs() -> Iterator[Acs]:
    acs = Acs()
    yield acs
    acs.stop()


@pytest.fixture(scope="session")
def _cpe_process(_acs: Acs) -> Iterator[RunningSimulator]:
    options = [*("--count", "2", "--boot-s", "0.1", "--request-gap-s", "30")]
    options += ["--retry-m-s", "0.02", "--retry-k", "1.2"]
    with start_simulator("cwmp", "--acs", _acs.url, *options) as running:
        yield running


@pytest.fixture
def acs(_acs: Acs) -> Iterator[Acs]:
    """Return an ACS without sessions; at the end nobody may have hurt the standard."""
    _acs.start_anew()
    yield _acs
    assert not [one for one in _acs.complaints if one not in _acs.tolerates]


@pytest.fixture
def cpe(acs: Acs, _cpe_process: RunningSimulator) -> CpeClient:
    """Return the first of two boxes that have told the ACS that they exist."""
    _cpe_process.admin("/reset", {})
    # Until now nobody was let in, so what follows is said by the boxes as they are from here on.
    acs.passwords = {box["acs_username"]: box["acs_password"] for box in _cpe_process.told["boxes"]}
    found = [acs.session(), acs.session()]
    assert {tuple(one.codes) for one in found} == {("0 BOOTSTRAP", "1 BOOT")}
    last = _cpe_process.admin("/journal?limit=0")["last"]
    return CpeClient(running=_cpe_process, number=0, since=last)
