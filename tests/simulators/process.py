"""Starts a simulator as a process of its own and tells where it listens.

`with start_simulator("ministra", "--state", path) as portal:` or `async with`; the process is
stopped at the end and must have ended cleanly.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parents[2]
STOP_S = 10.0


class RunningSimulator:
    """A simulator process: `told` and `url` for callers, `admin_url` for tests."""

    def __init__(self, process: subprocess.Popen[bytes], kind: str) -> None:
        self.process = process
        self.kind = kind
        self.told: dict[str, Any] = {}
        self.url = ""
        self.admin_url = ""

    def wait_ready(self) -> None:
        """Read the line that a simulator prints when it is ready."""
        assert self.process.stdout is not None
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
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        if self.process.stdout is not None:
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
    """Start `python -m simulators KIND ARGUMENTS...` and wait until it is ready."""
    command = [sys.executable, "-m", "simulators", kind, *(str(one) for one in arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, env=environment)
    running = RunningSimulator(process, kind)
    try:
        running.wait_ready()
    except BaseException:
        running.stop()
        raise
    return running
