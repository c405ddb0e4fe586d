"""Workers that die, sleep or meet: the portal ends right, and nobody writes late."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from gateway.provisioning import jobs, refs, results
from gateway.provisioning.run import Trail
from gateway.provisioning.tables import observed, service_order, wish
from gateway.provisioning.verdicts import Fate, Verdict
from runtime.clock import Clock
from runtime.store import Store
from runtime.work import work as work_table
from terms.entitlement import ServiceState
from terms.errors import Duplicate
from terms.ids import ServiceId
from tests.fixtures.clock import FakeMachine
from tests.flows.gateway.world import NORTH, World
from tests.simulators.process import RunningSimulator

STATES = (ServiceState.ACTIVE, ServiceState.SUSPENDED, ServiceState.LIMITED, ServiceState.ENDED)
PLANS = (("BASIC",), ("BASIC", "SPORT"), ("BASIC", "SPORT", "KIDS"), ("PREMIUM",))
STEPS = st.lists(
    st.tuples(st.sampled_from(["s1", "s2", "s3"]), st.sampled_from(STATES), st.sampled_from(PLANS)),
    min_size=4,
    max_size=14,
)


async def test_any_schedule_ends_with_the_highest_revision(store: Store, portal: RunningSimulator):
    """Suspend, restore and change in any order and tempo: the last rights stand at the portal."""
    world = World(store, portal)
    await world.configure(guard_share_percent=100)
    await world.sign_up("s1", "s2", "s3")
    revision = 0

    async def run(steps, pauses) -> None:
        nonlocal revision
        last = {}
        async with world.running():
            for (service, state, codes), rest_ms in zip(steps, pauses, strict=False):
                revision += 1
                await world.rights([service], state, *codes, revision=revision)
                last[service] = (state, codes, revision)
                await asyncio.sleep(rest_ms / 1000)
            await world.settled()
        for service, (state, codes, _) in last.items():
            account = await world.account(service)
            assert account is not None
            assert account["status"] == int(state.is_live)
            assert account["tariff_plan"] == ("premium" if "PREMIUM" in codes else "basic")
        proven = await world.rows(
            select(observed.c.revision, wish.c.revision.label("wished")).where(
                observed.c.subject == wish.c.subject
            )
        )
        assert all(row.revision == row.wished for row in proven)

    loop = asyncio.get_running_loop()

    @settings(max_examples=6, suppress_health_check=list(HealthCheck))
    @given(steps=STEPS, pauses=st.lists(st.sampled_from([0, 0, 1, 5, 20]), min_size=14))
    def schedules(steps, pauses) -> None:
        asyncio.run_coroutine_threadsafe(run(steps, pauses), loop).result()

    try:
        await asyncio.to_thread(schedules)
        refs = {world.ref(service) for service in ("s1", "s2", "s3")}
        at_once = {door.most_at_once[ref] for door in world.doors for ref in refs}
        assert at_once <= {0, 1}
        assert (await portal.aadmin("/counters"))["overlapping_writes"] == 0
        for service in ("s1", "s2", "s3"):
            carried = [
                int(one["after"]["comment"][1:])
                for one in await world.changes(service)
                if "comment" in (one["after"] or {})
            ]
            assert carried == sorted(carried)
    finally:
        await world.close()


async def test_worker_that_overslept_writes_nothing(store: Store, portal: RunningSimulator):
    """Results of a lease that is over are dropped: the row belongs to who claimed it since."""
    machine = FakeMachine()
    world = World(store, portal, Clock(machine))
    await world.configure()
    await world.sign_up("s1")
    await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", revision=1)
    await world.composer.handle(await world.work.claim("compose"))
    stale = await world.work.claim("reconcile", target=NORTH)
    assert len(stale) == 1
    (old,), _ = await jobs.load(store, NORTH, stale, renewed_at=0.0)
    await lapse(world, machine)
    fresh = await world.work.claim("reconcile", target=NORTH)
    assert [claim.key for claim in fresh] == ["s1@north"]
    trail = Trail(desired=old.wish.value, held=old.wish.value, is_changed=True, seen_text="{}")
    late = results.Result(
        job=old,
        verdict=Verdict(fate=Fate.DONE, reason=""),
        trail=trail,
        started_at=machine.now,
        finished_at=machine.now,
    )
    async with store.begin() as tx:
        assert await results.write(tx, world.work, [late]) == []
    for table in (observed, service_order):
        assert not await world.rows(select(table))
    rows = await world.rows(select(work_table))
    assert [row.token for row in rows] == [fresh[0].token]
    await world.close()


async def lapse(world: World, machine: FakeMachine) -> None:
    """Let every lease run out, by whichever clock measures it."""
    machine.forward(timedelta(seconds=60))
    async with world.store.begin() as tx:
        await tx.execute(work_table.update().values(lease_until=1))


async def test_two_services_of_one_number_are_refused_before_any_call(small_world: World):
    """An account number belongs to one service."""
    await small_world.sign_up("s1")
    async with small_world.store.begin() as tx:
        with pytest.raises(Duplicate):
            await refs.bind(tx, {ServiceId("s2"): "1001"})
