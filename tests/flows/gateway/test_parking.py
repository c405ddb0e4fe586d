"""What cannot be done is set aside with its reason, and the rest goes on."""

import asyncio

import pytest
from sqlalchemy import delete, select

from gateway.provisioning import routes
from gateway.provisioning import targets as target_rows
from gateway.provisioning.routing import Role, Route
from gateway.provisioning.tables import observed, service_order, target_ref, wish, wish_problem
from gateway.reads import queue
from runtime import log
from runtime.log import Snapshot
from runtime.work import work as work_table
from terms.entitlement import ServiceState
from tests.flows.gateway.world import NORTH, ROUTES, World


async def test_package_the_portal_lacks_is_parked_by_name(world: World):
    """A package the target does not know is parked with its name; other services go on."""
    await world.sign_up("s1", "s2")
    await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", "OPERA", revision=1)
    await world.rights(["s2"], ServiceState.ACTIVE, "BASIC", "SPORT", revision=1)
    await world.work_through()
    parked = await world.parked()
    assert list(parked) == ["s1@north"]
    assert "opera-nobody-has" in parked["s1@north"]
    account = await world.account("s2")
    assert account is not None
    assert account["subscribed"] == ["sport"]
    async with world.store.read() as tx:
        shown = await queue.parked(tx, rows_max=10)
    assert [(one.service, one.target, one.releasable) for one in shown] == [("s1", NORTH, True)]


async def test_newer_revision_ends_parking(world: World):
    """A parked row is tried again as soon as something newer is wished."""
    await world.sign_up("s1")
    await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", "OPERA", revision=1)
    await world.work_through()
    assert await world.parked()
    await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", "KIDS", revision=2)
    await world.work_through()
    assert not await world.parked()
    assert (await world.account("s1"))["subscribed"] == ["kids"]


async def test_same_wish_again_does_not_end_parking(small_world: World):
    """Composing a service again without a change leaves its parked row alone."""
    world = small_world
    await world.sign_up("s1")
    await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", "OPERA", revision=1)
    await world.work_through()
    before = await world.rows(select(work_table))
    async with world.store.begin() as tx:
        await routes.replay(tx, world.work)
    await world.work_through()
    after = await world.rows(select(work_table))
    assert [row.parked_at for row in after] == [row.parked_at for row in before]


async def test_parked_row_may_be_released(small_world: World):
    """Once the portal's catalogue is mended, a person releases the row and it converges.

    The journal tells what should have changed only where the portal had said what it holds.
    """
    world = small_world
    await world.sign_up("s1", "s2")
    await world.rights(["s1", "s2"], ServiceState.ACTIVE, "BASIC", "SPORT", revision=1)
    await world.portal.aadmin("/faults", {"spec": "refused:Not today:match=POST accounts"})
    await world.portal.aadmin("/faults", {"spec": "refused:Never:match=GET 1002"})
    await world.work_through()
    assert "Not today" in (await world.parked())["s1@north"]
    assert "Never" in (await world.parked())["s2@north"]
    orders = await world.rows(select(service_order).order_by(service_order.c.service))
    assert [order.what for order in orders] == ['{"account":["missing","present"]}', "{}"]
    await world.portal.aadmin("/faults", {"clear": True})
    async with world.store.begin() as tx:
        assert await world.work.release(tx, "reconcile", ["s1@north"]) == 1
    await world.work_through()
    assert (await world.account("s1"))["status"] == 1


async def test_refused_credentials_park_the_target(world: World):
    """One refusal of our credentials parks the target, not the rows; release lets it go on."""
    services = [f"s{n}" for n in range(1, 6)]
    await world.sign_up(*services)
    await world.portal.aadmin("/faults", {"spec": "unauthorized"})
    await world.rights(services, ServiceState.ACTIVE, "BASIC", revision=1)
    async with world.running():

        async def is_parked() -> bool:
            return (await world.target()).parked_at is not None

        async def are_put_back() -> bool:
            rows = await world.rows(select(work_table).where(work_table.c.kind == "reconcile"))
            return [(row.attempts, row.parked_at) for row in rows] == [(0, None)] * len(services)

        await world.until(is_parked)
        # The others were under way by then.
        await world.until(are_put_back)
        calls = sum((await world.portal.aadmin("/counters"))["calls"].values())
        await asyncio.sleep(0.5)
        assert sum((await world.portal.aadmin("/counters"))["calls"].values()) == calls
        await world.portal.aadmin("/faults", {"clear": True})
        async with world.store.begin() as tx:
            assert await target_rows.release(tx, NORTH)
        await world.settled()
    for service in services:
        assert (await world.account(service))["status"] == 1


async def test_target_that_is_switched_off_is_left_alone(small_world: World):
    """Its rows wait, configured anew it stays off, and switched on again it gets what waits."""
    world = small_world
    await world.sign_up("s1")
    async with world.store.begin() as tx:
        assert await target_rows.switch(tx, NORTH, on=False)
        assert not await target_rows.switch(tx, NORTH, on=False)
    await world.configure(in_flight_max=7)
    await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", revision=1)
    calls = sum((await world.portal.aadmin("/counters"))["calls"].values())
    async with world.running():
        await world.composer_rests()
        await asyncio.sleep(0.3)
        assert sum((await world.portal.aadmin("/counters"))["calls"].values()) == calls
        assert (await world.target()).in_flight_max == 7
        async with world.store.begin() as tx:
            assert await target_rows.switch(tx, NORTH, on=True)
        await world.settled()
    assert (await world.account("s1"))["status"] == 1


async def test_unrouted_code_is_told_and_the_rest_goes_on(world: World):
    """A code that no route maps keeps its service as it is, names the code and stops nobody."""
    await world.sign_up("s1", "s2")
    await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", "NOWHERE", revision=1)
    await world.rights(["s2"], ServiceState.ACTIVE, "BASIC", revision=1)
    await world.work_through()
    problems = await world.rows(select(wish_problem))
    assert [(row.service, row.reason) for row in problems] == [("s1", "no route for NOWHERE")]
    assert await world.account("s1") is None
    assert (await world.account("s2"))["status"] == 1
    more = (*ROUTES, Route(code="NOWHERE", target=NORTH, role=Role.PACKAGE, target_code="kids"))
    async with world.store.begin() as tx:
        assert await routes.replace(tx, world.work, more)
    await world.work_through()
    assert not await world.rows(select(wish_problem))
    assert (await world.account("s1"))["subscribed"] == ["kids"]


async def test_service_that_cannot_be_composed_goes_dark_all_the_same(small_world: World):
    """An unrouted code never keeps a suspended household lit."""
    world = small_world
    await world.sign_up("s1")
    await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", revision=1)
    await world.work_through()
    await world.rights(["s1"], ServiceState.SUSPENDED, "BASIC", "NOWHERE", revision=2)
    await world.work_through()
    assert (await world.account("s1"))["status"] == 0


async def test_two_tariffs_at_once_are_refused(small_world: World):
    """Codes that ask for two tariffs of one portal are told by name; nothing is guessed."""
    world = small_world
    await world.sign_up("s1")
    await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", "PREMIUM", revision=1)
    await world.work_through()
    problems = await world.rows(select(wish_problem))
    assert [row.target for row in problems] == ["north"]
    assert "BASIC, PREMIUM" in problems[0].reason
    assert await world.account("s1") is None


async def test_newer_revision_at_the_portal_is_not_overwritten(small_world: World):
    """Where the portal carries a revision issued after the wish, the row is parked, not written."""
    world = small_world
    await world.sign_up("s1")
    await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", revision=3)
    await world.work_through()
    fields = {"comment": "r9", "status": 0}
    await world.portal.aadmin("/tamper", {"op": "set", "account_number": "1001", "fields": fields})
    async with world.store.begin() as tx:
        # Billing has gone on, and another worker was first to compose and to write.
        await log.publish(tx, "entitlement", [Snapshot(key="s1", revision=9, value="{}")])
        await world.work.mark(tx, "reconcile", ["s1@north"], target=NORTH)
    await world.work_through()
    assert "revision 9" in (await world.parked())["s1@north"]
    assert (await world.account("s1"))["status"] == 0


@pytest.mark.parametrize("comment", ["r999999999", "r4"])
async def test_revision_nobody_issued_locks_nothing(world: World, comment: str):
    """A revision that this database never issued is a change by hand: the wish is written."""
    await world.sign_up("s1")
    await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", revision=1)
    await world.work_through()
    fields = {"comment": comment}
    await world.portal.aadmin("/tamper", {"op": "set", "account_number": "1001", "fields": fields})
    await world.rights(["s1"], ServiceState.SUSPENDED, "BASIC", revision=2)
    await world.work_through()
    assert not await world.parked()
    account = await world.account("s1")
    assert (account["status"], account["comment"]) == (0, "r2")


async def test_derived_rows_come_back_the_same(world: World):
    """Wishes, what was seen and the queue can be lost: the same return, no target is changed."""
    services = [f"s{n}" for n in range(1, 6)]
    await world.sign_up(*services)
    await world.rights(services, ServiceState.ACTIVE, "BASIC", "SPORT", revision=1)
    await world.rights(services[:2], ServiceState.SUSPENDED, "BASIC", "SPORT", revision=2)
    await world.work_through()
    columns = (wish.c.service, wish.c.target, wish.c.value, wish.c.revision, wish.c.state)
    before = set(await world.rows(select(*columns)))
    changes = len(await world.changes())
    async with world.store.begin() as tx:
        for table in (wish, observed, wish_problem, work_table):
            await tx.execute(delete(table))
        assert await routes.replay(tx, world.work) == len(services)
    await world.work_through()
    assert set(await world.rows(select(*columns))) == before
    assert len(await world.changes()) == changes
    seen = await world.rows(select(observed))
    assert {row.revision for row in seen} == {1, 2}


@pytest.mark.parametrize("ref", ["123456789012", "1001,1002", "a/b"])
async def test_impossible_account_number_never_reaches_the_portal(small_world: World, ref):
    """An account number the portal would misread is parked before any call is made."""
    world = small_world
    await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", revision=1)
    async with world.store.begin() as tx:
        row = {"target": "", "service": "s1", "ref": ref}
        await tx.insert(target_ref, [row])
    await world.work_through()
    assert "account number" in (await world.parked())["s1@north"]
    assert not (await world.portal.aadmin("/counters"))["calls"]


async def test_journal_tells_what_was_parked_and_why(small_world: World):
    """A parked row leaves a line in the journal with its reason."""
    world = small_world
    await world.sign_up("s1")
    await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", "OPERA", revision=1)
    await world.work_through()
    orders = await world.rows(select(service_order))
    assert [order.outcome for order in orders] == ["parked"]
    assert "opera-nobody-has" in orders[0].error
