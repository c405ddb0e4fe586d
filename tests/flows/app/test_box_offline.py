"""A household with a box of each kind, whose plugs are out while its bill is paid and is not."""

from datetime import timedelta
from pathlib import Path

from tests.flows.app.district import District, district, open_to_boxes, until
from tests.flows.app.operator import contract_of
from tests.flows.app.shop import BAD, GOOD
from tests.simulators.process import RunningSimulator

MONTH, WEEK = timedelta(days=31), timedelta(days=7)
TOLD = timedelta(days=3)  # the ladder's first notice
KINDS = ("ssh", "snmp", "cwmp")
ONE = 1
TEXT = "Device.UserInterface.Messages.Text"


async def suspended(made: District) -> None:
    """Let an invoice come that nobody pays, until the portal is dark."""
    await made.use_card(ONE, BAD)
    for step in (MONTH, TOLD, WEEK):
        await made.advance(step)
        await made.come_to_rest("settle", "collect", "compose", "notify")
    await portal_is(made, on=False)


async def paid(made: District, reference: str) -> None:
    """Have all paid that is owed, until the portal is on."""
    await made.use_card(ONE, GOOD)
    assert await made.pay_debt(ONE, reference)
    await portal_is(made, on=True)


async def portal_is(made: District, *, on: bool) -> None:
    """Wait until the portal is on or dark."""

    async def is_so() -> bool:
        return (await made.portals())[ONE] is on

    await until(is_so, "the portal follows")


async def went_dark_at(made: District) -> int:
    """Tell when the portal was switched off last."""
    mine = [one for one in await made.writes() if one["subject"] == contract_of(ONE)]
    return int([one["at_ns"] for one in mine if one["after"].get("status") == 0][-1])


async def test_suspended_paid_and_suspended_without_power_is_one_contact(
    migrated_url: str, tmp_path: Path, portal: RunningSimulator, provider: RunningSimulator
):
    """The portal follows each time. With power again each box is told once, the last word alone."""
    async with district(tmp_path, migrated_url, portal, provider, dict.fromkeys(KINDS, 1)) as made:
        serials = [made.serials[kind][0] for kind in KINDS]
        await made.move_in({ONE: serials})
        async with open_to_boxes(made.house):
            await until(lambda: all_on(made), "everything is on")
            await made.come_to_rest()
            marks = [await made.mark(serial) for serial in serials]
            for serial in serials:
                await made.tamper(serial, "power_off")
            await suspended(made)
            await paid(made, "cash")
            await suspended(made)
            assert set((await made.pictures()).values()) == {True}  # they would still be lit
            for serial in serials:
                await made.tamper(serial, "power_on")
            await made.hurry()
            await until(made.is_proven, "every box was seen to be dark")
            assert set((await made.pictures()).values()) == {False}
            dark_at = await went_dark_at(made)
            for serial, mark in zip(serials, marks, strict=True):
                told = await made.done_to(serial, mark)
                # A notice has waited for a box that calls; whoever reads it is told once.
                state = [one for one in told if TEXT not in one["after"]]
                names = [name for one in state for name in one["after"]]
                assert len(names) == len(set(names)), f"told twice: {told}"
                texts = [one["after"][TEXT] for one in told if TEXT in one["after"]]
                assert len(texts) == len(set(texts)), f"read twice: {texts}"
                assert min(one["at_ns"] for one in told) > dark_at
            await made.rest()


async def all_on(made: District) -> bool:
    """Tell whether every box and the portal are on."""
    return all([*(await made.pictures()).values(), *(await made.portals()).values()])
