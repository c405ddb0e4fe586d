"""Whether what always holds does hold now: every rule, asked of the live database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.desk.linking import link_deeds
from app.wiring import House
from billing.reads.verify import RULES as OF_BILLING
from gateway.reads.verify import RULES as OF_GATEWAY
from runtime.store.chain import UNBROKEN
from runtime.store.rules import Rule, Verdict, Walk, judge

RULES: tuple[Rule | Walk, ...] = (*OF_BILLING, *OF_GATEWAY)
# The database works on so many; a running product needs connections and processors, too.
LOOKS_AT_ONCE_MAX = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was found of one rule, and how long the look took."""

    verdict: Verdict
    took_s: float


async def verify(
    house: House, rules: Sequence[Rule | Walk], tell: Callable[[Judged], None], *, offences_max: int
) -> list[Judged]:
    """Ask rules, each in a reading transaction of its own, and tell of them in their order.

    So nobody's old rows are kept for longer than one look. Deeds of a moment ago are linked first.
    """
    if UNBROKEN in rules:
        await link_deeds(house)
    free = asyncio.Semaphore(LOOKS_AT_ONCE_MAX)

    async def look(rule: Rule | Walk) -> Judged:
        async with free, house.store.read() as tx:
            begun_s = time.perf_counter()
            verdict = await judge(tx, rule, offences_max=offences_max)
            return Judged(verdict=verdict, took_s=round(time.perf_counter() - begun_s, 3))

    found = []
    async with asyncio.TaskGroup() as group:
        for look_at in [group.create_task(look(rule)) for rule in rules]:
            found.append(await look_at)
            tell(found[-1])
    return found


def rules_of(codes: Sequence[str]) -> list[Rule | Walk]:
    """Pick the rules of some invariants; all where none is named."""
    return [rule for rule in RULES if not codes or rule.code in codes]


def known_codes() -> list[str]:
    """Name the invariants there are rules of."""
    return list(dict.fromkeys(rule.code for rule in RULES))
