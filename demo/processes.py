"""Child processes: started, waited for, and ended with the demonstration, however it ends."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from demo.proof import StoryError

READY_S = 60.0
STOP_S = 12.0
TAIL_CHARS = 2_000
PR_SET_PDEATHSIG = 1  # prctl(2): the signal a process gets when its parent dies


class Children:
    """Every process the demonstration has started. Their words go to files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self.commands: list[Sequence[str]] = []

    async def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        """Start a process; `ready` waits for it."""
        self._running[name] = await self._spawn(name, command, environment)

    async def ready(self, name: str) -> dict[str, Any]:
        """Wait for the JSON line a process prints when it is ready, and return it."""
        try:
            return await self._told(name)
        except (TimeoutError, ValueError):
            raise StoryError(f"{name} did not start: {self._tail(name)}") from None

    async def next(self, name: str) -> dict[str, Any]:
        """Wait for the next JSON line a process prints after that, and return it."""
        try:
            return await self._told(name)
        except (TimeoutError, ValueError):
            raise StoryError(f"{name} says no more: {self._tail(name)}") from None

    async def _told(self, name: str) -> dict[str, Any]:
        output = self._running[name].stdout
        if output is None:
            raise StoryError(f"{name} has no output")
        told: dict[str, Any] = json.loads(await asyncio.wait_for(output.readline(), READY_S))
        return told

    async def run(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> str:
        """Run a process to its end and return what it printed. Raises StoryError."""
        process = await self._spawn(name, command, environment)
        self._running[name] = process
        output, _ = await process.communicate()
        del self._running[name]
        told = output.decode(errors="replace")
        if process.returncode:
            raise StoryError(f"{name} failed: {(told + self._tail(name)).strip()[-TAIL_CHARS:]}")
        return told

    def pid(self, name: str) -> int:
        """Tell the process id of a running child."""
        return self._running[name].pid

    async def stop(self) -> None:
        """End all of them, politely first."""
        for process in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        await asyncio.gather(*(_ended(process) for process in self._running.values()))
        self._running.clear()

    async def _spawn(
        self, name: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> asyncio.subprocess.Process:
        self.commands.append(command)
        with (self._folder / f"{name}.log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *command,
                cwd=self._folder,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                # A terminal's Ctrl-C is for the demonstration, which then ends them in order.
                start_new_session=True,
                preexec_fn=_dies_with_parent(),
            )

    def _tail(self, name: str) -> str:
        text = (self._folder / f"{name}.log").read_text("utf-8", errors="replace")
        return text.strip()[-TAIL_CHARS:] or "it said nothing"


def _dies_with_parent() -> Callable[[], None] | None:
    """Have the kernel end a child whose parent was killed; only Linux can."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)  # loaded before the fork
    parent = os.getpid()

    def bind() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return bind


async def _ended(process: asyncio.subprocess.Process) -> None:
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
