"""What somebody changed at the target by hand is found, shown and repaired."""

import pytest
from sqlalchemy import select

from gateway.inventory import flows as inventory
from gateway.inventory import store as boxes
from gateway.inventory.flows import TakeBack
from gateway.provisioning import findings
from gateway.provisioning.compose import OTHER_CAUSE
from gateway.provisioning.drift import Drift
from gateway.provisioning.findings import Kind
from gateway.provisioning.results import DRIFT_CAUSE
from gateway.provisioning.tables import drift_scan, service_order
from gateway.provisioning.targets import DriftPolicy
from gateway.reads import drift as drift_reads
from terms.entitlement import ServiceState
from terms.errors import Unreachable
from terms.ids import ServiceId
from tests.fixtures.clock import START
from tests.flows.gateway.world import NORTH, World

SERVICES = [f"s{n}" for n in range(1, 6)]


async def lit(world: World, **configuration) -> Drift:
    """Have five accounts lit."""
    await world.configure(**configuration)
    await world.sign_up(*SERVICES)
    await world.rights(SERVICES, ServiceState.ACTIVE, "BASIC", "SPORT", revision=1)
    await world.work_through()
    return Drift(world.work, world.targets)


async def tamper(world: World, **operation) -> None:
    """Change the portal behind our back."""
    await world.portal.aadmin("/tamper", operation)


async def test_quiet_target_has_no_drift(world: World):
    """A scan of a target that holds every wish finds nothing and marks nothing."""
    drift = await lit(world)
    report = await drift.scan(NORTH)
    assert (report.seen, report.differing, report.missing, report.marked) == (5, 0, 0, 0)
    assert not await world.left()


async def test_hand_edit_is_found_and_repaired(world: World):
    """A changed field, a deleted account and a stranger: two are repaired, one is only told."""
    drift = await lit(world)
    fields = {"tariff_plan": "premium", "status": 0}
    await tamper(world, op="set", account_number="1001", fields=fields)
    await tamper(world, op="delete", account_number="1002")
    await tamper(world, op="add_account", fields={"login": "x", "account_number": "77"})
    report = await drift.scan(NORTH)
    assert (report.differing, report.missing, report.orphans, report.marked) == (1, 1, 1, 2)
    async with world.store.read() as tx:
        found = {one.ref: one for one in await drift_reads.open_drift(tx, rows_max=10)}
    assert {ref: one.kind for ref, one in found.items()} == {
        "1001": Kind.DIFFERS,
        "1002": Kind.MISSING,
        "77": Kind.ORPHAN,
    }
    assert found["1001"].fields["tariff"] == ("premium", "basic")
    assert found["1001"].fields["enabled"] == ("no", "yes")
    await world.work_through()
    for service in SERVICES:
        account = await world.account(service)
        assert account is not None
        assert (account["status"], account["tariff_plan"]) == (1, "basic")
    async with world.store.read() as tx:
        assert [one.ref for one in await drift_reads.open_drift(tx, rows_max=10)] == ["77"]
        told = {one.ref: one for one in await drift_reads.latest(tx, rows_max=10)}
    assert told["1001"].repaired_at is not None
    stranger = await world.portal.aadmin("/state?account_number=77")
    assert len(stranger["accounts"]) == 1
    causes = {
        row.service: row.cause
        for row in await world.rows(select(service_order).order_by(service_order.c.id))
    }
    assert causes["s1"] == "changed at the target"
    assert (await drift.scan(NORTH)).orphans == 1


async def test_what_we_change_ourselves_is_no_change_by_hand(world: World):
    """A box that comes back leaves its account by us; what somebody changes then is told so."""
    await lit(world)
    async with world.store.begin() as tx:
        (box,) = (await boxes.by_service(tx, ["s1"]))[ServiceId("s1")]
        back = TakeBack(resource=box.id, on=START.date(), actor="test")
        await inventory.take_back(tx, world.work, [back])
    await world.work_through()
    query = select(service_order).where(service_order.c.service == "s1")
    newest = (await world.rows(query.order_by(service_order.c.id)))[-1]
    assert box.mac in newest.what
    assert newest.cause == OTHER_CAUSE
    await tamper(world, op="set", account_number="1001", fields={"status": 0})
    await Drift(world.work, world.targets).scan(NORTH)
    await world.work_through()
    newest = (await world.rows(query.order_by(service_order.c.id)))[-1]
    assert newest.cause == DRIFT_CAUSE


async def test_report_policy_repairs_only_when_asked(small_world: World):
    """With the policy `report` a scan changes nothing until a person asks for the repair."""
    world = small_world
    drift = await lit(world, drift_policy=DriftPolicy.REPORT)
    await tamper(world, op="set", account_number="1001", fields={"status": 0})
    assert (await drift.scan(NORTH)).marked == 0
    assert not await world.left()
    async with world.store.begin() as tx:
        assert await findings.repair(tx, world.work, target=NORTH) == 1
    await world.work_through()
    assert (await world.account("s1"))["status"] == 1
    async with world.store.read() as tx:
        assert await drift_reads.counts(tx) == {}


async def test_work_in_progress_is_no_drift(small_world: World):
    """An account whose row is still in the queue, or parked, is not reported."""
    world = small_world
    drift = await lit(world)
    await world.rights(["s1"], ServiceState.SUSPENDED, "BASIC", "SPORT", revision=2)
    claims = await world.work.claim("compose")
    await world.composer.handle(claims)
    report = await drift.scan(NORTH)
    assert (report.differing, report.marked) == (0, 0)


async def test_duplicate_account_is_told(small_world: World):
    """The same account number twice at the portal is told; it is not called an orphan."""
    world = small_world
    drift = await lit(world)
    await tamper(world, op="add_account", fields={"login": "twin", "account_number": "1001"})
    report = await drift.scan(NORTH)
    assert report.orphans == 0
    assert report.differing + report.duplicates == 1


async def test_drift_that_went_away_by_itself_is_closed(small_world: World):
    """A stranger that is gone at the next scan is no longer open."""
    world = small_world
    drift = await lit(world)
    await tamper(world, op="add_account", fields={"login": "x", "account_number": "77"})
    await drift.scan(NORTH)
    await tamper(world, op="delete", account_number="77")
    await drift.scan(NORTH)
    async with world.store.read() as tx:
        assert await drift_reads.open_drift(tx, rows_max=10) == []


async def test_scan_over_many_pages_misses_nobody(small_world: World):
    """A crowd of strangers over several pages hides neither our accounts nor a missing one."""
    world = small_world
    drift = await lit(world)
    await tamper(world, op="fill", count=1200, prefix="crowd")
    await tamper(world, op="delete", account_number="1005")
    report = await drift.scan(NORTH)
    assert report.seen == 1204
    assert (report.orphans, report.missing, report.differing) == (1200, 1, 0)
    async with world.store.read() as tx:
        assert len(await drift_reads.open_drift(tx, rows_max=5000)) == 1001


async def test_scan_of_a_silent_target_says_so(small_world: World):
    """A scan that fails raises what failed, leaves its line and marks nothing."""
    world = small_world
    drift = await lit(world)
    await world.portal.aadmin("/faults", {"spec": "down"})
    with pytest.raises(Unreachable):
        await drift.scan(NORTH)
    assert await drift.scan_all() == []
    rows = await world.rows(select(drift_scan))
    assert rows[0].error
    assert not await world.left()
