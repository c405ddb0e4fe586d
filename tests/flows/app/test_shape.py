"""Which shape the database has, told without the library that changes it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys

import pytest

from app import shape
from app.identity import tokens
from app.migrations import LOCATION
from app.settings import Settings
from app.wiring import build, closing
from runtime.store import Store, migrate
from terms.errors import DomainError
from tests.flows.app.process import command


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


async def test_two_that_begin_at_once_make_it_once(tmp_path):
    """Of two processes that find an empty file one makes everything, and the other finds it."""
    settings = Settings(data_dir=tmp_path)
    async with closing(build(settings)) as one, closing(build(settings)) as other:
        await asyncio.gather(shape.make_sure(one), shape.make_sure(other))
        assert await shape.current(one) == await shape.current(other) == shape.newest()


@pytest.mark.parametrize("older", ["", "0060"])
async def test_of_several_that_migrate_at_once_one_says_so(database_url, tmp_path, older):
    """The others, processes of their own, find that there is nothing to do; one token is made."""
    if older:
        await migrate.upgrade(database_url, LOCATION, to=older)
    place = {"database_url": database_url, "data_dir": str(tmp_path)}
    said = await asyncio.gather(*(command("migrate", "--json", settings=place) for _ in range(4)))
    assert [code for code, _, _ in said] == [0] * 4, said
    told = sorted(json.loads(output)["before"] for _, output, _ in said)
    assert told == [older, *[shape.newest()] * 3]
    store = Store(database_url)
    async with store.read() as tx:
        assert [one.name for one in await tokens.listing(tx)] == [tokens.FIRST]
    await store.close()


@pytest.mark.parametrize("mask", [0o022, 0o002, 0o077])
async def test_a_new_database_is_its_owners_alone(tmp_path, mask):
    """Whatever the mask; its log too. One that is there keeps the mode that somebody gave it."""
    before = os.umask(mask)
    try:
        settings = Settings(data_dir=tmp_path)
        async with shape.open_house(settings) as house:
            async with house.store.begin() as tx:
                await tx.driver("UPDATE api_token SET last_used_at = 1")
            modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("*.db*")}
        assert modes == dict.fromkeys(
            ("boxoffice.db", "boxoffice.db-shm", "boxoffice.db-wal"), 0o600
        )
        file = tmp_path / "boxoffice.db"
        file.chmod(0o640)
        async with shape.open_house(settings) as house:
            assert file.stat().st_mode & 0o777 == 0o640
            assert (tmp_path / "boxoffice.db-wal").stat().st_mode & 0o777 == 0o640
    finally:
        os.umask(before)


def test_a_new_database_is_made_without_the_library_that_migrates(tmp_path):
    """Who begins with an empty folder keeps no history of the shape in memory."""
    script = (
        "import asyncio, sys\n"
        "from app.settings import Settings\n"
        "from app.shape import bring_up\n"
        "asyncio.run(bring_up(Settings()))\n"
        "assert 'alembic' not in sys.modules\n"
    )
    folder = {"BOXOFFICE_DATA_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", script], env=os.environ | folder, check=True)
    assert (tmp_path / "boxoffice.db").exists()


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
