"""Payment providers are asked here, so that what they answer and how long it takes is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from runtime.telemetry import counter, histogram

T = TypeVar("T")
PAGE = "page"

_calls = counter(
    "boxoffice_provider_calls",
    "What payment providers were asked for, by what they answered",
    "provider",
    "outcome",
)
_took = histogram(
    "boxoffice_provider_call_seconds", "How long payment providers took to answer", "provider"
)


async def ask(provider: str, call: Awaitable[T]) -> T:
    """Wait for an answer and count it, an error too."""
    now_s = asyncio.get_running_loop().time
    began_s = now_s()
    outcome = ""
    try:
        answer = await call
        outcome = PAGE if isinstance(answer, str) else type(answer).__name__.lower()
        return answer
    except Exception as error:
        outcome = type(error).__name__.lower()
        raise
    finally:
        if outcome:  # else it was cut off
            _calls.inc(provider, outcome)
            _took.observe(provider, amount=now_s() - began_s)
