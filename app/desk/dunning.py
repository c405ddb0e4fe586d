"""Dunning at the desk: its rules, what others would do, and the brake that a second person
releases.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.desk import business
from app.desk.auditing import note
from app.imports import rules_file
from app.imports.dunning_rules import unrouted
from app.imports.rules_file import Document
from app.wiring import House
from billing.dunning.segment import Segments
from billing.flows import publish as flow
from billing.flows.fees_ahead import FeesAhead, fees_ahead
from billing.flows.publish import Publication
from billing.flows.unbrake import release as unbrake
from billing.flows.unbrake import stopped
from billing.reads import braked, catalog
from billing.reads import dunning as previews
from billing.reads.dunning import Preview
from gateway.provisioning import routes
from runtime.store import Tx
from runtime.store.audit import Wanted, lines
from terms.errors import Forbidden, Invalid

# Whoever has lately done any of this has ordered what the brake stopped, and does not release it.
ORDERS = frozenset({"import", "dunning.publish", "account.segment", "bill.run", "clock.advance"})
LATELY = timedelta(days=7)
DEEDS_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What publishing has changed, in words; nothing where it was so before."""

    changes: tuple[str, ...]


async def rules(tx: Tx) -> Document | None:
    """Tell the rules that are published, as they were told; None where no document was kept."""
    return await rules_file.remembered(tx)


async def publish(
    house: House, tx: Tx, told: Document, actor: str, *, reason: str = ""
) -> Published:
    """Publish other rules, with the checks of an import. Raises Invalid naming the field."""
    known = await business.know(tx)
    read = rules_file.read_rules(told, known.currency)
    routed = {one.code for one in await routes.load(tx)}
    for level, code in unrouted(read.segments, routed):
        why = f"no route leads the code '{code}' to a target"
        raise Invalid(f"dunning.levels.{level}.adds", why)
    now = await house.clock.business_now(tx)
    publication = Publication(zone=known.zone, segments=read.segments, brake=read.brake)
    done = await flow.publish(tx, publication, now)
    before = await rules_file.remembered(tx)
    if done.changes or before != read.document:
        await rules_file.remember(tx, read.document)
        await note(
            house,
            tx,
            actor=actor,
            action="dunning.publish",
            subject="dunning",
            after="; ".join(done.changes) or "said otherwise",
            reason=reason,
        )
    return Published(changes=done.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook(Preview):
    """What would happen within some days if nobody paid, and which late fees would come."""

    fees: FeesAhead
    fees_wished: FeesAhead


async def foresee(house: House, tx: Tx, told: Document | None, *, days: int) -> Outlook:
    """Compare what follows from the published rules with what others would come to.

    Raises Invalid naming the field.
    """
    published = await catalog.segments(tx)
    wished = published
    if told is not None:
        wished = rules_file.read_rules(told, (await business.know(tx)).currency).segments
    return await outlook(house, tx, published, wished, days=days)


async def outlook(
    house: House, tx: Tx, published: Segments, wished: Segments, *, days: int
) -> Outlook:
    """Compare what follows from some rules with what would follow from others."""
    now = await house.clock.business_now(tx)
    found = await previews.preview(tx, published, wished, now, days=days)
    fees, others = await fees_ahead(tx, [published, wished], now, days=days)
    return Outlook(
        days=found.days,
        accounts=found.accounts,
        published=found.published,
        wished=found.wished,
        fees=fees,
        fees_wished=others,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BrakeView:
    """How many may climb the ladder within a day, how many have, and who waits since when."""

    share_percent: int
    floor: int
    limit: int
    counted: int
    waiting: int
    stopped_at: datetime | None


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
    await stopped(tx)
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
