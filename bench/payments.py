"""Money that comes in, by the ways that bring much of it at once: a case for each."""

from __future__ import annotations

from bench import bank_lines, webhooks
from bench.report import Result


async def run() -> list[Result]:
    """Measure each case."""
    return [*await bank_lines.run(), *await webhooks.run()]
