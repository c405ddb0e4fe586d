"""Dunning at the desk: what it would do, how its brake stands, and a second person releasing it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.desk.auditing import note
from app.wiring import House
from billing.dunning.segment import Segments
from billing.flows.fees_ahead import FeesAhead, fees_ahead
from billing.flows.unbrake import release as unbrake
from billing.reads import braked, catalog, dunning
from billing.reads.dunning import Preview
from runtime.store import Tx
from runtime.store.audit import Wanted, lines
from terms.errors import Forbidden

# Whoever has lately done any of this has ordered what the brake stopped, and does not release it.
ORDERS = frozenset({"import", "dunning.publish", "account.segment", "bill.run", "clock.advance"})
LATELY = timedelta(days=7)
DEEDS_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BrakeView:
    """How many may climb the ladder within a day, how many have, and who waits since when."""

    share_percent: int
    floor: int
    limit: int
    counted: int
    waiting: int
    stopped_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook(Preview):
    """What would happen within some days if nobody paid, and which late fees would come."""

    fees: FeesAhead
    fees_wished: FeesAhead


async def outlook(house: House, tx: Tx, wished: Segments | None, *, days: int) -> Outlook:
    """Compare what follows from the rules there are with what would follow from others."""
    published, now = await catalog.segments(tx), await house.clock.business_now(tx)
    rules = published if wished is None else wished
    found = await dunning.preview(tx, published, rules, now, days=days)
    fees, others = await fees_ahead(tx, [published, rules], now, days=days)
    return Outlook(
        days=found.days,
        accounts=found.accounts,
        published=found.published,
        wished=found.wished,
        fees=fees,
        fees_wished=others,
    )


async def brake(tx: Tx) -> BrakeView | None:
    """Tell how the brake stands; None where the operator has published nothing yet."""
    found = await braked.brake(tx)
    if found is None:
        return None
    return BrakeView(
        share_percent=found.policy.share_percent,
        floor=found.policy.floor,
        limit=found.policy.limit(await braked.base(tx)),
        counted=found.counted,
        waiting=await braked.waiting(tx),
        stopped_at=found.stopped_at,
    )


async def release(house: House, tx: Tx, actor: str, *, reason: str = "") -> int:
    """Let go who waits; returns how many.

    Raises InvalidTransition where nobody does, Forbidden for whoever has ordered it.
    """
    await _check_second(house, tx, actor)
    now = await house.clock.business_now(tx)
    count = await unbrake(house.desk, tx, now, by=actor)
    await note(
        house,
        tx,
        actor=actor,
        action="dunning.release",
        subject="dunning",
        after=f"{count} accounts go on",
        reason=reason,
    )
    return count


async def _check_second(house: House, tx: Tx, actor: str) -> None:
    since = house.clock.machine_now() - LATELY
    done = await lines(tx, Wanted(actor=actor, since=since), lines_max=DEEDS_MAX)
    ordered = next((one.deed for one in done if one.deed.action in ORDERS), None)
    if ordered:
        day = ordered.at.date()
        why = f"whoever did {ordered.action} on {day} lets nobody go: ask a second person"
        raise Forbidden(why)
