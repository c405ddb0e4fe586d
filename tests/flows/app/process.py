"""`boxoffice serve` as a process of its own, for tests that kill it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from tests.flows.app.product import NEEDS, PROGRAM
from tests.services.forks import Fork, loaded

READY_S = 30.0
STOP_S = 15.0


def environment(**more: str) -> dict[str, str]:
    """Give the environment of a child: ours, without any setting but those given."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("BOXOFFICE_")}
    settings = {"acs_port": "0", **more}
    return kept | {f"BOXOFFICE_{name.upper()}": value for name, value in settings.items()}


class Serving:
    """One `boxoffice serve`."""

    def __init__(self, folder: Path, settings: Mapping[str, str], *words: str) -> None:
        self.log = folder / "serve.log"
        self._settings = settings
        self._words = words
        self.url = ""
        self.ready: dict[str, Any] = {}
        self.process: Fork | None = None

    async def __aenter__(self) -> Self:
        with self.log.open("ab") as log:
            self.process = loaded.start(
                PROGRAM,
                ["serve", "--json", "--port", "0", *self._words],
                environment=environment(**self._settings),
                stderr=log,
                needs=NEEDS,
            )
        self.ready = await self.told()
        self.url = self.ready["url"]
        return self

    async def __aexit__(self, *_error: object) -> None:
        assert self.process is not None
        if self.process.returncode is None:
            await self.stop()
        self.process.stdout.close()

    async def told(self) -> dict[str, Any]:
        """Wait for the next line it says."""
        assert self.process is not None
        async with asyncio.timeout(READY_S):
            line = await asyncio.to_thread(self.process.stdout.readline)
        assert line, self.log.read_text()[-3000:]
        said: dict[str, Any] = json.loads(line)
        return said

    async def stop(self) -> int:
        """Ask it to end and give its exit code."""
        assert self.process is not None
        self.process.terminate()
        return await asyncio.to_thread(self.process.wait, STOP_S)

    async def death(self) -> int:
        """Wait until it has ended by itself."""
        assert self.process is not None
        return await asyncio.to_thread(self.process.wait, READY_S)


async def command(*words: str, settings: Mapping[str, str], **more: str) -> tuple[int, str, str]:
    """Run one `boxoffice` command to its end: exit code, output, errors."""
    done = await asyncio.to_thread(
        loaded.run, PROGRAM, words, environment=environment(**settings) | more, needs=NEEDS
    )
    return done.returncode, done.stdout, done.stderr


def document(text: str) -> Any:
    """Read the JSON a command printed."""
    return json.loads(text)
