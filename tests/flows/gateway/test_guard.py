"""No run switches off more of a target than a person has agreed to."""

from sqlalchemy import select

from gateway.provisioning import guard
from gateway.provisioning.tables import darkening
from gateway.reads import targets as target_reads
from gateway.reads.targets import Condition
from terms.entitlement import ServiceState
from tests.flows.gateway.world import NORTH, World

BASE = [f"s{n}" for n in range(1, 21)]


async def lit(world: World, **limits: int) -> None:
    """Have twenty accounts lit, three of which may go dark within the hour."""
    await world.configure(guard_share_percent=15, guard_floor=1, **limits)
    await world.sign_up(*BASE)
    await world.rights(BASE, ServiceState.ACTIVE, "BASIC", revision=1)
    await world.work_through()


async def dark(world: World) -> set[str]:
    """The services whose accounts the portal blocks."""
    return {one for one in BASE if (await world.account(one))["status"] == 0}


async def shown(world: World) -> target_reads.TargetHealth:
    """The target as the operator sees it."""
    async with world.store.read() as tx:
        now = world.work.clock.machine_now()
        return (await target_reads.targets(tx, now=now))[0]


async def test_run_within_the_share_goes_through(small_world: World):
    """As many accounts as the share allows go dark without anybody being asked."""
    await lit(small_world)
    await small_world.rights(BASE[:3], ServiceState.SUSPENDED, "BASIC", revision=2)
    await small_world.work_through()
    assert await dark(small_world) == set(BASE[:3])
    assert (await shown(small_world)).condition is Condition.UP


async def test_run_beyond_the_share_stops_before_anything_goes_dark(world: World):
    """A run that would darken too many darkens none, says so, and approve lets it through."""
    await lit(world)
    await world.rights(BASE[:8], ServiceState.SUSPENDED, "BASIC", revision=2)
    await world.work_through()
    assert await dark(world) == set()
    parked = await world.parked()
    assert len(parked) == 8
    assert all("guard" in reason for reason in parked.values())
    health = await shown(world)
    assert health.condition is Condition.STOPPED
    assert health.reason.startswith("8 of 20 accounts would go dark")
    async with world.store.begin() as tx:
        assert await guard.approve(tx, world.work, NORTH) == 8
    await world.work_through()
    assert await dark(world) == set(BASE[:8])
    assert (await shown(world)).condition is Condition.UP
    assert not await world.parked()


async def test_share_counts_over_many_small_runs(small_world: World):
    """One account after the other is counted together: the fourth of twenty is stopped."""
    world = small_world
    await lit(world)
    for number, service in enumerate(BASE[:4]):
        await world.rights([service], ServiceState.SUSPENDED, "BASIC", revision=2)
        await world.work_through()
        assert len(await dark(world)) == min(number + 1, 3)
    assert list(await world.parked()) == ["s4@north"]


async def test_stopped_household_that_pays_is_no_longer_waiting(small_world: World):
    """A newer wish to stay on ends a stop without a decision; the others still wait."""
    world = small_world
    await lit(world)
    await world.rights(BASE[:5], ServiceState.SUSPENDED, "BASIC", revision=2)
    await world.work_through()
    await world.rights(BASE[:4], ServiceState.ACTIVE, "BASIC", revision=3)
    await world.work_through()
    assert await dark(world) == set()
    assert (await shown(world)).guard.stopped == 1
    async with world.store.begin() as tx:
        await guard.approve(tx, world.work, NORTH)
    await world.work_through()
    assert await dark(world) == {"s5"}


async def test_rejected_accounts_stay_on_until_something_newer_is_wished(small_world: World):
    """Reject keeps the accounts on and parked; a newer wish asks again, a person may name some."""
    world = small_world
    await lit(world)
    await world.rights(BASE[:5], ServiceState.SUSPENDED, "BASIC", revision=2)
    await world.work_through()
    async with world.store.begin() as tx:
        assert await guard.reject(tx, world.work, NORTH) == 5
    await world.work_through()
    assert await dark(world) == set()
    assert all("rejected" in reason for reason in (await world.parked()).values())
    assert (await shown(world)).condition is Condition.UP
    await world.rights(BASE[:1], ServiceState.ACTIVE, "BASIC", revision=3)
    await world.work_through()
    await world.rights(BASE[:1], ServiceState.SUSPENDED, "BASIC", revision=4)
    await world.work_through()
    assert await dark(world) == {"s1"}
    async with world.store.begin() as tx:
        assert await guard.approve(tx, world.work, NORTH) == 0
        assert await guard.approve(tx, world.work, NORTH, subjects=["s2"]) == 1
    await world.work_through()
    assert await dark(world) == {"s1", "s2"}


async def test_repairs_are_guarded_too(small_world: World):
    """Accounts that were switched on by hand are not all switched off again unasked."""
    world = small_world
    await world.configure(guard_share_percent=0, guard_floor=2)
    await world.sign_up(*BASE[:6])
    await world.rights(BASE[:6], ServiceState.SUSPENDED, "BASIC", revision=1)
    await world.work_through()
    for service in BASE[:6]:
        fields = {"op": "set", "account_number": world.ref(service), "fields": {"status": 1}}
        await world.portal.aadmin("/tamper", fields)
    async with world.store.begin() as tx:
        keys = [f"{service}@north" for service in BASE[:6]]
        await world.work.mark(tx, "reconcile", keys, target=NORTH)
    await world.work_through()
    verdicts = [row.verdict for row in await world.rows(select(darkening))]
    assert verdicts.count("stopped") >= 4
    assert len([one for one in BASE[:6] if not (await world.account(one))["status"]]) <= 2
