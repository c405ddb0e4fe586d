"""A client for benchmarks, a process of its own: `python -m bench.asking`, its task on stdin.

So many connections, each with one request at a time; it reads no more of an answer than it must.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How long it took, and how often each status came."""

    seconds: float
    statuses: dict[str, int]


async def ask(port: int, requests: Sequence[str], *, connections: int) -> Asked:
    """Have requests sent, each once, by the process; returns what came of it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.asking"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    task = {"port": port, "requests": list(requests), "connections": connections}
    told, _ = await process.communicate(json.dumps(task).encode())
    return Asked(**json.loads(told))


async def _ask(port: int, requests: Sequence[str], connections: int) -> Asked:
    waiting = iter([one.encode() for one in requests])
    statuses: Counter[str] = Counter()
    pairs = [await asyncio.open_connection("127.0.0.1", port) for _ in range(connections)]
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for reader, writer in pairs:
            group.create_task(_one_by_one(reader, writer, waiting, statuses))
    spent = time.perf_counter() - begun
    for _, writer in pairs:
        writer.close()
    return Asked(seconds=spent, statuses=dict(statuses))


async def _one_by_one(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    waiting: Iterator[bytes],
    statuses: Counter[str],
) -> None:
    for request in waiting:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        statuses[head[9:12].decode()] += 1
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))


if __name__ == "__main__":
    given = json.load(sys.stdin)
    found = asyncio.run(_ask(given["port"], given["requests"], given["connections"]))
    sys.stdout.write(json.dumps({"seconds": found.seconds, "statuses": found.statuses}))
