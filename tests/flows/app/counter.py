"""The demonstration's operator behind its web server, once on each engine; no duty runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.imports.load import import_paths
from app.settings import Settings
from app.shape import bring_up, open_house
from tests.flows.app.served import ENVIRONMENT, HARBOUR, HARBOUR_BEGINS, Served, go_to, serving


@pytest.fixture
async def counter(migrated_url: str, tmp_path: Path) -> AsyncIterator[Served]:
    """Return the operator's counter: its API, and the house behind it."""
    settings = Settings(
        data_dir=tmp_path,
        database_url=migrated_url,
        allow_time_travel=True,
        api_calls_per_s=100_000,
    )
    await bring_up(settings)
    async with open_house(settings) as house:
        await go_to(house, HARBOUR_BEGINS)
        assert (await import_paths(house, [HARBOUR], ENVIRONMENT)).taken
        async with serving(house) as served:
            yield served
