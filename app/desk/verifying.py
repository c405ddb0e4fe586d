"""Whether what always holds does hold now: every rule, asked of the live database."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from app.wiring import House
from billing.reads.verify import RULES as OF_BILLING
from gateway.reads.verify import RULES as OF_GATEWAY
from runtime.store.rules import Rule, Verdict, judge

RULES: tuple[Rule, ...] = (*OF_BILLING, *OF_GATEWAY)
OFFENCES_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was found of one rule, and how long the look took."""

    verdict: Verdict
    took_s: float


async def verify(
    house: House, *, codes: frozenset[str] = frozenset(), offences_max: int = OFFENCES_MAX
) -> AsyncIterator[Judged]:
    """Ask every rule, or those of some invariants, each in a reading transaction of its own.

    So nobody's old rows are kept for longer than one look.
    """
    for rule in RULES:
        if codes and rule.code not in codes:
            continue
        begun_s = time.perf_counter()
        async with house.store.read() as tx:
            verdict = await judge(tx, rule, offences_max=offences_max)
        yield Judged(verdict=verdict, took_s=round(time.perf_counter() - begun_s, 3))


def known_codes() -> list[str]:
    """Name the invariants there are rules of."""
    return list(dict.fromkeys(rule.code for rule in RULES))
