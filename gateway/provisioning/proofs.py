"""What boxes prove by calling, written in batches; and the fact that something was proven at all.

A box may prove a wish whose run never came to its end: the link broke, the process died, or the
row was set aside. Such a proof is news, and is told as that of a run is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, select

from gateway.adapters.state import ViewerState, differences
from gateway.provisioning.compose import Wish
from gateway.provisioning.keys import RECONCILE, key_of
from gateway.provisioning.orders import Outcome, ServiceOrder, row_of
from gateway.provisioning.tables import observed, service_order
from runtime import log
from runtime.chance import new_id
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from runtime.work import Work
from terms.facts import BoxProven, ServiceStateChanged
from terms.ids import ResourceId, TargetName


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A box that called and proved to hold a wish."""

    wish: Wish
    at: datetime


def fact_of(wish: Wish, at: datetime) -> log.Entry:
    """Word the fact that a target was seen to hold a revision; the same again is no other fact."""
    fact: ServiceStateChanged | BoxProven
    if wish.is_of_box:
        fact = BoxProven(
            resource=ResourceId(wish.subject),
            service=wish.service,
            target=wish.target,
            revision=wish.revision,
            state=wish.state,
        )
    else:
        fact = ServiceStateChanged(
            service=wish.service, target=wish.target, revision=wish.revision, state=wish.state
        )
    return log.Entry(
        id=f"state:{wish.subject}@{wish.target}:{wish.revision}",
        kind=fact.KIND,
        key=wish.service,
        value=fact.encode(),
        at=at,
    )


async def write(tx: Tx, work: Work, target: TargetName, sightings: Sequence[Sighting]) -> None:
    """Write what boxes of one target have proven; of what is news, tell everybody.

    The rows of these are marked, so that one that was set aside, or waits, is finished.
    """
    before = await _before(tx, target, sightings)
    news = [one for one in sightings if _is_news(one, before.get(one.wish.subject))]
    rows = [_row(one) for one in sightings]
    await tx.upsert(observed, rows, key=("subject", "target"), rising="seen_at")
    if news:
        await log.append(tx, [fact_of(one.wish, one.at) for one in news])
        await tx.insert(service_order, _order_rows(work, news, before))
        keys = [key_of(one.wish.subject, target) for one in news]
        await work.mark(tx, RECONCILE, keys, target=target)


async def _before(tx: Tx, target: TargetName, sightings: Sequence[Sighting]) -> dict[str, Any]:
    keys = packed(tx.engine, [one.wish.subject for one in sightings])
    return {row.subject: row for row in await _SEEN.rows(tx, {"target": target, KEYS: keys})}


def _is_news(one: Sighting, before: Any) -> bool:
    if before is None:
        return True
    return bool(before.revision != one.wish.revision and before.seen_at < one.at)


def _row(one: Sighting) -> dict[str, Any]:
    return {
        "subject": one.wish.subject,
        "target": one.wish.target,
        "value": one.wish.text,
        "revision": one.wish.revision,
        "enabled": one.wish.value.enabled,
        "seen_at": one.at,
    }


def _order_rows(
    work: Work, news: Sequence[Sighting], before: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Word the journal's lines; one chance for all of them keeps them in their order."""
    batch = new_id(work.clock.machine_now(), work.chance)
    return [
        row_of(_order(one, before.get(one.wish.subject), f"{batch}-{number:04}"))
        for number, one in enumerate(news)
    ]


def _order(one: Sighting, before: Any, id_: str) -> ServiceOrder:
    wish = one.wish
    held = ViewerState.decode(before.value, revision=0) if before is not None else None
    return ServiceOrder(
        id=id_,
        service=wish.service,
        target=wish.target,
        revision=wish.revision,
        what=differences(wish.value, held),
        outcome=Outcome.DONE,
        cause=wish.cause,
        started_at=one.at,
        finished_at=one.at,
        error=None,
    )


def _seen(engine: Engine) -> Select[Any]:
    c = observed.c
    columns = (c.subject, c.value, c.revision, c.seen_at)
    return select(*columns).where(c.target == bindparam("target"), among(engine, c.subject))


_SEEN = PreparedQuery(_seen)
