"""An office with a published catalogue, on both engines."""

import pytest

from runtime.store import Store
from tests.fixtures.billing import Office, make_office


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
