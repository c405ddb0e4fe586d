"""A real target instead of a simulator: CONFORMANCE_TARGET names a file that says where it is.

The run works in a throw-away prefix of account keys and removes what it made. What only a
simulator offers (faults, a journal, the boxes' side) is skipped.
"""

# ruff: noqa: D102 - what each method is for stands at Harness

import asyncio
import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.request import Request, urlopen

from gateway.adapters.conformance import Harness, trial

ANSWER_S = 30


class Panel(Harness):
    """A target that is only reached through its own interface."""

    networks: ClassVar[Sequence[str]] = ("0.0.0.0/0", "::/0")

    def __init__(self, file: Mapping[str, Any]) -> None:
        super().__init__()
        self.file = file
        self.prefix = f"{file['prefix']}{os.getpid() % 1000:03d}"
        self._refs: list[str] = []

    def new_ref(self) -> str:
        self._refs.append(super().new_ref())
        return self._refs[-1]

    def start(self) -> None:
        asyncio.run(self._probe())

    def stop(self) -> None:
        asyncio.run(self._clean())

    def options(self, deadline_s: float) -> Mapping[str, Any]:
        return {**self.file["options"], "deadline_s": deadline_s}

    async def fetch(self, request: Request) -> bytes:
        """Speak to the target without the adapter."""

        def call() -> bytes:
            with urlopen(request, timeout=ANSWER_S) as answer:
                return bytes(answer.read())

        return await asyncio.to_thread(call)

    async def _probe(self) -> None:
        async with trial(self) as t:
            await t.adapter.probe()

    async def _clean(self) -> None:
        async with trial(self) as t:
            for ref in self._refs:
                await t.adapter.remove(ref)
