"""Table and SQL of purchases. One whose window is over stays, and is not looked at again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    false,
    update,
)

from billing.purchases.model import REF_CHARS_MAX, SOURCE_CHARS_MAX, Purchase
from billing.subscriptions.model import Activation
from runtime.store import Instant, Tx, metadata
from runtime.store.among import KEYS, among, packed
from runtime.store.prepared import PreparedCommand
from terms.ids import InvoiceId, ServiceId

purchase = Table(
    "purchase",
    metadata,
    Column("id", String(26), primary_key=True),
    # Where it was sold, and the number of the sale there: the same one again is the same sale.
    Column("source", String(SOURCE_CHARS_MAX), nullable=False),
    Column("ref", String(REF_CHARS_MAX), nullable=False),
    Column("account_id", String(26), ForeignKey("account.id"), nullable=False),
    Column("service_id", String(26), ForeignKey("service.id"), nullable=False),
    Column("offering", String(40), ForeignKey("offering.code"), nullable=False),
    Column("activation", String(8), nullable=False),
    Column("bought_at", Instant, nullable=False),
    Column("from_at", Instant),
    Column("until_at", Instant),
    Column("watched_at", Instant),
    # Settle looks at it: its window is open, or may open yet.
    Column("is_open", Boolean, nullable=False),
    Column("is_revoked", Boolean, nullable=False),
    UniqueConstraint("source", "ref"),
    CheckConstraint("from_at < until_at", name="until_at"),
    Index(None, "account_id", "is_open"),
    Index(None, "service_id"),
)

_OPENED = PreparedCommand(
    lambda engine: (
        update(purchase)
        .where(among(engine, purchase.c.id))
        .values(
            from_at=bindparam("since", type_=Instant), until_at=bindparam("until", type_=Instant)
        )
    )
)
_OVER = PreparedCommand(
    lambda engine: update(purchase).where(among(engine, purchase.c.id)).values(is_open=false())
)


async def keep(tx: Tx, opened: Sequence[Purchase], over: Sequence[str]) -> None:
    """Write the windows that have opened, and which purchases are over."""
    spans: dict[tuple[datetime | None, datetime | None], list[str]] = {}
    for one in opened:
        spans.setdefault((one.from_at, one.until_at), []).append(one.id)
    for (since, until), keys in spans.items():
        await _OPENED.run(tx, {KEYS: packed(tx.engine, keys), "since": since, "until": until})
    if over:
        await _OVER.run(tx, {KEYS: packed(tx.engine, over)})


def purchase_from(row: Any, invoice: str | None = None) -> Purchase:
    """Read a row of this table, with the invoice it is charged on."""
    return Purchase(
        id=row.id,
        service=ServiceId(row.service_id),
        offering=row.offering,
        activation=Activation(row.activation),
        from_at=row.from_at,
        until_at=row.until_at,
        invoice=InvoiceId(invoice) if invoice else None,
        is_revoked=row.is_revoked,
    )
