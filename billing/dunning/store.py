"""Tables and SQL of the ladder, of the notices it gave, and of the holds it raised."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Date, ForeignKey, Index, Integer, String, Table, delete, select

from billing.dunning.model import Action, Hold, HoldKind, Ladder, Step
from runtime.store import Instant, Tx, metadata
from terms.ids import ServiceId

dunning_step = Table(
    "dunning_step",
    metadata,
    Column("n", Integer, primary_key=True),
    Column("after_days", Integer, nullable=False),
    Column("action", String(16), nullable=False),
    Column("notice", String(40), nullable=False),
)

# That a step's notice was given about an invoice: a fact, so that it is never given again.
dunning_notice = Table(
    "dunning_notice",
    metadata,
    Column("invoice_id", String(26), ForeignKey("invoice.id"), primary_key=True),
    Column("after_days", Integer, primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("given_at", Instant, nullable=False),
)

hold = Table(
    "hold",
    metadata,
    Column("id", String(60), primary_key=True),
    Column("service_id", String(26), ForeignKey("service.id"), nullable=False),
    Column("kind", String(24), nullable=False),
    Column("since_on", Date, nullable=False),
    Column("cause", String(80), nullable=False),
    Index(None, "service_id"),
)


async def load_ladder(tx: Tx) -> Ladder:
    """Read the published ladder."""
    return Ladder(
        tuple(
            Step(after_days=row.after_days, action=Action(row.action), notice=row.notice)
            for row in await tx.rows(select(dunning_step).order_by(dunning_step.c.n))
        )
    )


async def keep_ladder(tx: Tx, ladder: Ladder) -> None:
    """Put another ladder in the place of the published one."""
    await tx.execute(delete(dunning_step))
    await tx.insert(
        dunning_step,
        [
            {"n": n, "after_days": s.after_days, "action": s.action.value, "notice": s.notice}
            for n, s in enumerate(ladder.steps, 1)
        ],
    )


def hold_id(one: Hold) -> str:
    """Derive the key of a hold: a service has one of each kind."""
    return f"{one.service}.{one.kind.value}"


def hold_from(row: Any) -> Hold:
    """Read a row of the table of holds."""
    return Hold(
        service=ServiceId(row.service_id),
        kind=HoldKind(row.kind),
        since_on=row.since_on,
        cause=row.cause,
    )


def hold_row(one: Hold) -> dict[str, object]:
    """Write a row of the table of holds."""
    return {
        "id": hold_id(one),
        "service_id": one.service,
        "kind": one.kind.value,
        "since_on": one.since_on,
        "cause": one.cause,
    }
