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
        told, _ = await process.communicate(b"")
    found = json.loads(told)
    seen.pages_ms, seen.failures = found["pages_ms"], found["failures"]


async def _visit(task: Mapping[str, Any]) -> Seen:
    seen = Seen()
    over = asyncio.Event()
    # Nothing more is said: what comes is the end.
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), over.set)
    async with (
        aiohttp.ClientSession(
            task["url"],
            timeout=aiohttp.ClientTimeout(total=DEADLINE_S),
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as session,
        asyncio.TaskGroup() as group,
    ):

        async def look(number: int) -> None:
            async for kind, path, status, took_ms in _look_around(session, number, task, over):
                if status == OK:
                    seen.pages_ms.setdefault(kind, []).append(took_ms)
                else:
                    seen.failures.append(f"{path}: HTTP {status}")

        for number in range(len(task["cookies"])):
            group.create_task(look(number))
    return seen


async def _look_around(
    session: aiohttp.ClientSession, number: int, task: Mapping[str, Any], over: asyncio.Event
) -> AsyncIterator[tuple[str, str, int, float]]:
    """Look at every kind of page in turn; yields kind, path, status and milliseconds of each."""
    dice = random.Random(number)  # noqa: S311 - which page comes next protects nothing
    headers = {"Cookie": task["cookies"][number]}
    kinds = list(task["paths"])
    while True:
        for kind in dice.sample(kinds, len(kinds)):
            if await _read(over, dice.expovariate(1 / task["reads_s"])):
                return
            path = dice.choice(task["paths"][kind])
            begun = time.perf_counter()
            async with session.get(path, headers=headers, allow_redirects=False) as answer:
                await answer.read()
            yield kind, path, answer.status, (time.perf_counter() - begun) * 1_000


async def _read(over: asyncio.Event, seconds: float) -> bool:
    """Read a page for a moment; True where it is time to go."""
    try:
        async with asyncio.timeout(seconds):
            await over.wait()
    except TimeoutError:
        return False
    return True


if __name__ == "__main__":
    found = asyncio.run(_visit(json.loads(sys.stdin.readline())))
    told = {"pages_ms": found.pages_ms, "failures": found.failures}
    sys.stdout.write(json.dumps(told))
