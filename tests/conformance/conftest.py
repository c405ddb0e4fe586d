"""A rack of boxes for a file of quirks, which names its `HARNESS`."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from gateway.adapters.conformance import Trial, trial
from tests.conformance.boxes import BoxHarness


@pytest.fixture(scope="module")
def shared(request: pytest.FixtureRequest) -> Iterator[BoxHarness]:
    """Start one rack for all tests of a file."""
    harness: BoxHarness = request.module.HARNESS()
    harness.start()
    yield harness
    harness.stop()


@pytest_asyncio.fixture
async def box(shared: BoxHarness) -> AsyncIterator[Trial]:
    """Open the adapter at the rack; what papers say is as before afterwards."""
    papers = dict(shared.papers.known)
    async with trial(shared) as t:
        yield t
    shared.papers.known = papers
