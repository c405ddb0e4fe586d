"""A simulator in a process of its own, for a benchmark: reached by its sockets alone."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

ROOT = Path(__file__).parents[1]
START_DEADLINE_S = 30.0
LINE_BYTES_MAX = 16 * 2**20  # a fleet tells of every box in one line


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulator:
    """A running simulator: `url` for those who call it, `admin_url` for the benchmark.

    `told` is all that it said when it was ready.
    """

    url: str
    admin_url: str
    told: Mapping[str, Any]

    async def admin(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call the admin face: GET, or POST where a body is given."""
        method = "GET" if body is None else "POST"
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.admin_url + path, json=body) as answer,
        ):
            return await answer.json()

    async def calls(self) -> int:
        """Tell how many calls were made to it so far."""
        counters = await self.admin("/counters")
        return sum(counters["calls"].values())


@asynccontextmanager
async def running(kind: str, state: Mapping[str, Any]) -> AsyncIterator[Simulator]:
    """Start a simulator in a state, and end it."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(state, file)
        file.flush()
        command = (sys.executable, "-m", "simulators", kind, "--state", file.name)
        process = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, limit=LINE_BYTES_MAX
        )
        try:
            assert process.stdout is not None  # noqa: S101 - asked for above
            async with asyncio.timeout(START_DEADLINE_S):
                line = await process.stdout.readline()
            told = json.loads(line)
            yield Simulator(url=told.get("url", ""), admin_url=told["admin_url"], told=told)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
