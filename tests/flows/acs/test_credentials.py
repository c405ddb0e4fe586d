"""A box gets secrets of its own at its first session, in two phases, and nobody else's."""

from terms.entitlement import ServiceState
from tests.flows.acs.caller import Caller, inform
from tests.flows.acs.world import AcsWorld

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


async def test_a_lost_answer_leaves_the_old_password_valid(small_world: AcsWorld):
    """The box took the new secrets and its answer was lost: it is heard all the same."""
    world, serial = small_world, small_world.serials[0]
    await world.household("s1", serial)
    async with world.open_to_boxes():
        await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", revision=1)
        await world.until(lambda: world.proven(1))
        await world.hurt("reboot_in_set:after:count=1")
        await world.tamper("inform", serial, event="0 BOOTSTRAP")
        old = world.papers[serial]["acs_password"]
        await world.until(lambda: world.has_other_than(serial, old))
        await world.rights(["s1"], ServiceState.SUSPENDED, "BASIC", revision=2)
        await world.until(lambda: world.holds(serial, active=False, revision=2))


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
