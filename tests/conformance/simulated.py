"""A harness whose target is a simulator process: its admin face shows, tampers and hurts."""

# ruff: noqa: D102 - what each method is for stands at Harness

import json
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

from gateway.adapters.conformance import RETRY_AFTER_S, SLOW_S, Harness
from tests.simulators.process import RunningSimulator, start_simulator

# The suite's names of faults in the words of the simulators; each strikes one call.
FAULTS: Mapping[str, Mapping[str, Any]] = {
    "down": {"name": "down"},
    "slow": {"name": "slow", "argument": f"{SLOW_S}s"},
    "reset": {"name": "reset"},
    "lost": {"name": "lost"},
    "half": {"name": "half", "argument": "connection"},
    "cut": {"name": "half", "argument": "json"},
    "garbage": {"name": "garbage", "argument": "login"},
    "fatal": {"name": "garbage", "argument": "fatal"},
    "huge": {"name": "huge", "argument": "100MB"},
    "error": {"name": "error", "argument": "500"},
    "away": {"name": "error", "argument": "503"},
    "throttled": {"name": "throttled", "argument": str(RETRY_AFTER_S)},
    "unauthorized": {"name": "unauthorized"},
    "conflict": {"name": "conflict"},
    "refused": {"name": "refused", "argument": "Operation not permitted"},
}
CALM_S = 10.0


class SimulatedHarness(Harness):
    """Starts the simulator of its kind with `state` and reads its journal."""

    state: Mapping[str, Any]
    # Where this kind words a fault of the suite in its own way.
    faults: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    # The calls that write, as a fault is told which to strike.
    writing: ClassVar[str] = "POST|PUT|DELETE|PATCH"
    host: ClassVar[str] = "127.0.0.1"
    simulator: RunningSimulator

    def start(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(self.state, file)
            file.flush()
            where = ("--host", self.host)
            self.simulator = start_simulator(self.kind, "--state", Path(file.name), *where)
        self._read, self._changed = 0, 0

    def stop(self) -> None:
        assert self.simulator.stop() == 0

    async def admin(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Speak with the admin face; `body` makes it a POST."""
        return await self.simulator.aadmin(path, body)

    async def calls(self) -> int:
        counters = await self.admin("/counters")
        return sum(counters["calls"].values())

    async def changes(self) -> int:
        while True:
            page = await self.admin(f"/journal?after={self._read}&face=api&changed=1&limit=1000")
            self._changed += len(page["entries"])
            if not page["entries"]:
                return self._changed
            self._read = page["entries"][-1]["n"]

    @asynccontextmanager
    async def fault(self, name: str, *, skip: int = 0) -> AsyncIterator[None]:
        wish = dict({**FAULTS, **self.faults}[name])
        if name != "down":
            wish |= {"count": 1, "skip": skip}
        async with self._set(wish):
            yield

    @asynccontextmanager
    async def aftermath(self, name: str) -> AsyncIterator[None]:
        wish = {**{**FAULTS, **self.faults}[name], "count": 1, "applied": "yes"}
        wish["match"] = self.writing
        async with self._set(wish):
            yield

    @asynccontextmanager
    async def _set(self, wish: Mapping[str, Any]) -> AsyncIterator[None]:
        await self.admin("/faults", {"set": [wish]})
        try:
            yield
        finally:
            await self.admin("/faults", {"clear": True})
            # Nobody may wait for a call any more, and still it may take effect.
            calm = await self.admin(f"/counters?calm_s={CALM_S}")
            assert calm["in_flight"] == 0
