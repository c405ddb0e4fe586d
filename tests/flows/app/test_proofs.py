"""A box that proves itself by calling has proven itself, whatever became of the run before."""

from pathlib import Path

from app.roles.activations import activate_proven
from gateway.inventory import store as inventory
from gateway.inventory.model import ResourceState
from gateway.provisioning import orders
from gateway.provisioning.orders import Outcome
from tests.flows.app.district import District, district, open_to_boxes, until
from tests.simulators.process import RunningSimulator


async def state_of(made: District, serial: str) -> ResourceState:
    """Tell what the inventory knows of a box."""
    await activate_proven(made.house)
    async with made.house.store.read() as tx:
        return (await inventory.by_serial(tx, [serial]))[serial].state


async def paid_at_portal(made: District) -> bool:
    """Tell whether the household has paid, so that its portal is on."""
    return all((await made.portals()).values())


async def has_called(made: District, serial: str) -> bool:
    """Tell whether a box has told that it is new."""
    return not (await made.box(serial))["cwmp"]["new_to_acs"]


async def outcomes(made: District) -> list[Outcome]:
    """Tell how the newest story of the box ended, for people."""
    async with made.house.store.read() as tx:
        found = await orders.latest(tx, orders_max=20)
    return [one.outcome for one in found if one.target == "cwmp"][:1]


async def test_a_box_that_was_lost_while_it_did_as_asked_is_activated_by_its_call(
    migrated_url: str, tmp_path: Path, portal: RunningSimulator, provider: RunningSimulator
):
    """It did what was asked and answered no more: its next call is the proof, and it is active."""
    async with district(tmp_path, migrated_url, portal, provider, {"cwmp": 1}) as made:
        (serial,) = made.serials["cwmp"]
        async with open_to_boxes(made.house):
            await until(lambda: has_called(made, serial), "the box has called, as a stranger")
            await made.tamper(serial, "power_off")
            await made.move_in({1: [serial]})
            await until(lambda: paid_at_portal(made), "the household has paid")
            await made.come_to_rest()
            fault = f"reboot_in_set:after:count=1:match={serial}"
            await made.racks["cwmp"].aadmin("/faults", {"spec": fault})
            await made.tamper(serial, "power_on")
            await until(made.is_proven, "the box has proven itself")
            await made.hurry()
            await made.rest()
        assert (await made.racks["cwmp"].aadmin("/counters"))["faults"] == {"reboot_in_set": 1}
        assert (await made.box(serial))["active"]
        assert await state_of(made, serial) is ResourceState.ACTIVE
        assert await outcomes(made) == [Outcome.DONE]
