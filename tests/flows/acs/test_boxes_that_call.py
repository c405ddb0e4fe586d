"""Rights become what a box holds, by the box's own call."""

from sqlalchemy import select

from gateway.adapters.sdk import Action
from gateway.provisioning.orders import Outcome
from gateway.provisioning.tables import service_order
from runtime.log import log_entry
from terms.entitlement import ServiceState
from terms.ids import ServiceId
from tests.flows.acs.world import AcsWorld


async def test_a_payment_reaches_the_box_by_a_ring(world: AcsWorld):
    """A box that is rung calls, is lit in its session, and proves it by its ParameterKey."""
    serial = world.serials[0]
    await world.household("s1", serial)
    async with world.open_to_boxes():
        await world.rights(["s1"], ServiceState.PENDING, "BASIC", revision=1)
        await world.until(lambda: world.holds(serial, active=False, revision=1))
        await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", "SPORT", revision=2)
        await world.until(lambda: world.proven(2))
        await world.settled()
    box = await world.box(serial)
    assert (box["active"], box["packages"], box["revision"]) == (True, ["basic", "sport"], "2")
    query = select(service_order).order_by(service_order.c.id)
    done = [one for one in await world.rows(query) if one.outcome == Outcome.DONE]
    assert [one.revision for one in done] == [1, 2]
    facts = await world.rows(select(log_entry).where(log_entry.c.kind == "box.proven"))
    assert len(facts) == 2


async def test_a_box_that_was_off_ends_right_with_one_contact(world: AcsWorld):
    """Suspended, paid and suspended while it is without power: dark after its first call."""
    serial = world.serials[0]
    await world.household("s1", serial)
    async with world.open_to_boxes():
        await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", revision=1)
        await world.until(lambda: world.proven(1))
        await world.tamper("power_off", serial)
        before = len(await world.writes(serial))
        for revision, state in enumerate(
            (ServiceState.SUSPENDED, ServiceState.ACTIVE, ServiceState.SUSPENDED), start=2
        ):
            await world.rights(["s1"], state, "BASIC", revision=revision)
            await world.composed(revision)
        await world.tamper("power_on", serial)
        await world.until(lambda: world.holds(serial, active=False, revision=4))
        await world.until(lambda: world.proven(4))
    assert len(await world.writes(serial)) == before + 1


async def test_a_box_that_proves_its_revision_is_asked_for_nothing(world: AcsWorld):
    """A box calls with the right key, is let go at once, and was seen."""
    serial = world.serials[0]
    await world.household("s1", serial)
    async with world.open_to_boxes():
        await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", revision=1)
        await world.until(lambda: world.proven(1))
        await world.settled()
        seen_at = (await world.sightings())[0].seen_at
        await world.tamper("inform", serial, event="2 PERIODIC")

        async def is_seen_anew() -> bool:
            return bool((await world.sightings())[0].seen_at > seen_at)

        await world.until(is_seen_anew)
    assert (await world.sessions(serial))[-1] == {
        "events": ["2 PERIODIC"],
        "retries": 0,
        "calls": [],
        "broken": "",
    }


async def test_a_change_by_hand_is_told_and_mended(small_world: AcsWorld):
    """A box that tells by VALUE CHANGE that it was switched on by hand is dark again."""
    world, serial = small_world, small_world.serials[0]
    await world.household("s1", serial)
    async with world.open_to_boxes():
        await world.rights(["s1"], ServiceState.SUSPENDED, "BASIC", revision=3)
        await world.until(lambda: world.proven(3))
        await world.tamper("set", serial, fields={"active": True}, notify=True)
        await world.until(lambda: world.holds(serial, active=False, revision=3))


async def test_a_package_the_box_does_not_know_is_named(small_world: AcsWorld):
    """The row is parked with the code, and the box holds the rest."""
    world, serial = small_world, small_world.serials[0]
    await world.tamper("set", serial, fields={"known_packages": ["basic"]})
    await world.household("s1", serial)
    async with world.open_to_boxes():
        await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", "SPORT", revision=1)
        await world.until(world.parked)
    assert "'sport'" in next(iter((await world.parked()).values()))
    box = await world.box(serial)
    assert (box["active"], box["packages"]) == (True, ["basic"])


async def test_a_message_and_a_restart_are_done_in_a_session(small_world: AcsWorld):
    """A message and a restart are done once, in a session of the box, with the proof."""
    world, serial = small_world, small_world.serials[0]
    await world.household("s1", serial)
    async with world.open_to_boxes():
        await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", revision=1)
        await world.until(lambda: world.proven(1))
        text = Action(name="message", params={"text": "Please pay"})
        (told,) = await world.operate.perform(ServiceId("s1"), text, id="notice-1")
        assert told.outcome is Outcome.DONE
        assert (await world.box(serial))["message"]["text"] == "Please pay"
        boots = (await world.box(serial))["boots"]
        reboot = Action(name="reboot")
        (told,) = await world.operate.perform(ServiceId("s1"), reboot, id="reboot-1")
        assert told.outcome is Outcome.DONE
    box = await world.box(serial)
    assert (box["boots"], box["active"], box["revision"]) == (boots + 1, True, "1")
