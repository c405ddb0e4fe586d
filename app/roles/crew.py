"""The tasks of one process: started together, watched, and brought to rest together.

A task that ends before it was told to is a failure of the whole process: whoever started it starts
it again. Rest has a limit; what is still running then is cut off, and its leases run out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from functools import partial

from app.roles import calling, dunning, intake, recover, reward, scheduler, settle
from app.roles.leading import Leading, Running
from app.roles.pace import BESIDE_OTHERS, MARKED_AT_WORK, Pace
from app.wiring import House
from messages import announcing, notify
from messages.letters.channel import Post
from messages.sms.channel import ShortMessages
from runtime.lead import Lead
from runtime.memory import settle_down
from runtime.store.lease import Engine
from runtime.telemetry import get_log
from runtime.work import Cause, Handler, Lane, Stride
from runtime.work.rows import CLAIM_ROWS_MAX

log = get_log()

DRAIN_S = 9.0
COMPOSE = "compose"
CLOCK = "clock"
COMPOSE_ROWS_MAX = 500
REWARD_ROWS_MAX = 50


class Role(StrEnum):
    """What a process is for."""

    ALL = "all"
    WEB = "web"
    WORKER = "worker"
    SCHEDULER = "scheduler"
    ACS = "acs"


def duties(house: House, role: Role) -> dict[str, Running]:
    """Name everything a role keeps running, the listeners apart."""
    marked = MARKED_AT_WORK if role is Role.WORKER else BESIDE_OTHERS
    work: dict[str, Running] = {name: lane.run for name, lane in lanes(house, marked).items()}
    work["reconcile"] = house.reconciler.run
    clock = _by_the_clock(house)
    ears: dict[str, Running] = {"ears": lambda stop: scheduler.hear_others(house, stop)}
    return {
        Role.ALL: {**work, **clock, **ears},
        Role.WEB: ears,
        Role.WORKER: {**work, **ears},
        Role.SCHEDULER: {**clock, **ears},
        Role.ACS: ears,
    }[role]


def _by_the_clock(house: House) -> dict[str, Running]:
    """Name what happens by the clock: done by whoever has the lead, where several might."""
    clock: dict[str, Running] = {
        "drift": lambda stop: scheduler.scan_for_drift(house, stop),
        "usage": lambda stop: scheduler.read_usage(house, stop),
        "activations": lambda stop: scheduler.activate_boxes(house, stop),
        "facts": lambda stop: scheduler.take_facts(house, stop),
        "pictures": lambda stop: scheduler.time_pictures(house, stop),
        "lost": lambda stop: scheduler.find_lost(house, stop),
        "earned": lambda stop: scheduler.earn_revenue(house, stop),
        "deeds": lambda stop: scheduler.chain_deeds(house, stop),
        "answers": lambda stop: scheduler.forget_answers(house, stop),
        "messages": lambda stop: scheduler.forget_messages(house, stop),
        "points": lambda stop: scheduler.expire_points(house, stop),
        "polls": lambda stop: scheduler.poll_providers(house, stop),
        "cards": lambda stop: scheduler.warn_of_ends(house, stop),
        "names": lambda stop: scheduler.describe_methods(house, stop),
        "debits": lambda stop: scheduler.book_debits(house, stop),
    }
    if house.store.is_sqlite:  # which one process has for itself
        return clock | {"checkpoint": lambda stop: scheduler.checkpoint(house, stop)}
    lease_s, heartbeat_s = house.settings.lease_s, house.settings.heartbeat_s
    lease = timedelta(seconds=lease_s)
    lead = Lead(house.store, house.clock, house.chance, CLOCK, lease=lease)
    leading = Leading(lead, clock, heartbeat_s=heartbeat_s, lease_s=lease_s)
    return {CLOCK: leading.run}


def lanes(house: House, marked: Mapping[Engine, Pace] = BESIDE_OTHERS) -> dict[str, Lane]:
    """Make the lanes of every kind of work but `reconcile`, which has one for each target.

    Who pays waits for no bill run: accounts that something happened to have a lane for themselves.
    """
    made = [
        _lane(house, intake.KIND, intake.handler(house)),
        settling(house, marked, Cause.MARK),
        settling(house, BESIDE_OTHERS, Cause.TIME),
        *(
            _lane(house, flow.kind, calling.handler(house, flow), rows_max=flow.rows_max)
            for flow in calling.FLOWS
        ),
        _lane(house, dunning.KIND, dunning.handler(house), rows_max=dunning.ROWS_MAX),
        _lane(house, recover.KIND, recover.handler(house), rows_max=recover.ROWS_MAX),
        _lane(house, reward.KIND, reward.handler(house), rows_max=REWARD_ROWS_MAX),
        _lane(house, COMPOSE, house.composer.handle, rows_max=COMPOSE_ROWS_MAX),
        _lane(house, notify.KIND, partial(house.dispatch.handle, house.notices)),
        _lane(house, announcing.KIND, house.announcements.handle, rows_max=1),
        _lane(house, ShortMessages.kind, house.short.handle, rows_max=ShortMessages.in_flight_max),
        # A batch is one talk long: whoever is told to stop has begun nothing that he cannot finish.
        _lane(house, Post.kind, house.mailing.handle, rows_max=Post.in_flight_max),
    ]
    return {lane.name: lane for lane in made}


def settling(house: House, paces: Mapping[Engine, Pace], cause: Cause | None = None) -> Lane:
    """Make a lane of settling: of what is due by one cause, or of all."""
    pace = paces[house.store.engine]
    stride = Stride(rows_min=pace.rows_min, rows_max=pace.rows_max, within_s=pace.within_s)
    handler = settle.handler(house, stride, loop_weight=pace.within_s / pace.loop_s)
    return _lane(house, settle.KIND, handler, cause=cause, stride=stride, abreast=pace.abreast)


def _lane(
    house: House,
    kind: str,
    handler: Handler,
    *,
    cause: Cause | None = None,
    rows_max: int = CLAIM_ROWS_MAX,
    stride: Stride | None = None,
    abreast: int = 1,
) -> Lane:
    return Lane(
        house.work,
        kind,
        handler,
        cause=cause,
        rows_max=rows_max,
        stride=stride,
        abreast=abreast,
        heartbeat=timedelta(seconds=house.settings.heartbeat_s),
        sweep=timedelta(seconds=house.settings.sweep_s),
    )


class Crew:
    """The running duties of one process."""

    def __init__(self, running: Mapping[str, Running]) -> None:
        self._running = running
        self._stop = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Start every duty."""
        settle_down()
        for name, run in self._running.items():
            self._tasks[name] = asyncio.create_task(_awaited(run, self._stop), name=name)

    @property
    def alive(self) -> dict[str, bool]:
        """Tell of each duty whether it still runs."""
        return {name: not task.done() for name, task in self._tasks.items()}

    async def first_end(self) -> str:
        """Wait until a duty ends by itself and name it."""
        if not self._tasks:
            await asyncio.Event().wait()
        done, _ = await asyncio.wait(self._tasks.values(), return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if not task.cancelled() and (error := task.exception()):
                log.error("duty.failed", duty=task.get_name(), exc_info=error)
        return done.pop().get_name()

    async def rest(self) -> None:
        """Let every duty finish what it holds, within the limit."""
        self._stop.set()
        tasks = list(self._tasks.values())
        # The ears have nothing to finish.
        if ears := self._tasks.get("ears"):
            ears.cancel()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=DRAIN_S)
            for task in late:
                log.warning("duty.cut_off", duty=task.get_name())
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _awaited(run: Running, stop: asyncio.Event) -> None:
    await run(stop)
