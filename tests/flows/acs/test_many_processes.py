"""Boxes call whichever process they reach, and what was wished in another one is done there."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from itertools import cycle
from pathlib import Path

import pytest
from sqlalchemy import select

from gateway.adapters.sdk import Action
from gateway.provisioning.orders import Outcome
from gateway.provisioning.tables import errand, service_order
from messages.notify import KIND
from messages.store import delivery
from runtime import log
from runtime.crash import AT
from runtime.store import Store
from terms.entitlement import ServiceState
from terms.ids import NoticeId, ServiceId
from terms.notice import Notice
from tests.flows.acs.caller import Caller, inform
from tests.flows.acs.process import gateway
from tests.flows.acs.world import HOST, AcsWorld, free_port

S1 = ServiceId("s1")
TEXT = "Please pay by Friday."
REBOOT = Action(name="reboot")


def message(world: AcsWorld, within_s: float | None = None) -> Action:
    """Word a message, which may wait for a box so long."""
    now = world.work.clock.machine_now()
    until = None if within_s is None else now + timedelta(seconds=within_s)
    return Action(name="message", params={"text": TEXT}, not_after=until)


async def lit(world: AcsWorld, serial: str) -> None:
    """Wait until the box of a household is lit."""
    await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", revision=1)
    await world.until(lambda: world.proven(1))


async def shown(world: AcsWorld, serial: str) -> int:
    """Count how often a text was put on the screen of a box."""
    places = [name for entry in await world.writes(serial) for name in entry["after"]]
    return places.count("Device.UserInterface.Messages.Text")


async def journal(world: AcsWorld, cause: str) -> list[str]:
    """List how what was done once has ended."""
    query = select(service_order.c.outcome).where(service_order.c.cause == cause)
    return [row.outcome for row in await world.rows(query)]


async def test_what_one_process_wishes_is_done_by_the_one_that_is_called(
    world: AcsWorld, tmp_path: Path
):
    """The asker listens, too, but no box calls it: message, restart and reset are done and told."""
    serial = world.serials[0]
    await world.household("s1", serial)
    world.move(free_port())
    async with world.open_to_boxes():
        with gateway(world, tmp_path, serial, only="answers"):
            await lit(world, serial)
            (told,) = await world.operate.perform(S1, message(world), id="m")
            assert told.outcome is Outcome.DONE
            assert (await world.box(serial))["message"]["text"] == TEXT
            boots = (await world.box(serial))["boots"]
            (told,) = await world.operate.perform(S1, REBOOT, id="r")
            assert (told.outcome, told.error) == (Outcome.DONE, "")
            assert (await world.box(serial))["boots"] == boots + 1
            (told,) = await world.operate.perform(S1, Action(name="factory_reset"), id="f")
            assert told.outcome is Outcome.DONE
            await world.until(lambda: world.holds(serial, active=True, revision=1))
            (told,) = await world.operate.perform(S1, message(world), id="m")
            assert told.outcome is Outcome.DONE
    assert await shown(world, serial) == 1


async def test_killed_when_it_was_about_to_show_it_nobody_shows_it(world: AcsWorld, tmp_path: Path):
    """What is begun is never begun again: it is told as not known, and the screen stays empty."""
    serial = world.serials[0]
    await world.configure(deadline_s=5.0)
    await world.household("s1", serial)
    world.move(free_port())
    async with world.open_to_boxes():
        dying = {AT: "after_begin"}
        with gateway(world, tmp_path, serial, only="answers", **dying) as process:
            await lit(world, serial)
            (told,) = await world.operate.perform(S1, message(world, 60), id="m")
            assert told.outcome is Outcome.UNKNOWN
            assert await asyncio.to_thread(process.wait) == -signal.SIGKILL
        with gateway(world, tmp_path, serial, only="answers"):
            before = len(await world.sessions(serial))
            await world.tamper("inform", serial, event="2 PERIODIC")
            await world.until(lambda: world.called(serial, before + 1))
            (told,) = await world.operate.perform(S1, message(world, 60), id="m")
            assert told.outcome is Outcome.UNKNOWN
    assert await shown(world, serial) == 0
    assert await journal(world, "message") == ["unknown"]


async def test_killed_with_a_notice_recorded_it_is_told_unknown(world: AcsWorld, tmp_path: Path):
    """The worker dies before it asks anything of the box: another one says so, and shows nothing.

    Nobody can tell from the record whether it was shown, so it is never sent again; the box calls
    and finds nothing that waits.
    """
    serial = world.serials[0]
    await world.household("s1", serial)
    async with world.open_to_boxes():
        await lit(world, serial)
        dying = {AT: "after_record"}
        with gateway(world, tmp_path, serial, only="notifies", **dying) as process:
            await announce(world)
            assert await asyncio.to_thread(process.wait) == -signal.SIGKILL
        assert await outcome(world) == "begun"
        with gateway(world, tmp_path, serial, only="notifies"):

            async def is_told() -> bool:
                return await outcome(world) == "unknown"

            await world.until(is_told)
        before = len(await world.sessions(serial))
        await world.tamper("inform", serial, event="2 PERIODIC")
        await world.until(lambda: world.called(serial, before + 1))
    assert await shown(world, serial) == 0
    assert await journal(world, "message") == []


async def announce(world: AcsWorld) -> None:
    """Have something to tell household s1."""
    now = world.work.clock.machine_now()
    notice = Notice(
        id=NoticeId("n1"),
        service=S1,
        kind="restored",
        not_after=now + timedelta(hours=1),
        params={},
        locale="en",
    )
    entry = log.Entry(id=notice.id, kind="notice", key=S1, value=notice.encode(), at=now)
    async with world.store.begin() as tx:
        await log.append(tx, [entry])
        await world.work.mark(tx, KIND, [notice.id])


async def outcome(world: AcsWorld) -> str:
    """Tell what became of it."""
    (row,) = await world.rows(select(delivery.c.outcome))
    return str(row.outcome)


async def test_a_notice_waits_for_a_box_that_is_off(world: AcsWorld, tmp_path: Path):
    """It is shown once when the box calls in time, and told so whether or not anybody asks."""
    serial = world.serials[0]
    await world.household("s1", serial)
    world.move(free_port())
    async with world.open_to_boxes():
        with gateway(world, tmp_path, serial, only="answers"):
            await lit(world, serial)
            await world.tamper("power_off", serial)
            for _ in range(2):
                (told,) = await world.operate.perform(S1, message(world, 300), id="m")
                assert told.outcome is Outcome.PENDING
            await world.tamper("power_on", serial)

            async def is_told() -> bool:
                return await journal(world, "message") == ["done"]

            await world.until(is_told)
            (told,) = await world.operate.became("m")
            assert told.outcome is Outcome.DONE
            (told,) = await world.operate.perform(S1, message(world, 300), id="m")
            assert told.outcome is Outcome.DONE
    assert await shown(world, serial) == 1


async def test_a_notice_whose_time_is_over_is_not_shown(small_world: AcsWorld):
    """The box calls too late: it is told as not shown, and nothing waits any more."""
    world, serial = small_world, small_world.serials[0]
    await world.household("s1", serial)
    async with world.open_to_boxes():
        await lit(world, serial)
        await world.tamper("power_off", serial)
        (told,) = await world.operate.perform(S1, message(world, 1.0), id="m")
        assert told.outcome is Outcome.PENDING
        await asyncio.sleep(1.1)  # its time, and nothing else
        before = len(await world.sessions(serial))
        await world.tamper("power_on", serial)
        await world.until(lambda: world.called(serial, before + 1))

        async def is_told() -> bool:
            return await journal(world, "message") == ["failed"]

        await world.until(is_told)
        (told,) = await world.operate.became("m")
    assert "did not call in time" in told.error
    assert [row.stage for row in await world.rows(select(errand.c.stage))] == ["failed"]
    assert await shown(world, serial) == 0


async def test_without_a_time_nobody_waits(small_world: AcsWorld):
    """A restart of a box that is off fails at once, for certain, and is not done afterwards."""
    world, serial = small_world, small_world.serials[0]
    await world.household("s1", serial)
    async with world.open_to_boxes():
        await lit(world, serial)
        await world.tamper("power_off", serial)
        boots = (await world.box(serial))["boots"]
        (told,) = await world.operate.perform(S1, REBOOT, id="r")
        assert told.outcome is Outcome.FAILED
        before = len(await world.sessions(serial))
        await world.tamper("power_on", serial)
        await world.until(lambda: world.called(serial, before + 1))
        await world.settled()
        assert (await world.box(serial))["boots"] == boots + 1
        (told,) = await world.operate.perform(S1, REBOOT, id="r")
        assert told.outcome is Outcome.DONE
        assert (await world.box(serial))["boots"] == boots + 2


# -- two listeners behind one address


@pytest.fixture
async def second(world: AcsWorld, tmp_path: Path) -> AsyncIterator[AcsWorld]:
    """Return another house on the same database; each listens at a port of its own."""
    store = Store(world.database_url)
    made = AcsWorld(store, world.fleet, tmp_path, port=world.called_port)
    made.boxes.known = world.boxes.known  # what the inventory shares
    world.move(free_port())
    made.move(free_port())
    yield made
    await made.close()
    await store.close()


@asynccontextmanager
async def round_robin(port: int, ports: tuple[int, ...]) -> AsyncIterator[None]:
    """Hand each connection to the next of these ports."""
    turns = cycle(ports)

    async def pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while part := await source.read(65_536):
                sink.write(part)
                await sink.drain()
        sink.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(HOST, next(turns))
        await asyncio.gather(pipe(reader, there[1]), pipe(there[0], writer))

    async with await asyncio.start_server(serve, HOST, port):
        yield


async def test_boxes_behind_a_round_robin_end_as_paid(world: AcsWorld, second: AcsWorld):
    """Each call reaches the other process: all are lit, told once, and dark when it is over."""
    serials, services = world.serials[:6], [f"s{number}" for number in range(1, 7)]
    for service, serial in zip(services, serials, strict=True):
        await world.household(service, serial)
    ports = (world.settings.acs_port, second.settings.acs_port)
    async with (
        world.open_to_boxes(),
        second.open_to_boxes(),
        round_robin(world.called_port, ports),
    ):
        await world.rights(services, ServiceState.ACTIVE, "BASIC", revision=1)
        await world.until(lambda: world.proven(1))
        asked = (
            one.operate.perform(ServiceId(service), message(world, 60), id=service)
            for one in (world, second)
            for service in services
        )
        await asyncio.gather(*asked)

        async def all_told() -> bool:
            return set(await journal(world, "message")) == {"done"}

        await world.until(all_told)
        await second.rights(services, ServiceState.SUSPENDED, "BASIC", revision=2)
        await world.until(lambda: world.proven(2))
    for serial in serials:
        box = await world.box(serial)
        assert (box["active"], await shown(world, serial)) == (False, 1)


async def test_a_session_is_at_one_process_and_begins_anew_at_another(
    world: AcsWorld, second: AcsWorld
):
    """What one asks is answered to the other; what was begun at one is a bad request there."""
    serial = world.serials[0]
    papers = world.papers[serial]
    world.boxes.learn(papers)
    await world.hand_over("s1", serial)
    async with world.running():
        await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", revision=1)
        await world.composed(1)
    async with (
        world.listening(rest_s_max=0.01),
        second.listening(rest_s_max=0.01),
        Caller(world.url, papers["acs_username"], papers["acs_password"]) as box,
    ):
        await box.challenged()
        assert (await box.post(inform(serial))).status == 200
        first = await box.post()
        assert b"GetParameterValues" in first.body
        box.url = second.url
        cut = await box.post()
        assert (cut.status, cut.headers["Connection"]) == (400, "close")
        assert (await box.post(inform(serial, retries=1))).status == 200
        # The first process still has the row: nobody works beside it.
        assert (await box.post()).status == 204
        box.url, box.cookie = world.url, ""
        assert (await box.post(inform(serial, event="1 BOOT"))).status == 200
