"""Each way in which a box or its link can be bad: who has paid watches, who has not does not."""

import pytest

from terms.entitlement import ServiceState
from tests.flows.acs.world import AcsWorld

# What befalls the box once, on its way from a payment to its picture.
ONCE = (
    "odd_xml:prefix",
    "odd_xml:pretty",
    "odd_xml:space",
    "odd_xml:count",
    "lost_link:between",
    "lost_link:answer",
    "nonce_replay",
    "torn_gzip",
    "wrong_password",
    "status_1",
    "cwmp_fault:9001:match=SetParameterValues",
    "cwmp_fault:9002:match=GetParameterValues",
    "reboot_in_set:before",
    "reboot_in_set:after",
    "slow:50ms",
)
# What it is like all the time.
ALWAYS = ("odd_values", "clock_1970", "nat")


def once(fault: str) -> str:
    """Word a fault that strikes once, in every envelope where it is one of envelopes."""
    return fault if fault.startswith("odd_xml") else f"{fault}:count=1"


@pytest.mark.parametrize("fault", [*map(once, ONCE), *ALWAYS])
async def test_the_box_ends_as_paid(small_world: AcsWorld, fault: str):
    """Paid, it is lit and proven; suspended, it is dark and proven, whatever the fault."""
    world, serial = small_world, small_world.serials[0]
    await world.household("s1", serial)
    async with world.open_to_boxes():
        await world.hurt(fault)
        await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", "SPORT", revision=1)
        await world.urged(serial, revision=1, active=True)
        await world.hurt(fault)
        await world.rights(["s1"], ServiceState.SUSPENDED, "BASIC", "SPORT", revision=2)
        await world.urged(serial, revision=2, active=False)
    box = await world.box(serial)
    assert (box["active"], box["revision"]) == (False, "2")


async def test_a_box_that_keeps_its_old_key_is_lit_and_proves_nothing(small_world: AcsWorld):
    """It watches, since it did what was asked; the row is parked and says what is wrong."""
    world, serial = small_world, small_world.serials[0]
    await world.household("s1", serial)
    await world.hurt("key_stuck")
    await world.tamper("set", serial, fields={"active": False})
    async with world.open_to_boxes():
        await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", revision=1)
        await world.until(world.parked)
    assert (await world.box(serial))["active"]
    assert "ParameterKey" in next(iter((await world.parked()).values()))
    assert not await world.proven(1)


async def test_a_box_that_says_nothing_more_holds_up_nobody(small_world: AcsWorld):
    """One box is silent in the middle of its session; another is lit meanwhile."""
    world = small_world
    silent, other = world.serials[:2]
    await world.household("s1", silent)
    await world.household("s2", other)
    async with world.open_to_boxes():
        await world.hurt(f"half_open:5s:match={silent}")
        await world.rights(["s1", "s2"], ServiceState.ACTIVE, "BASIC", revision=1)
        await world.until(lambda: world.holds(other, active=True, revision=1))
        await world.hurt()
        await world.tamper("crash", silent)
        await world.until(lambda: world.holds(silent, active=True, revision=1))
