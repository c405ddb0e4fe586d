"""A gateway with its ACS as a process of its own.

It may be killed and started again; its boxes are known as the purchase list has them. It may also
do nothing but answer boxes, or nothing but tell households what there is to tell.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from app.wiring import Screens
from messages.deliver import Deliver
from messages.notify import KIND, Notices
from runtime.bell import LocalBell
from runtime.store import Store
from runtime.work import Lane, Work
from tests.flows.acs.world import AcsWorld
from tests.services.forks import Fork, loaded

LEASE = timedelta(seconds=2)
SWEEP_S = 0.1


@contextmanager
def gateway(
    world: AcsWorld, folder: Path, *serials: str, only: str = "", **more: str
) -> Iterator[Fork]:
    """Run that process beside a test; it is killed where the test has not ended it.

    Boxes call it, wherever the world itself listens. It does everything, or `only` one thing:
    "answers" boxes, or "notifies" households. `more` is for its environment.
    """
    config = {
        "database_url": world.database_url,
        "folder": str(folder),
        "port": world.called_port,
        "only": only,
        "boxes": [world.papers[serial] for serial in serials],
    }
    path = folder / "gateway.json"
    path.write_text(json.dumps(config))
    environment = {**os.environ, **more}
    process = loaded.start(f"{__name__}:main", [str(path)], environment=environment)
    try:
        assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def main() -> None:
    """Run that process, as the file says that is its one word."""
    asyncio.run(_main(json.loads(Path(sys.argv[1]).read_text())))


@asynccontextmanager
async def _notifying(world: AcsWorld, stop: asyncio.Event) -> AsyncIterator[None]:
    notices = Deliver(world.store, world.work, Notices(Screens(world.operate)))
    sweep = timedelta(seconds=SWEEP_S)
    task = asyncio.create_task(Lane(world.work, KIND, notices.handle, sweep=sweep).run(stop))
    yield
    await task


async def _main(config: dict[str, Any]) -> None:
    told = SimpleNamespace(told={"boxes": config["boxes"]}, url="")
    store = Store(config["database_url"], LocalBell())
    world = AcsWorld(store, cast("Any", told), Path(config["folder"]), port=config["port"])
    world.work = Work(store, world.work.clock, world.work.chance, lease=LEASE)
    world.composer.work = world.work
    world.pace = replace(world.pace, sweep_s=SWEEP_S, heartbeat_s=0.5)
    for papers in config["boxes"]:
        world.boxes.learn(papers)
        known = world.boxes.known[papers["serial"]]
        world.boxes.known[papers["serial"]] = replace(known, address=papers["request_url"])
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with AsyncExitStack() as stack:
        if config["only"] == "notifies":
            await stack.enter_async_context(_notifying(world, stop))
        else:
            await stack.enter_async_context(world.listening(rest_s_max=6.0))
        if not config["only"]:
            await stack.enter_async_context(world.running())
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await stop.wait()
    await world.close()
    await store.close()
