"""Money that comes in by the ways that bring much at once, and what follows where it does not.

A case for each.
"""

from __future__ import annotations

from bench import bank_lines, dunning, webhooks
from bench.report import Result


async def run() -> list[Result]:
    """Measure each case."""
    return [*await bank_lines.run(), *await webhooks.run(), *await dunning.run()]
