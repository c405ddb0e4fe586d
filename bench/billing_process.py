"""One process of a bill run: opens the house, says so, waits to be told, bills, says how many."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from app.roles import billing
from app.settings import Settings
from app.shape import open_house


def settings(folder: Path, url: str) -> Settings:
    """Say where the house is."""
    return Settings(data_dir=folder, database_url=url, allow_time_travel=True, log_level="error")


async def run(folder: Path, url: str) -> None:
    """Be that process."""
    async with open_house(settings(folder, url)) as house:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)
        ran = await billing.run(house, lambda *_: None, actor="bench")
        sys.stdout.write(f"{ran.accounts}\n")
        sys.stdout.flush()


class Together:
    """Processes that wait to bill."""

    def __init__(self, processes: Sequence[asyncio.subprocess.Process]) -> None:
        self._processes = processes

    async def bill(self) -> int:
        """Let all begin, and wait until all have ended; how many accounts they have settled."""
        for process in self._processes:
            if process.stdin:
                process.stdin.write(b"go\n")
        return sum([int(await _told(process)) for process in self._processes])


@asynccontextmanager
async def together(folder: Path, url: str, count: int) -> AsyncIterator[Together]:
    """Have so many processes that are ready to bill."""
    command = (sys.executable, "-m", "bench.billing_process", str(folder), url)
    pipe = asyncio.subprocess.PIPE
    processes = []
    async with AsyncExitStack() as stack:
        for _ in range(count):
            process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
            stack.push_async_callback(process.wait)
            processes.append(process)
        for process in processes:
            await _told(process)
        yield Together(processes)


async def _told(process: asyncio.subprocess.Process) -> bytes:
    line = await process.stdout.readline() if process.stdout else b""
    if not line:
        raise RuntimeError("a process of the bill run has ended early")
    return line


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), sys.argv[2]))
