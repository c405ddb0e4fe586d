"""Which shape the database has, told without the library that changes it."""

from __future__ import annotations

import pytest

from app import shape
from app.migrations import LOCATION
from app.settings import Settings
from app.wiring import build, closing
from runtime.store import migrate
from terms.errors import DomainError


def test_the_newest_file_is_the_head_of_the_stream():
    """The number in the newest file's name is the head the migrations themselves know."""
    assert shape.newest() == migrate.head(LOCATION)


async def test_an_empty_database_is_brought_up_once(database_url, tmp_path):
    """From nothing to the newest shape and the first token; the second time nothing is done."""
    settings = Settings(data_dir=tmp_path, database_url=database_url)
    assert await shape.bring_up(settings) == ("", shape.newest())
    token = (tmp_path / "api-token").read_text()
    assert await shape.bring_up(settings) == (shape.newest(), shape.newest())
    assert (tmp_path / "api-token").read_text() == token


async def test_a_shared_database_is_not_changed_by_the_way(fresh_postgres, tmp_path):
    """A process that finds PostgreSQL in another shape says what to run and leaves it alone."""
    settings = Settings(data_dir=tmp_path, database_url=fresh_postgres)
    with pytest.raises(DomainError, match="boxoffice migrate"):
        async with shape.open_house(settings):
            pass
    async with closing(build(settings)) as house:
        assert await shape.current(house) == ""
    await shape.bring_up(settings)
    async with shape.open_house(settings) as house:
        assert await shape.current(house) == shape.newest()
