"""Tables of vouchers: batches, the digests of their codes, and the keys of these digests.

A code in the clear is nowhere here. Its digest is made with a key of its own, which is sealed, so
that a new master key changes no digest.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from billing.vouchers.model import Batch, BatchState
from runtime.store import Instant, metadata
from terms.money import Money, Rate

voucher_key = Table(
    "voucher_key",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("sealed", Text, nullable=False),
)

voucher_batch = Table(
    "voucher_batch",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("prefix", String(6), nullable=False),
    Column("value_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("count", Integer, nullable=False),
    Column("valid_until", Date, nullable=False),
    Column("dealer", String(80), nullable=False),
    Column("margin_ppm", Integer, nullable=False),
    Column("state", String(8), nullable=False),
    Column("made_at", Instant, nullable=False),  # business time, as those below
    Column("activated_at", Instant),
    Column("stopped_at", Instant),
    # How many were redeemed: its row is what those who redeem of it at once wait for.
    Column("redeemed", Integer, nullable=False, server_default="0"),
    CheckConstraint("value_minor > 0", name="value_minor"),
    CheckConstraint("margin_ppm BETWEEN 0 AND 1000000", name="margin_ppm"),
    CheckConstraint("redeemed BETWEEN 0 AND count", name="redeemed"),
    CheckConstraint("state IN ('made', 'active', 'stopped')", name="state"),
)

voucher = Table(
    "voucher",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("batch", String(40), ForeignKey("voucher_batch.name"), nullable=False),
    Column("n", Integer, nullable=False),
    Column("account_id", String(26), ForeignKey("account.id")),
    Column("redeemed_at", Instant),  # business time
    UniqueConstraint("batch", "n"),
    CheckConstraint("(account_id IS NULL) = (redeemed_at IS NULL)", name="account_id"),
    Index(None, "account_id"),
)


def digest(key: str, code: str) -> str:
    """Give what is kept of a code."""
    return hmac.new(key.encode(), code.encode(), hashlib.sha256).hexdigest()


def key_place(key: str) -> str:
    """Say where the key of this id is sealed for."""
    return f"voucher_key/sealed/{key}"


def batch_from(row: Any) -> Batch:
    """Read a row of the table of batches."""
    return Batch(
        name=row.name,
        prefix=row.prefix,
        value=Money(row.value_minor, row.currency),
        count=row.count,
        valid_until=row.valid_until,
        dealer=row.dealer,
        margin=Rate(row.margin_ppm),
        state=BatchState(row.state),
        made_at=row.made_at,
        activated_at=row.activated_at,
        stopped_at=row.stopped_at,
        redeemed=row.redeemed,
    )
