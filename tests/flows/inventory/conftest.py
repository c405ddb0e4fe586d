"""An inventory, once on each database."""

import pytest

from runtime.store import Store
from tests.fixtures.clock import FakeMachine
from tests.flows.inventory.shelf import Shelf


@pytest.fixture
def shelf(store: Store, machine: FakeMachine) -> Shelf:
    """Return an empty inventory."""
    return Shelf(store, machine)
