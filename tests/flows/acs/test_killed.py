"""The process that answers boxes is killed, or told to stop, in the middle of a session."""

import asyncio
import signal
from pathlib import Path

from sqlalchemy import select

from gateway.provisioning.tables import service_order
from terms.entitlement import ServiceState
from tests.flows.acs.process import gateway
from tests.flows.acs.world import AcsWorld

# The box has done what it was asked, and its answer takes its time.
SLOW_ANSWER = "slow:20s:skip=3:count=1"


async def written(world: AcsWorld, serial: str) -> None:
    """Wait until the box has done the write whose answer is held."""

    async def is_written() -> bool:
        return bool(await world.writes(serial))

    await world.until(is_written)


async def test_killed_during_a_session_it_ends_right(world: AcsWorld, tmp_path: Path):
    """Killed between the write and its answer and started again: lit, proven, written once."""
    serial = world.serials[0]
    await world.household("s1", serial)
    await world.hurt(SLOW_ANSWER)
    with gateway(world, tmp_path, serial) as process:
        await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", revision=1)
        await written(world, serial)
        process.kill()
        await asyncio.to_thread(process.wait)
        await world.hurt()
    with gateway(world, tmp_path, serial):
        await world.until(lambda: world.proven(1))
    box = await world.box(serial)
    assert (box["active"], box["revision"]) == (True, "1")
    assert len(await world.writes(serial)) == 1


async def test_told_to_stop_it_finishes_the_session(small_world: AcsWorld, tmp_path: Path):
    """SIGTERM in the middle of a session: the box's answer is taken; the process ends with 0."""
    world, serial = small_world, small_world.serials[0]
    await world.household("s1", serial)
    await world.hurt(SLOW_ANSWER)
    with gateway(world, tmp_path, serial) as process:
        await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", revision=1)
        await written(world, serial)
        process.send_signal(signal.SIGTERM)
        await world.hurt()  # the answer goes on at once
        assert await asyncio.to_thread(process.wait) == 0
    assert await world.proven(1)
    orders = await world.rows(select(service_order.c.outcome))
    assert [one.outcome for one in orders].count("done") == 1
