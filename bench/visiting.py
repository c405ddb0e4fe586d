"""People who look at pages, in a process of their own: `python -m bench.visiting`.

Each is signed in, looks at one page after the other and reads for a moment in between. What to do
comes in as the first line of standard input; where that ends, everybody leaves and what was seen
comes out.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

ROOT = Path(__file__).parents[1]
OK = 200
DEADLINE_S = 30.0


@dataclass(slots=True)
class Seen:
    """The milliseconds of each answer by kind of page, and what was no page."""

    pages_ms: dict[str, list[float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    @property
    def all_ms(self) -> list[float]:
        """Every answer's."""
        return [one for kind in self.pages_ms.values() for one in kind]


@dataclass(slots=True, kw_only=True)
class Visit:
    """Who comes: their cookies, the paths of each kind of page, how long a page is read."""

    url: str
    cookies: Sequence[str]
    paths: Mapping[str, Sequence[str]]
    reads_s: float


@asynccontextmanager
async def visiting(visit: Visit, seen: Seen) -> AsyncIterator[None]:
    """Have people look at pages until the block is left; then tell what they have seen."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.visiting"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None  # noqa: S101 - asked for above
    task = {name: getattr(visit, name) for name in ("url", "cookies", "paths", "reads_s")}
    process.stdin.write(json.dumps(task).encode() + b"\n")
    await process.stdin.drain()
    try:
        yield
    finally:
        told, _ = await process.communicate()
    found = json.loads(told)
    seen.pages_ms, seen.failures = found["pages_ms"], found["failures"]


async def _visit(task: Mapping[str, Any]) -> Seen:
    seen = Seen()
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), over.set)  # nothing more is said: its end is meant
    timeout = aiohttp.ClientTimeout(total=DEADLINE_S)
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(
            task["url"], timeout=timeout, connector=connector, cookie_jar=aiohttp.DummyCookieJar()
        ) as session,
        asyncio.TaskGroup() as group,
    ):
        for number, cookie in enumerate(task["cookies"]):
            group.create_task(
                _look_around(session, cookie, task, random.Random(number), seen, over)
            )  # noqa: S311
    return seen


async def _look_around(
    session: aiohttp.ClientSession,
    cookie: str,
    task: Mapping[str, Any],
    dice: random.Random,
    seen: Seen,
    over: asyncio.Event,
) -> None:
    kinds = list(task["paths"])
    while not over.is_set():
        for kind in dice.sample(kinds, len(kinds)):
            if await _read(over, dice.expovariate(1 / task["reads_s"])):
                return
            path = dice.choice(task["paths"][kind])
            begun = time.perf_counter()
            async with session.get(
                path, headers={"Cookie": cookie}, allow_redirects=False
            ) as answer:
                await answer.read()
            took_ms = (time.perf_counter() - begun) * 1_000
            if answer.status == OK:
                seen.pages_ms.setdefault(kind, []).append(took_ms)
            else:
                seen.failures.append(f"{path}: HTTP {answer.status}")


async def _read(over: asyncio.Event, seconds: float) -> bool:
    """Read a page for a moment; True where it is time to go."""
    try:
        async with asyncio.timeout(seconds):
            await over.wait()
    except TimeoutError:
        return False
    return True


if __name__ == "__main__":
    found = asyncio.run(_visit(json.loads(sys.stdin.buffer.raw.readline())))
    told = {"pages_ms": found.pages_ms, "failures": found.failures}
    sys.stdout.write(json.dumps(told))
