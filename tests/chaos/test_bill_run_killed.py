"""A bill run that dies at twenty random instants ends as one that nobody disturbs."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.roles import billing
from tests.fixtures.alike import differences
from tests.fixtures.billing_run import Ground, filled
from tests.services.postgres import Server

HOUSEHOLDS = 600
DEATHS = 20

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]


@pytest.fixture(params=["sqlite", "postgres"])
def ground(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path
) -> Iterator[Ground]:
    """Return a base that is due, once on each engine."""
    if request.param == "sqlite":
        made = Ground.copied(sqlite_template, tmp_path)
        filled(made.url, HOUSEHOLDS)
        yield made
        return
    server: Server = request.getfixturevalue("postgres_server")
    url = server.create(request.getfixturevalue("postgres_template"))
    filled(url, HOUSEHOLDS)
    yield Ground(url=url, folder=tmp_path)
    server.drop(url)


@pytest.mark.parametrize("seed", [1, 2])
def test_twenty_deaths_are_as_none(
    ground: Ground, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, seed: int
):
    """Wherever it was, the same documents, entries, holds, rights and work come of it."""
    quiet = Ground.copied(sqlite_template, tmp_path_factory.mktemp("quiet"))
    filled(quiet.url, HOUSEHOLDS)
    asyncio.run(compared(ground, quiet, random.Random(seed)))


async def compared(ground: Ground, quiet: Ground, dice: random.Random) -> None:
    """Run over one base in peace and over the other with deaths, and compare."""
    async with quiet.house() as house:
        await billing.run(house, lambda *_: None, actor="test")
    assert await quiet.broken() == []
    await ground.begin()
    await ground.killed(dice, deaths=DEATHS, at_most=HOUSEHOLDS)
    await ground.to_the_end()
    assert differences(await ground.told(), await quiet.told()) == []
    assert await ground.broken() == []
