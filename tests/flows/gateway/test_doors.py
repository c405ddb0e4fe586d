"""Every door to a target is closed with the house, whoever opened it and whenever."""

import asyncio
from typing import Any

import pytest

from gateway.adapters.sdk import Adapter
from terms.errors import Retryable
from tests.flows.gateway.world import NORTH, World


async def adapter_of(world: World) -> Adapter[Any]:
    """Open the target and have its adapter talk, so that its door has a connection."""
    opened = await world.targets.open(NORTH)
    await opened.adapter.probe()
    return opened.adapter


async def is_shut(world: World, adapter: Adapter[Any]) -> bool:
    """Whether an adapter reaches nobody any more."""
    before = (await world.portal.aadmin("/counters"))["calls"]
    try:
        await adapter.probe()
    except Retryable:
        return bool((await world.portal.aadmin("/counters"))["calls"] == before)
    return False


async def test_who_open_a_target_at_once_share_its_door(small_world: World):
    """Many who open a target at the same moment have one adapter, and one door that is closed."""
    found = await asyncio.gather(*(adapter_of(small_world) for _ in range(5)))
    assert len({id(one) for one in found}) == 1
    assert len(small_world.doors) == 1
    await small_world.close()
    assert await is_shut(small_world, found[0])


async def test_an_older_row_never_replaces_a_newer_one(small_world: World):
    """Whoever read the row before it changed gets the adapter of the change."""
    old = await adapter_of(small_world)
    stale = (await small_world.targets.load())[NORTH]
    await small_world.configure(in_flight_max=7)
    new = await adapter_of(small_world)
    assert new is not old
    async with small_world.store.read() as tx:
        assert await small_world.targets._adapter(tx, stale) is new


async def test_a_replaced_door_is_closed_with_the_others(small_world: World):
    """A door that was left for a changed row a moment ago does not outlive the house."""
    old = await adapter_of(small_world)
    await small_world.configure(in_flight_max=7)
    new = await adapter_of(small_world)
    assert not await is_shut(small_world, old)  # calls on their way still come through
    await small_world.configure(in_flight_max=8)
    newest = (await small_world.targets.open(NORTH)).adapter  # its row changed just now
    await small_world.close()
    for adapter in (old, new, newest):
        assert await is_shut(small_world, adapter)


async def test_what_is_opened_while_closing_leads_nowhere(small_world: World):
    """A target that is opened while or after the house closes is shut from the beginning."""
    opening = asyncio.create_task(small_world.targets.open(NORTH))
    await asyncio.sleep(0)
    await small_world.close()
    late = await small_world.targets.open(NORTH)
    for opened in (await opening, late):
        assert await is_shut(small_world, opened.adapter)
    with pytest.raises(Retryable, match="is closed"):
        await small_world.doors[0].call("GET", small_world.portal.url)
