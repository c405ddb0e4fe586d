"""Table and SQL of pending charges. They stay when they are billed: each explains its line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    false,
    text,
    true,
    update,
)

from billing.catalog.terms import Measure
from billing.pending.model import PendingCharge
from billing.rating.measure import WHOLE
from billing.rating.model import Charge, Line, LineKind
from billing.tax.levels import Inclusive
from runtime.store import Instant, Tx, metadata
from runtime.store.among import KEYS, among, packed
from runtime.store.prepared import PreparedCommand
from terms.calendar import Period
from terms.ids import AccountId, ServiceId
from terms.money import Money

pending_charge = Table(
    "pending_charge",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("account_id", String(26), ForeignKey("account.id"), nullable=False),
    Column("service_id", String(26), ForeignKey("service.id"), nullable=False),
    # What it is for: a purchase, or the total of a meter in a period.
    Column("cause", String(40), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("offering", String(40), nullable=False),
    Column("price_from", Date, nullable=False),
    Column("period_start", Date, nullable=False),
    Column("period_end", Date, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("rate_minor", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("tax", String(40), nullable=False),
    Column("included", String(16), nullable=False, server_default=text("''")),
    Column("label", String(300), nullable=False),
    # How the amount came about, as JSON.
    Column("record", Text, nullable=False),
    Column("from_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    # Settle looks at it: it is to be billed, or given back.
    Column("is_open", Boolean, nullable=False),
    Column("is_withdrawn", Boolean, nullable=False),
    # It stood on an invoice that is void: whatever it was for is not charged again.
    Column("is_forgiven", Boolean, nullable=False, server_default=false()),
    Column("created_at", Instant, nullable=False),
    CheckConstraint("amount_minor >= 0", name="amount_minor"),
    CheckConstraint("from_on <= due_on", name="due_on"),
    CheckConstraint("period_start < period_end", name="period_end"),
    Index(None, "account_id", "is_open"),
    Index(None, "cause"),
)

_CLOSED = PreparedCommand(
    lambda engine: (
        update(pending_charge).where(among(engine, pending_charge.c.id)).values(is_open=false())
    )
)
_WITHDRAWN = PreparedCommand(
    lambda engine: (
        update(pending_charge)
        .where(among(engine, pending_charge.c.id))
        .values(is_withdrawn=true(), is_open=true())
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """A pending charge with whose it is, what it is for and what explains it."""

    account: AccountId
    cause: str
    charge: PendingCharge
    record: Mapping[str, Any] = field(default_factory=dict)


async def file(tx: Tx, filed: Sequence[Filed], at: datetime) -> None:
    """Write new pending charges, or new amounts of those that are not billed yet."""
    await tx.upsert(pending_charge, [_row(one, at) for one in filed], key=("id",))


async def close(tx: Tx, keys: Sequence[str]) -> None:
    """Note that pending charges are billed, or given back."""
    if keys:
        await _CLOSED.run(tx, {KEYS: packed(tx.engine, keys)})


async def withdraw(tx: Tx, keys: Sequence[str]) -> None:
    """Have settle give back charges that were billed."""
    await _WITHDRAWN.run(tx, {KEYS: packed(tx.engine, keys)})


def pending_from(row: Any) -> PendingCharge:
    """Read a row of this table."""
    charge = Charge(
        kind=LineKind(row.kind),
        offering=row.offering,
        price_from=row.price_from,
        period=Period(row.period_start, row.period_end),
        measure=Measure.WHOLE,
        share=WHOLE,
        quantity=row.quantity,
        rate=Money(row.rate_minor, row.currency),
        amount=Money(row.amount_minor, row.currency),
        tax=row.tax,
        included=Inclusive(row.included) if row.included else None,
    )
    service = ServiceId(row.service_id)
    return PendingCharge(
        id=row.id,
        line=Line(service=service, subject=row.id, label=row.label, charge=charge),
        from_on=row.from_on,
        due_on=row.due_on,
        is_withdrawn=row.is_withdrawn,
    )


def _row(one: Filed, at: datetime) -> dict[str, object]:
    line, charge = one.charge.line, one.charge.line.charge
    return {
        "id": one.charge.id,
        "account_id": one.account,
        "service_id": line.service,
        "cause": one.cause,
        "kind": charge.kind.value,
        "offering": charge.offering,
        "price_from": charge.price_from,
        "period_start": charge.period.start,
        "period_end": charge.period.end,
        "quantity": charge.quantity,
        "currency": charge.amount.currency,
        "rate_minor": charge.rate.amount_minor,
        "amount_minor": charge.amount.amount_minor,
        "tax": charge.tax,
        "included": charge.included.value if charge.included else "",
        "label": line.label,
        "record": json.dumps(one.record, sort_keys=True),
        "from_on": one.charge.from_on,
        "due_on": one.charge.due_on,
        "is_open": True,
        "is_withdrawn": one.charge.is_withdrawn,
        "created_at": at,
    }
