"""An inventory, once on each database, or on SQLite where the database makes no difference."""

import pytest

from runtime.store import Store
from tests.fixtures.clock import FakeMachine
from tests.flows.inventory.shelf import Shelf


@pytest.fixture
def shelf(store: Store, machine: FakeMachine) -> Shelf:
    """Return an empty inventory."""
    return Shelf(store, machine)


@pytest.fixture
def rack(sqlite_store: Store, machine: FakeMachine) -> Shelf:
    """Return an empty inventory on SQLite alone."""
    return Shelf(sqlite_store, machine)
