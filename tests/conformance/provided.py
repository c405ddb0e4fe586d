"""A harness whose other side is a simulator process: its admin face shows, tampers and hurts."""

# ruff: noqa: D102 - what each method is for stands at Harness

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar
from urllib.request import Request, urlopen

from billing.payments.conformance import RETRY_AFTER_S, Harness
from tests.simulators.process import RunningSimulator, start_simulator

# The suite's names of faults in the words of the simulators.
FAULTS: Mapping[str, Mapping[str, Any]] = {
    "reset": {"name": "reset"},
    "lost": {"name": "lost"},
    "half": {"name": "half", "argument": "connection"},
    "garbage": {"name": "garbage", "argument": "login"},
    "error": {"name": "error", "argument": "500"},
    "throttled": {"name": "throttled", "argument": str(RETRY_AFTER_S)},
    "unauthorized": {"name": "unauthorized"},
}
WRITES = "POST|PUT|DELETE"


class SimulatedProvider(Harness):
    """Starts the simulator of its kind."""

    # What the provider's own dashboard sends with every call.
    headers: ClassVar[Mapping[str, str]]
    simulator: RunningSimulator

    def start(self) -> None:
        self.simulator = start_simulator(self.kind)

    def stop(self) -> None:
        assert self.simulator.stop() == 0

    async def reset(self) -> None:
        await self.admin("/reset", {})

    async def pass_time(self, by: timedelta) -> None:
        await self.admin("/faults", {"spec": f"skew:{by.total_seconds() / 3600:g}h"})

    async def fault(self, name: str, *, writing: bool = False) -> None:
        wish = {**FAULTS[name], "count": 1, **({"match": WRITES} if writing else {})}
        await self.admin("/faults", {"set": [wish]})

    async def admin(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Speak with the admin face; `body` makes it a POST."""
        return await self.simulator.aadmin(path, body)

    async def tamper(self, **operation: Any) -> Any:
        """Do something behind everybody's back."""
        return await self.admin("/tamper", operation)

    async def call(self, path: str, body: bytes | None = None) -> Any:
        """Call the provider's API as its own dashboard would."""
        request = Request(f"{self.simulator.url}{path}", data=body, headers=dict(self.headers))

        def go() -> Any:
            with urlopen(request, timeout=20) as answer:
                return json.load(answer)

        return await asyncio.to_thread(go)
