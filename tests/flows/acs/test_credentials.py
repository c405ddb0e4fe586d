"""A box gets secrets of its own at its first session, in two phases, and nobody else's."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from gateway.provisioning.tables import service_order
from terms.entitlement import ServiceState
from tests.flows.acs.caller import Caller, inform
from tests.flows.acs.world import MAP, MODEL, AcsWorld

BOOTSTRAP = {"bootstrap_username": "new-box", "bootstrap_password": "from the factory, all alike"}


async def given(world: AcsWorld, serial: str, username: str, password: str) -> None:
    """Have a box call with other credentials than it left the factory with."""
    fields = {"acs_username": username, "acs_password": password}
    await world.tamper("credentials", serial, fields=fields)


async def test_the_first_session_gives_a_box_its_own_secrets(world: AcsWorld, capfd):
    """After BOOTSTRAP both passwords are new; the old one is valid until the new one is seen."""
    serial = world.serials[0]
    old = world.papers[serial]["acs_password"]
    await world.household("s1", serial)
    async with world.open_to_boxes():
        await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", revision=1)
        await world.until(lambda: world.proven(1))
        await world.tamper("inform", serial, event="0 BOOTSTRAP")
        await world.until(lambda: world.knows(serial, "next_password"))
        fresh = world.boxes.known[serial].secrets["next_password"]
        assert world.boxes.known[serial].secrets["password"] == old
        await world.tamper("inform", serial, event="2 PERIODIC")
        await world.until(lambda: world.knows_no_more(serial, "next_password"))
        assert world.boxes.known[serial].secrets["password"] == fresh
        # It is rung by the new connection-request password.
        await world.rights(["s1"], ServiceState.SUSPENDED, "BASIC", revision=2)
        await world.until(lambda: world.holds(serial, active=False, revision=2))
    thief = Caller(world.url, world.papers[serial]["acs_username"], old)
    async with thief, world.listening():
        assert (await thief.post(inform(serial))).status == 401
    assert (await world.box(serial))["acs_password"] == fresh
    told = capfd.readouterr()
    for secret in (old, *world.boxes.known[serial].secrets.values()):
        assert secret not in told.err + told.out


@pytest.mark.parametrize("event", ["0 BOOTSTRAP", "1 BOOT", "2 PERIODIC"])
async def test_a_box_that_called_before_it_was_anybodys_is_given_secrets(
    small_world: AcsWorld, event: str
):
    """Its BOOTSTRAP was spent as a stranger's: it is given them at its next call of any kind."""
    world, serial = small_world, small_world.serials[0]
    old = world.papers[serial]["acs_password"]
    world.boxes.learn(world.papers[serial], is_given=False)
    async with world.open_to_boxes():
        await world.tamper("inform", serial, event="0 BOOTSTRAP")
        await world.until(lambda: world.called(serial, 1))
        assert not await world.knows(serial, "next_password")
        await world.hand_over("s1", serial)
        await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", revision=1)
        await world.composed(1)
        await world.tamper("inform", serial, event=event)
        await world.until(lambda: world.proven(1))
        await world.tamper("inform", serial, event="2 PERIODIC")
        await world.until(lambda: world.has_other_than(serial, old))
        await world.settled()
        await world.until(lambda: is_left_in_peace(world, serial))
    assert (await world.box(serial))["acs_password"] != old
    assert world.boxes.known[serial].is_given


async def is_left_in_peace(world: AcsWorld, serial: str) -> bool:
    """Have a box call; tell whether it was asked for nothing."""
    before = len(await world.sessions(serial))
    await world.tamper("inform", serial, event="2 PERIODIC")
    await world.until(lambda: world.called(serial, before + 1))
    return (await world.sessions(serial))[-1]["calls"] == []


@pytest.mark.parametrize("event", ["0 BOOTSTRAP", "2 PERIODIC"])
@pytest.mark.parametrize("lost", ["before", "after"])
async def test_a_lost_answer_leaves_both_passwords_valid(
    small_world: AcsWorld, event: str, lost: str
):
    """Whether or not the box took the secrets whose answer was lost, it is heard again."""
    world, serial = small_world, small_world.serials[0]
    await world.household("s1", serial)
    async with world.open_to_boxes():
        await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", revision=1)
        await world.until(lambda: world.proven(1))
        known = world.boxes.known[serial]
        world.boxes.known[serial] = replace(known, is_given=False)
        await world.hurt(f"reboot_in_set:{lost}:count=1")
        boots = (await world.box(serial))["boots"]
        await world.tamper("inform", serial, event=event)
        await world.until(lambda: world.booted(serial, boots + 1))
        await world.until(lambda: world.has_called_until_it_is_given(serial))
        await world.rights(["s1"], ServiceState.SUSPENDED, "BASIC", revision=2)
        await world.until(lambda: world.holds(serial, active=False, revision=2))
    fresh = world.boxes.known[serial].secrets["password"]
    assert (await world.box(serial))["acs_password"] == fresh
    assert world.boxes.known[serial].is_given


async def test_a_box_that_refuses_secrets_is_served_with_those_it_has(small_world: AcsWorld):
    """It is lit in the very session in which it refused them."""
    world, serial = small_world, small_world.serials[0]
    await world.household("s1", serial, is_given=False)
    await world.hurt("cwmp_fault:9001:match=SetParameterValues:count=1")
    async with world.open_to_boxes():
        await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", revision=1)
        await world.until(lambda: world.proven(1))
    assert (await world.box(serial))["active"]
    assert (await world.box(serial))["acs_password"] == world.papers[serial]["acs_password"]


async def test_a_box_that_takes_no_ring_is_served_when_it_calls(small_world: AcsWorld):
    """It refuses what we ring it by: that is told, and keeps nobody from watching who has paid."""
    world, serial = small_world, small_world.serials[0]
    await world.household("s1", serial)
    await world.tamper("credentials", serial, fields={"request_password": "another one"})
    async with world.open_to_boxes():
        await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", revision=1)

        async def is_told() -> bool:
            rows = await world.rows(select(service_order.c.error))
            return any("refuses the credentials" in (row.error or "") for row in rows)

        await world.until(is_told)
        assert not await world.parked()
        await world.tamper("inform", serial, event="2 PERIODIC")
        await world.until(lambda: world.proven(1))
    assert (await world.box(serial))["active"]


async def test_a_model_that_takes_no_secrets_is_given_none(small_world: AcsWorld):
    """What changes with its firmware alone is left as it is."""
    world, serial = small_world, small_world.serials[0]
    await world.configure(maps={MODEL: {**MAP, "takes_secrets": False}})
    await world.household("s1", serial, is_given=False)
    async with world.open_to_boxes():
        await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", revision=1)
        await world.until(lambda: world.proven(1))
    assert not await world.knows(serial, "next_password")


async def test_a_reset_box_is_heard_once_more_with_its_first_password(small_world: AcsWorld):
    """After a factory reset it holds what is wished again, and has another password again."""
    world, serial = small_world, small_world.serials[0]
    world.boxes.learn(world.papers[serial], is_first=True)
    await world.hand_over("s1", serial)
    async with world.open_to_boxes():
        await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", revision=1)
        await world.composed(1)
        await world.tamper("inform", serial, event="0 BOOTSTRAP")
        await world.until(lambda: world.holds(serial, active=True, revision=1))
        await world.until(lambda: world.knows(serial, "next_password"))
        await world.tamper("inform", serial, event="2 PERIODIC")
        await world.until(lambda: world.knows(serial, "password"))
        before = world.boxes.known[serial].secrets["password"]
        await world.tamper("factory_reset", serial)
        await world.until(lambda: world.knows(serial, "next_password"))
        await world.until(lambda: world.holds(serial, active=True, revision=1))
        assert world.boxes.known[serial].secrets["next_password"] != before
    first = world.papers[serial]
    thief = Caller(world.url, first["acs_username"], first["acs_password"])
    async with thief, world.listening(rest_s_max=0.01):
        assert (await thief.post(inform(serial, key="1"))).status == 200
        assert (await thief.post()).status == 204
    assert "factory" in world.boxes.strangers[-1].why


async def test_the_password_of_all_boxes_leads_to_an_assigned_box_alone(small_world: AcsWorld):
    """An assigned box without a password is given one; any other is a stranger without rights."""
    world = small_world
    await world.configure(**BOOTSTRAP)
    mine, stranger, owner = world.serials[:3]
    await world.hand_over("s1", mine)
    world.boxes.learn(world.papers[owner])
    await world.hand_over("s2", owner)
    async with world.open_to_boxes():
        await world.rights(["s1", "s2"], ServiceState.ACTIVE, "BASIC", revision=1)
        await world.composed(1)
        for serial in (mine, stranger, owner):
            await given(world, serial, *BOOTSTRAP.values())
            await world.tamper("inform", serial, event="0 BOOTSTRAP")
        await world.until(lambda: world.holds(mine, active=True, revision=1))
        await world.until(lambda: world.knows(mine, "next_password"))
        await world.until(lambda: world.noted(2))
        await world.tamper("inform", mine, event="2 PERIODIC")
        await world.until(lambda: world.knows(mine, "password"))
    assert {one.serial for one in world.boxes.strangers} == {stranger, owner}
    for serial in (stranger, owner):
        assert (await world.box(serial))["revision"] == ""
