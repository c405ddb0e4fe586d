"""A gateway with its ACS as a process of its own.

It may be killed and started again; its boxes are known as the purchase list has them. It may also
do nothing but answer boxes.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from runtime.bell import LocalBell
from runtime.store import Store
from runtime.work import Work
from tests.flows.acs.world import AcsWorld
from tests.services.forks import Fork, loaded

LEASE = timedelta(seconds=2)
SWEEP_S = 0.1


@contextmanager
def gateway(
    world: AcsWorld, folder: Path, *serials: str, answers_only: bool = False, **more: str
) -> Iterator[Fork]:
    """Run that process beside a test; it is killed where the test has not ended it.

    Boxes call it, wherever the world itself listens; `more` is for its environment.
    """
    config = {
        "database_url": world.database_url,
        "folder": str(folder),
        "port": world.called_port,
        "answers_only": answers_only,
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
        await stack.enter_async_context(world.listening(rest_s_max=6.0))
        if not config["answers_only"]:
            await stack.enter_async_context(world.running())
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await stop.wait()
    await world.close()
    await store.close()
