"""The portal is away, slow or loses its answers: nothing is lost, nothing is done twice."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from gateway.provisioning.tables import observed, service_order
from runtime.work import work as work_table
from terms.entitlement import ServiceState
from tests.flows.gateway.world import World

SERVICES = [f"s{n}" for n in range(1, 9)]
# An account with a package is made by two calls.
MADE = ["POST accounts", "POST account_subscription"]


async def lit(world: World, services=SERVICES) -> None:
    """Sign services up and have them lit at the portal."""
    await world.sign_up(*services)
    await world.rights(services, ServiceState.ACTIVE, "BASIC", revision=1)
    await world.work_through()


async def status_changes(world: World, service: str) -> list[tuple[int, int]]:
    """The changes of an account's status at the portal, in order."""
    return [
        (one["before"]["status"], one["after"]["status"])
        for one in await world.changes(service)
        if one["before"] and "status" in one["after"]
        if one["before"]["status"] != one["after"]["status"]
    ]


async def test_rows_wait_while_nobody_answers(world: World):
    """While the portal is down rows wait uncounted; when it returns all of them converge."""
    await lit(world)
    await world.portal.aadmin("/faults", {"spec": "down"})
    async with world.running():
        await world.rights(SERVICES, ServiceState.SUSPENDED, "BASIC", revision=2)

        async def probed() -> bool:
            return (await world.target()).probes >= 1

        await world.until(probed)
        rows = await world.rows(select(work_table).where(work_table.c.kind == "reconcile"))
        assert {row.attempts for row in rows} == {0}
        assert {row.parked_at for row in rows} == {None}
        assert len(rows) == len(SERVICES)
        row = await world.target()
        assert row.down_since is not None
        await world.portal.aadmin("/faults", {"clear": True})
        await world.settled()
    for service in SERVICES:
        account = await world.account(service)
        assert account is not None
        assert account["status"] == 0
        assert await status_changes(world, service) == [(1, 0)]
    row = await world.target()
    assert (row.down_since, row.probes) == (None, 0)


async def calls(world: World, service: str) -> list[str]:
    """The calls that changed something of an account at the portal, in order, each once."""
    told = {one["call_id"]: one["call"] for one in await world.changes(service)}
    parts = [call.partition(" /stalker_portal/api/") for call in told.values()]
    return [f"{method} {path.partition('/')[0]}" for method, _, path in parts]


@pytest.mark.parametrize("fault", ["down", "silent", "reset"])
async def test_paid_after_the_portal_came_it_is_made_filled_and_opened(small_world: World, fault):
    """An account that was wished dark while nobody answered is made so, and opened when it is paid.

    That are three calls, each for another thing, and none of them is repeated, however slow the
    portal is by then: one call for each difference, not one for each household.
    """
    world = small_world
    await world.configure(options={"deadline_s": 0.5})
    await world.portal.aadmin("/faults", {"spec": fault})
    await world.sign_up("s1")
    async with world.running():
        await world.rights(["s1"], ServiceState.PENDING, "BASIC", "SPORT", revision=1)

        async def is_down() -> bool:
            return (await world.target()).down_since is not None

        await world.until(is_down)
        await world.portal.aadmin("/faults", {"clear": True, "spec": "slow:100ms"})

        async def is_known() -> bool:
            return await world.account("s1") is not None

        await world.until(is_known)
        await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", "SPORT", revision=2)
        await world.settled()
    assert (await world.account("s1"))["status"] == 1
    assert await status_changes(world, "s1") == [(0, 1)]
    assert await calls(world, "s1") == [*MADE, "PUT accounts"]


async def test_paid_while_the_portal_is_away_it_is_made_open(small_world: World):
    """What is wished is what counts by then: the account was never dark, and nothing opens it."""
    world = small_world
    await world.portal.aadmin("/faults", {"spec": "down"})
    await world.sign_up("s1")
    async with world.running():
        await world.rights(["s1"], ServiceState.PENDING, "BASIC", "SPORT", revision=1)

        async def is_down() -> bool:
            return (await world.target()).down_since is not None

        await world.until(is_down)
        await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", "SPORT", revision=2)
        await world.composer_rests()
        await world.portal.aadmin("/faults", {"clear": True, "spec": "slow:100ms"})
        await world.settled()
    assert await status_changes(world, "s1") == []
    assert await calls(world, "s1") == MADE


@pytest.mark.parametrize(
    "fault", ["lost", "half", "garbage:fatal:applied=1", "error:503:applied=1"]
)
async def test_lost_answer_makes_one_change(small_world: World, fault):
    """A write whose answer is lost is looked up, not repeated: one change, journalled once."""
    world = small_world
    await lit(world, ["s1"])
    await world.portal.aadmin("/faults", {"spec": f"{fault}:match=PUT accounts:count=1"})
    await world.rights(["s1"], ServiceState.SUSPENDED, "BASIC", revision=2)
    await world.work_through()
    assert await status_changes(world, "s1") == [(1, 0)]
    puts = (await world.portal.aadmin("/counters"))["calls"]["PUT accounts"]
    assert puts == 1
    orders = await world.rows(select(service_order).where(service_order.c.revision == 2))
    assert [order.outcome for order in orders] == ["done"]


async def test_every_fifth_answer_lost_still_converges(world: World):
    """With answers lost at random everything ends right, and no account is made twice."""
    await world.portal.aadmin("/faults", {"spec": "lost:match=POST|PUT accounts:count=6:skip=2"})
    await lit(world)
    for service in SERVICES:
        account = await world.account(service)  # one row, or this fails
        assert account is not None
        assert account["status"] == 1
    assert not await world.parked()


async def test_not_now_is_tried_again(small_world: World):
    """A portal that fails a few times is asked again, and the row ends done."""
    world = small_world
    await world.portal.aadmin("/faults", {"spec": "error:500:count=2"})
    await lit(world, ["s1"])
    assert (await world.account("s1"))["status"] == 1
    assert (await world.target()).down_since is None


async def test_throttling_slows_the_target_down(small_world: World):
    """After a 429 the target is left alone as long as it said, then asked with fewer at once."""
    world = small_world
    await lit(world)
    await world.portal.aadmin("/faults", {"spec": "throttled:1:count=1"})
    await world.rights(SERVICES, ServiceState.SUSPENDED, "BASIC", revision=2)
    await world.work_through()
    row = await world.target()
    assert row.pace == row.in_flight_max // 2
    assert row.throttled_until is not None
    seen = await world.rows(select(observed))
    assert {one.enabled for one in seen} == {False}


async def test_one_silent_account_does_not_take_the_target_down(small_world: World):
    """An account the portal never answers for waits by itself; the others go on meanwhile."""
    world = small_world
    await world.configure(options={"deadline_s": 0.3})
    await lit(world, ["s1", "s2"])
    await world.portal.aadmin("/faults", {"spec": "silent:match=GET accounts/1001"})
    async with world.running():
        await world.rights(["s1", "s2"], ServiceState.SUSPENDED, "BASIC", revision=2)

        async def only_one_waits() -> bool:
            waiting = await world.rows(select(work_table))
            return [row.key for row in waiting if row.error] == ["s1@north"] and len(waiting) == 1

        await world.until(only_one_waits)
        assert (await world.account("s2"))["status"] == 0
        assert (await world.target()).down_since is None
        assert not await world.parked()
        await world.portal.aadmin("/faults", {"clear": True})
        await world.settled()
    assert (await world.account("s1"))["status"] == 0


async def test_restart_finds_what_was_begun(small_world: World):
    """A change that was made before the process died is adopted and told in the journal once."""
    world = small_world
    await lit(world, ["s1"])
    await world.rights(["s1"], ServiceState.SUSPENDED, "BASIC", revision=2)
    opened = await world.targets.open("north")
    held = await opened.adapter.observe(world.ref("s1"))
    assert held is not None
    await opened.adapter.apply(replace(held, enabled=False, revision=2), held)
    await world.work_through()
    assert await status_changes(world, "s1") == [(1, 0)]
    orders = await world.rows(select(service_order).where(service_order.c.revision == 2))
    assert [order.outcome for order in orders] == ["done"]
    assert '"enabled":["yes","no"]' in orders[0].what
