"""The technician's day: an operator with technicians, whose pages answer over real HTTP."""

from __future__ import annotations

import pytest

from tests.flows.app.served import serving
from tests.flows.app.shop import Shop, opened, settings_for
from tests.flows.app.simulated import portal, provider, running_portal, running_provider
from tests.flows.app.vans import Vans
from tests.flows.field.phones import as_
from tests.simulators.process import start_simulator

__all__ = ["portal", "provider", "running_portal", "running_provider"]


@pytest.fixture(scope="session")
def running_rack():
    """A rack of boxes that tests of this worker share; whoever uses it resets it."""
    options = ("--count", "4", "--boot-s", "0.05", "--seed", "vans")
    with start_simulator("ssh", *options) as rack:
        yield rack


@pytest.fixture
async def vans(url_of, tmp_path, portal, provider, running_rack):
    """An operator whose duties run not yet; household 1 is signed up and has paid nothing."""
    async with opened(settings_for(tmp_path / "data", url_of)) as house:
        found = Vans(Shop(house, portal, provider), running_rack)
        await found.shop.begin(tmp_path / "operator")
        await found.begin()
        await found.shop.sign_up(1)
        yield found


@pytest.fixture
async def served(vans):
    """Its pages."""
    async with serving(vans.house) as one:
        yield one


@pytest.fixture
async def tom(served):
    """The technician Tom, signed in."""
    return await as_(served, "tom")
