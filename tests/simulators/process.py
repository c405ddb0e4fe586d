"""Starts a simulator as a process of its own and tells where it listens.

`with start_simulator("ministra", "--state", path) as portal:` or `async with`; the process is
stopped at the end and must have ended cleanly.
"""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.request import Request, urlopen

from simulators.__main__ import KINDS
from tests.services.forks import Fork, loaded

PROGRAM = "simulators.__main__:main"
STOP_S = 30.0  # on a machine with better things to do


class RunningSimulator:
    """A simulator process: `told` and `url` for callers, `admin_url` for tests."""

    def __init__(self, process: Fork, kind: str) -> None:
        self.process = process
        self.kind = kind
        self.told: dict[str, Any] = {}
        self.url = ""
        self.admin_url = ""

    def wait_ready(self) -> None:
        """Read the line that a simulator prints when it is ready."""
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"simulator {self.kind} ended: {self.process.wait()}")
        self.told = json.loads(line)
        self.url, self.admin_url = self.told.get("url", ""), self.told["admin_url"]

    def admin(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call the admin face: GET, or POST where a body is given."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.admin_url + path, data=data)
        with urlopen(request, timeout=70) as answer:
            return json.load(answer)

    async def aadmin(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call the admin face without holding up the event loop."""
        return await asyncio.to_thread(self.admin, path, body)

    def journal(self, after: int = 0, **wanted: str) -> list[dict[str, Any]]:
        """List journal entries after a number, narrowed by face, subject or changed."""
        query = "".join(f"&{key}={value}" for key, value in wanted.items())
        entries: list[dict[str, Any]] = self.admin(f"/journal?after={after}{query}")["entries"]
        return entries

    def stop(self) -> int:
        """Ask the process to end and tell its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.process.stdout.close()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        code = self.stop()
        if error is None and code != 0:
            raise RuntimeError(f"simulator {self.kind} ended with exit code {code}")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.__exit__, kind, error, trace)


def start_simulator(kind: str, *arguments: str | Path) -> RunningSimulator:
    """Start what `python -m simulators KIND ARGUMENTS...` starts and wait until it is ready."""
    words = [kind, *(str(one) for one in arguments)]
    process = loaded.start(PROGRAM, words, environment=os.environ, needs=[KINDS[kind]])
    running = RunningSimulator(process, kind)
    try:
        running.wait_ready()
    except BaseException:
        running.stop()
        raise
    return running
