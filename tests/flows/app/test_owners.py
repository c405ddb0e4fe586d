"""Owners who shut each other out at the same moment, by two processes on one database."""

from __future__ import annotations

import asyncio
import re

import pytest

from app.identity import deeds, people
from app.identity.roles import OWNER
from app.settings import Settings
from app.wiring import build, closing
from terms.errors import Forbidden
from tests.flows.app.served import serving
from tests.flows.app.visitor import Visitor, added, hurry, named

ROUNDS = 12


@pytest.fixture
async def houses(migrated_url, tmp_path):
    """Two processes on one database, once on each engine."""
    settings = Settings(data_dir=tmp_path, database_url=migrated_url)
    async with closing(build(settings)) as one, closing(build(settings)) as other:
        hurry(one)
        hurry(other)
        yield one, other


async def disable(house, who, by, ready):
    """Have one shut another out, when both are ready; tell whether that was done."""
    await ready.wait()
    try:
        async with house.store.begin() as tx:
            await deeds.disable(house.keeper, tx, who, by.actor)
    except Forbidden:
        return False
    return True


async def enabled(house):
    """Name the owners who may sign in."""
    async with house.store.read() as tx:
        found = await people.listing(tx)
    return {one.name for one in found if one.role == OWNER and one.disabled_at is None}


@pytest.mark.parametrize("bystanders", [[], ["oscar"]], ids=["alone", "beside a third"])
async def test_of_two_owners_who_disable_each_other_one_stays(houses, bystanders):
    """Exactly one of them gets through, every time, and the other is shut out."""
    olga = await added(houses[0], "olga", OWNER)
    otto = await added(houses[0], "otto", OWNER)
    for name in bystanders:
        await added(houses[0], name, OWNER)
    for _ in range(ROUNDS):
        ready = asyncio.Barrier(2)
        done = await asyncio.gather(
            disable(houses[0], otto, olga, ready), disable(houses[1], olga, otto, ready)
        )
        assert sorted(done) == [False, True]
        assert await enabled(houses[0]) == {"olga" if done[0] else "otto", *bystanders}
        async with houses[0].store.begin() as tx:
            await deeds.enable(houses[0].keeper, tx, otto if done[0] else olga, "test")


async def test_on_their_pages_too(houses):
    """By the forms of `/people`: one is led on, the other is told or has to sign in again."""
    for name in ("olga", "otto"):
        await added(houses[0], name, OWNER)
    async with serving(houses[0]) as first, serving(houses[1]) as second:
        presses = []
        for served, mine, theirs in ((first, "olga", "otto"), (second, "otto", "olga")):
            visitor = Visitor(served)
            await visitor.sign_in(mine)
            path = f"/people/{(await named(houses[0], theirs)).id}"
            assert re.search("disable", (await visitor.get(path)).text)
            presses.append(visitor.post(f"{path}/disable"))
        seen = await asyncio.gather(*presses)
    assert len(await enabled(houses[0])) == 1
    statuses = sorted(one.status for one in seen)
    assert statuses[0] == 303
    assert statuses[1] in {303, 403}
    assert sum("done=disabled" in one.location for one in seen) == 1


@pytest.mark.parametrize("word", ["enable", "set_password", "add", "revoke_all"])
async def test_who_was_shut_out_meanwhile_does_nothing_more(houses, word):
    """What a former owner had begun before comes to nothing."""
    house = houses[0]
    olga, otto = await added(house, "olga", OWNER), await added(house, "otto", OWNER)
    new = deeds.NewPerson.read(name="tom", role="technician")
    acts = {
        "enable": lambda tx: deeds.enable(house.keeper, tx, olga, otto.actor),
        "set_password": lambda tx: deeds.set_password(house.keeper, tx, olga, "x", otto.actor),
        "add": lambda tx: deeds.add(house.keeper, tx, new, "x", otto.actor),
        "revoke_all": lambda tx: deeds.revoke_all(house.keeper, tx, olga, otto.actor),
    }
    async with house.store.begin() as tx:
        await deeds.disable(house.keeper, tx, otto, olga.actor)
    with pytest.raises(Forbidden, match="shut out meanwhile"):
        async with house.store.begin() as tx:
            await acts[word](tx)
