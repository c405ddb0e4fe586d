"""Tables and SQL of the segments, of the notices it gave, and of the holds it raised."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    delete,
    false,
    select,
    text,
)

from billing.dunning import document
from billing.dunning.model import Hold, HoldKind
from billing.dunning.reactivation import Suspension
from billing.dunning.segment import Segments
from runtime.store import Instant, Tx, metadata
from terms.ids import ServiceId

dunning_segment = Table(
    "dunning_segment",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("terms", Text, nullable=False),
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

# On which rung of the ladder the services of an account stand, for which invoice: since the clock
# decides at which hour one is taken, it is a fact. It goes when they are restored.
dunning_cut = Table(
    "dunning_cut",
    metadata,
    Column("invoice_id", String(26), ForeignKey("invoice.id"), primary_key=True),
    Column("cut_on", Date, nullable=False),
    Column("rung", String(60), nullable=False, server_default=text("'suspend'")),
    Column("rests", Boolean, nullable=False, server_default=false()),
)

# The newest suspension of an account: what was due as it began, and when it was over. For invoices
# up to a number, which were open then, the ladder has begun anew.
dunning_suspension = Table(
    "dunning_suspension",
    metadata,
    Column("account_id", String(26), ForeignKey("account.id"), primary_key=True),
    Column("since_on", Date, nullable=False),
    Column("owed_minor", BigInteger, nullable=False),
    Column("invoices", Integer, nullable=False),
    Column("through", BigInteger, nullable=False),
    # What had to be paid to be switched on again, as it was looked at last.
    Column("missing_minor", BigInteger, nullable=False),
    Column("restored_at", Instant),
    Column("restored_through", BigInteger, nullable=False),
)

# What the brake allows, and how many have climbed since a time; `turn` rises with every change.
dunning_brake = Table(
    "dunning_brake",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("share_percent", Integer, nullable=False),
    Column("floor", Integer, nullable=False),
    Column("turn", BigInteger, nullable=False),
    Column("since", Instant, nullable=False),
    Column("base", Integer, nullable=False),
    Column("counted", Integer, nullable=False),
    Column("stopped_at", Instant),
)

# Which accounts the brake keeps from which rung, and who has let them go.
dunning_held = Table(
    "dunning_held",
    metadata,
    Column("account_id", String(26), ForeignKey("account.id"), primary_key=True),
    Column("invoice_id", String(26), ForeignKey("invoice.id"), nullable=False),
    Column("rung", String(60), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("released_at", Instant),
    Column("released_by", String(80), nullable=False),
)

hold = Table(
    "hold",
    metadata,
    Column("id", String(60), primary_key=True),
    Column("service_id", String(26), ForeignKey("service.id"), nullable=False),
    Column("kind", String(24), nullable=False),
    Column("since_on", Date, nullable=False),
    Column("cause", String(80), nullable=False),
    Column("level", String(40), nullable=False, server_default=text("''")),
    Index(None, "service_id"),
)


async def load_segments(tx: Tx) -> Segments:
    """Read the published segments."""
    rows = await tx.rows(select(dunning_segment).order_by(dunning_segment.c.name))
    return Segments({row.name: document.read(json.loads(row.terms)) for row in rows})


async def keep_segments(tx: Tx, segments: Segments) -> None:
    """Put other segments in the place of the published ones."""
    await tx.execute(delete(dunning_segment))
    rows = [
        {"name": name, "terms": json.dumps(document.written(one), sort_keys=True)}
        for name, one in segments.each.items()
    ]
    await tx.insert(dunning_segment, rows)


def suspension_from(row: Any) -> Suspension:
    """Read a row of the table of suspensions."""
    return Suspension(
        since_on=row.since_on,
        owed_minor=row.owed_minor,
        invoices=row.invoices,
        through=row.through,
        missing_minor=row.missing_minor,
        restored_at=row.restored_at,
        restored_through=row.restored_through,
    )


def suspension_row(account: str, one: Suspension) -> dict[str, object]:
    """Write a row of the table of suspensions."""
    return {
        "account_id": account,
        "since_on": one.since_on,
        "owed_minor": one.owed_minor,
        "invoices": one.invoices,
        "through": one.through,
        "missing_minor": one.missing_minor,
        "restored_at": one.restored_at,
        "restored_through": one.restored_through,
    }


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
        level=row.level,
    )


def hold_row(one: Hold) -> dict[str, object]:
    """Write a row of the table of holds."""
    return {
        "id": hold_id(one),
        "service_id": one.service,
        "kind": one.kind.value,
        "since_on": one.since_on,
        "cause": one.cause,
        "level": one.level,
    }
