"""Keeps a run from taking too many rungs of the ladder: who has to wait is decided on anew.

Only batches in which somebody is about to climb ask. Whoever counts proves that nobody else has
meanwhile, so that batches of many processes are counted together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select

from billing.accounts.store import account
from billing.dunning import braking
from billing.dunning.brake import BRAKED, Brake, Rung
from billing.flows.settle.batch import Batch, Case, Papers, Sight
from billing.flows.settle.decide import Decision
from runtime.store import Tx
from runtime.telemetry import get_log
from terms.ids import AccountId

_log = get_log()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who has to wait, and how the brake stands after that; None where it stands as before."""

    waiting: frozenset[AccountId] = frozenset()
    brake: Brake | None = None


async def hold_back(
    batch: Batch, sight: Sight, cases: Sequence[Case], papers: Papers, decided: Sequence[Decision]
) -> tuple[list[Decision], Brake | None]:
    """Decide on those anew that may not climb now, and write down that they wait.

    Returns what is decided of each, and how the brake stands then: to be written at the very end.
    """
    climbing = {
        one.facts.account.id: Rung(invoice, cut.rung)
        for one in decided
        if one.climbed and one.climbed.action in BRAKED
        for invoice, cut in one.cuts.items()
    }
    asked = await _asked(sight, climbing, batch.now) if climbing else Asked()
    if not asked.waiting:
        return list(decided), asked.brake
    braked = replace(batch, is_braked=True)
    after = [
        braked.decide([case], papers)[0] if case.id in asked.waiting else one
        for case, one in zip(cases, decided, strict=True)
    ]
    return after, asked.brake


async def _base(tx: Tx) -> int:
    """Count the accounts of which a share is meant."""
    return int(await tx.scalar(select(func.count()).select_from(account)) or 0)


async def _asked(sight: Sight, climbing: Mapping[AccountId, Rung], now: datetime) -> Asked:
    look, tx = sight.look, sight.tx
    brake = before = await braking.load(look)
    if brake is None:
        return Asked()
    known = await braking.held(look, list(climbing))
    if brake.is_over(now) and not brake.stopped_at:
        brake = replace(brake, since=now, counted=0, base=await _base(look))
    released = {key for key, one in known.items() if one.is_released and one.rung == climbing[key]}
    after, waiting = brake.asked(climbing, released, now)
    if after.stopped_at and not brake.stopped_at:
        _log.error("dunning.brake.stopped", asking=len(waiting), counted=after.counted)
    if len(waiting) < len(climbing):
        await braking.let_go(tx, [key for key in known if key not in waiting])
    asked = {
        key: climbing[key]
        for key in waiting
        if key not in known or known[key].rung != climbing[key]
    }
    await braking.keep_waiting(tx, asked, now)
    return Asked(waiting=waiting, brake=after if after != before else None)
