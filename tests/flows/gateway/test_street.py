"""Households with boxes: what is paid for is seen on every one of them, and nothing else is."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from gateway.adapters.sdk import Action
from gateway.provisioning import guard, targets
from gateway.provisioning.drift import Drift
from gateway.provisioning.keys import RECONCILE, key_of
from gateway.provisioning.operate import Operate
from gateway.provisioning.orders import Outcome
from gateway.provisioning.tables import drift as drift_table
from gateway.provisioning.tables import observed
from gateway.provisioning.tables import wish as wish_table
from gateway.provisioning.targets import Configuration
from gateway.reads import drift as drift_reads
from runtime.store import Store
from terms.entitlement import ServiceState
from terms.ids import ServiceId, TargetName
from tests.flows.gateway.street import Street
from tests.flows.gateway.world import NORTH
from tests.simulators.process import RunningSimulator, start_simulator

ON = ("BASIC", "SPORT")


@pytest.fixture(scope="session")
def _racks() -> Iterator[Mapping[str, RunningSimulator]]:
    options = ("--count", "2", "--boot-s", "0.05")
    with (
        start_simulator("ssh", *options, "--seed", "a") as ssh,
        start_simulator("snmp", *options, "--seed", "b") as snmp,
    ):
        yield {"ssh": ssh, "snmp": snmp}


async def opened(
    store: Store, portal: RunningSimulator, racks: Mapping[str, RunningSimulator]
) -> Street:
    """Open a street whose boxes are as they left the factory."""
    for rack in racks.values():
        await rack.aadmin("/reset", {})
    street = Street(store, portal, racks)
    await street.open()
    return street


@pytest.fixture
async def street(store: Store, portal: RunningSimulator, _racks) -> AsyncIterator[Street]:
    """Return a street with boxes, once on each database."""
    made = await opened(store, portal, _racks)
    yield made
    await made.close()


@pytest.fixture
async def small_street(
    sqlite_store: Store, portal: RunningSimulator, _racks
) -> AsyncIterator[Street]:
    """Return a street on SQLite alone, where the database makes no difference."""
    made = await opened(sqlite_store, portal, _racks)
    yield made
    await made.close()


async def lit(street: Street, service: str = "s1", revision: int = 1) -> tuple[str, str]:
    """Have a household with a box of each kind lit; returns their serials."""
    serials = street.serials["ssh"][0], street.serials["snmp"][0]
    await street.move_in(service, *serials)
    await street.rights([service], ServiceState.ACTIVE, *ON, revision=revision)
    await street.work_through()
    return serials


async def looks(street: Street, serial: str) -> tuple[Any, ...]:
    """What a box itself shows: the picture, its packages, its revision."""
    box = await street.box(serial)
    return box["active"], box["packages"], box["revision"]


async def test_a_box_stays_on_with_an_account_that_the_guard_keeps_on(street: Street):
    """Whom a person keeps on has the picture: no box goes dark alone, and all do once approved."""
    serials = await lit(street)
    async with street.store.begin() as tx:
        portal = Configuration(
            name=NORTH,
            kind="ministra",
            options=street.options(),
            guard_share_percent=0,
            guard_floor=0,
        )
        await targets.configure(tx, street.sealer, portal)
    await street.rights(["s1"], ServiceState.SUSPENDED, *ON, revision=2)
    async with street.running():
        await street.until(street.parked)
    for _ in ("while a person is waited for", "once one has rejected it"):
        await look_again(street, serials)
        assert (await street.account("s1"))["status"] == 1
        assert [(await street.box(one))["active"] for one in serials] == [True, True]
        held = await street.parked()
        assert len(held) == 3
        assert all("guard" in reason for reason in held.values())
        async with street.store.begin() as tx:
            await guard.reject(tx, street.work, NORTH)
    async with street.store.begin() as tx:
        await guard.approve(tx, street.work, NORTH, subjects=["s1"])
    await street.work_through()
    assert (await street.account("s1"))["status"] == 0
    assert [(await street.box(one))["active"] for one in serials] == [False, False]
    assert not await street.parked()


async def look_again(street: Street, serials: Sequence[str]) -> None:
    """Have boxes looked at that have waited for their account long enough."""
    async with street.store.begin() as tx:
        for serial in serials:
            target = street.target_of(serial)
            key = key_of(street.ids[serial], target)
            await street.work.mark(tx, RECONCILE, [key], target=target)
    await street.work_through()


async def test_a_payment_is_seen_everywhere_and_a_suspension_the_right_way_round(street: Street):
    """Paid: portal and boxes are on, with packages. Suspended: the portal first, then the boxes."""
    serials = await lit(street)
    account = await street.account("s1")
    assert (account["status"], account["subscribed"]) == (1, ["sport"])
    for serial in serials:
        assert await looks(street, serial) == (True, ["basic", "sport"], "r-0001")
    await street.rights(["s1"], ServiceState.SUSPENDED, *ON, revision=2)
    await street.work_through()
    dark_at = (await street.changes("s1"))[-1]["at_ns"]
    assert (await street.account("s1"))["status"] == 0
    for serial in serials:
        assert await looks(street, serial) == (False, ["basic", "sport"], "r-0002")
        went_dark = [one for one in await street.done_to(serial) if "active" in one["after"]]
        assert went_dark[-1]["at_ns"] > dark_at
    assert not await street.parked()


async def test_a_box_without_power_ends_right_with_one_contact(street: Street):
    """Suspended, paid and suspended again while the plug is out: then it is written to once."""
    serials = await lit(street)
    before = {serial: len(await street.done_to(serial)) for serial in serials}
    for serial in serials:
        await street.tamper(serial, "power_off")
    async with street.running():
        for revision, state in (
            (2, ServiceState.SUSPENDED),
            (3, ServiceState.ACTIVE),
            (4, ServiceState.SUSPENDED),
        ):
            await street.rights(["s1"], state, *ON, revision=revision)
            await street.until(partial(carries, street, f"r{revision}"))
        for serial in serials:
            await street.tamper(serial, "power_on")
        await street.until(partial(is_proven, street))
    for serial in serials:
        active, packages, revision = await looks(street, serial)
        assert (active, packages) == (False, ["basic", "sport"])
        # A look that was under way when the plug went in may still carry the first suspension.
        assert revision in {"r-0002", "r-0004"}
        changes = [one["after"] for one in (await street.done_to(serial))[before[serial] :]]
        assert [one["active"] for one in changes if "active" in one] == [False]
        assert [one["revision"] for one in changes if "revision" in one] == [revision]


async def carries(street: Street, comment: str) -> bool:
    """Tell whether the portal carries this revision by now."""
    return bool((await street.account("s1"))["comment"] == comment)


async def is_proven(street: Street) -> bool:
    """Tell whether everything was seen to hold its wish, as it stands now."""
    there = (observed.c.subject == wish_table.c.subject) & (
        observed.c.target == wish_table.c.target
    )
    query = select(wish_table.c.revision, observed.c.revision.label("proven"))
    rows = await street.rows(query.select_from(wish_table.outerjoin(observed, there)))
    return all(row.revision == row.proven for row in rows)


async def test_a_returned_box_is_bare_and_the_next_household_gets_it(street: Street):
    """What comes back goes dark and empty; its next wish is newer than all it ever carried."""
    serials = await lit(street, revision=7)
    for serial in serials:
        await street.bring_back(serial)
    await street.work_through()
    for serial in serials:
        active, packages, revision = await looks(street, serial)
        assert (active, packages, revision) == (False, [], "r-0008")
    assert (await street.account("s1"))["status"] == 1
    await street.move_in("s2", *serials)
    await street.rights(["s2"], ServiceState.ACTIVE, "BASIC", revision=1)
    await street.work_through()
    for serial in serials:
        assert await looks(street, serial) == (True, ["basic"], "r-0009")
    owners = await street.rows(select(wish_table.c.service).where(wish_table.c.target == "ssh"))
    assert [row.service for row in owners] == ["s2"]


async def test_a_silent_box_is_not_missing_and_a_changed_one_is_repaired(street: Street):
    """A scan of boxes asks each: what was changed by hand is repaired, who is silent is left."""
    ssh, snmp = await lit(street)
    drift = Drift(street.work, street.targets)
    for serial in (ssh, snmp):
        await street.tamper(serial, "set", fields={"active": False, "packages": ["hd"]})
    for kind in ("ssh", "snmp"):
        report = await drift.scan(TargetName(kind))
        assert (report.seen, report.differing, report.missing, report.silent) == (1, 1, 0, 0)
    await street.tamper(snmp, "power_off")
    report = await drift.scan(TargetName("snmp"))
    assert (report.seen, report.missing, report.orphans) == (0, 0, 0)
    async with street.store.read() as tx:
        found = {one.ref: one for one in await drift_reads.open_drift(tx, rows_max=10)}
    assert found.keys() == {ssh, snmp}
    assert found[ssh].fields["enabled"] == ("no", "yes")
    await street.tamper(snmp, "power_on")
    await street.work_through()
    for serial in (ssh, snmp):
        assert (await looks(street, serial))[:2] == (True, ["basic", "sport"])
    for kind in ("ssh", "snmp"):
        await drift.scan(TargetName(kind))
    assert all(row.repaired_at for row in await street.rows(select(drift_table)))


async def test_what_was_found_of_a_silent_box_stays_open(small_street: Street):
    """A box that differs and then falls silent is not taken for repaired."""
    street = small_street
    _, snmp = await lit(street)
    await street.tamper(snmp, "set", fields={"active": False})
    drift = Drift(street.work, street.targets)
    target = TargetName("snmp")
    await drift.scan(target)
    claims = await street.work.claim("reconcile", target=target)
    async with street.store.begin() as tx:
        await street.work.complete(tx, claims)
    await street.tamper(snmp, "power_off")
    report = await drift.scan(target)
    assert report.silent == 1
    assert [row.repaired_at for row in await street.rows(select(drift_table))] == [None]
    await street.tamper(snmp, "power_on")


async def test_a_notice_is_on_every_screen_once(small_street: Street):
    """A message goes to the portal and to each box of the household, the same request once."""
    street = small_street
    serials = await lit(street)
    operate = Operate(street.work, street.targets)
    message = Action(name="message", params={"text": "Please pay by Friday."})
    for _ in range(2):
        told = await operate.perform(ServiceId("s1"), message, id="n1")
        assert [one.outcome for one in told] == [Outcome.DONE] * 3
    for serial in serials:
        box = await street.box(serial)
        assert (box["message"]["text"], box["shown"]) == (message.params["text"], 1)


async def test_one_box_that_refuses_us_holds_nobody_up(small_street: Street):
    """A box with another host key is parked alone; its target and its neighbour go on."""
    street = small_street
    first, second = street.serials["ssh"]
    await street.tamper(first, "new_host_key")
    await street.tamper(first, "power_off")
    await street.tamper(first, "power_on")
    await street.move_in("s1", first, second)
    await street.rights(["s1"], ServiceState.ACTIVE, *ON, revision=1)
    await street.work_through()
    ((_, reason),) = (await street.parked()).items()
    assert "another host key" in reason
    assert "technician" in reason
    assert (await looks(street, second))[0] is True
    assert not (await street.targets.open("ssh")).target.parked_at
