"""How late this process comes to what it wanted to do: the lag of its event loop.

Everything in a process waits for the same loop. Where it is held, all are late alike, and no other
number tells why.
"""

from __future__ import annotations

import asyncio

from runtime.retry import pause
from runtime.telemetry import histogram

EVERY_S = 0.25

_lag = histogram("boxoffice_loop_lag_seconds", "How late the event loop came to a timer")


async def run(stop: asyncio.Event) -> None:
    """Look again and again, until told to stop."""
    loop = asyncio.get_running_loop()
    while not stop.is_set():
        wanted_s = loop.time() + EVERY_S
        await pause(EVERY_S)
        _lag.observe(amount=max(loop.time() - wanted_s, 0.0))
