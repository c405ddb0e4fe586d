"""Tables and SQL of promotions and of who has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    select,
)

from billing.promotions.model import Discount, Scope
from billing.promotions.promotion import Promotion, Redemption
from runtime.store import Instant, Tx, metadata
from terms.money import Money, Rate

SEPARATOR = "\n"  # of codes in one column; none holds a control character

promotion = Table(
    "promotion",
    metadata,
    Column("code", String(40), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("percent_ppm", Integer),
    Column("amount_minor", BigInteger),
    Column("currency", String(3)),
    Column("scope", String(8), nullable=False),
    Column("limited_to", Text, nullable=False),
    Column("periods_max", Integer),
    # Periods that begin on it or later do not count any more.
    Column("ends_on", Date),
    Column("group", String(40), nullable=False),
    Column("from_on", Date, nullable=False),
    Column("until_on", Date),
    Column("redeem_max", Integer),
    Column("account_max", Integer, nullable=False),
    Column("ahead", Integer),
    # How often it was redeemed: its row is what those who redeem it at once wait for.
    Column("redeemed", Integer, nullable=False, server_default="0"),
    CheckConstraint("(percent_ppm IS NULL) <> (amount_minor IS NULL)", name="percent_ppm"),
    CheckConstraint("redeem_max IS NULL OR redeemed <= redeem_max", name="redeem_max"),
)

redemption = Table(
    "redemption",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("promotion", String(40), ForeignKey("promotion.code"), nullable=False),
    Column("account_id", String(26), ForeignKey("account.id"), nullable=False),
    # The how manieth of this promotion for this account.
    Column("n", Integer, nullable=False),
    Column("from_on", Date, nullable=False),
    Column("until_on", Date),
    Column("subject", String(40), nullable=False),
    Column("redeemed_at", Instant, nullable=False),
    UniqueConstraint("promotion", "account_id", "n"),
    CheckConstraint("n > 0", name="n"),
    Index(None, "account_id"),
)


async def load(tx: Tx) -> dict[str, Promotion]:
    """Read every promotion, by its code."""
    return {row.code: promotion_from(row) for row in await tx.rows(select(promotion))}


async def redeemed(tx: Tx) -> dict[str, int]:
    """Tell how often each promotion was redeemed that was at all."""
    query = select(promotion.c.code, promotion.c.redeemed).where(promotion.c.redeemed > 0)
    return {row.code: row.redeemed for row in await tx.rows(query)}


async def keep(tx: Tx, promotions: Sequence[Promotion]) -> None:
    """Write promotions, new or changed."""
    await tx.upsert(promotion, [_row(one) for one in promotions], key=("code",))


def promotion_from(row: Any) -> Promotion:
    """Read a row of the table of promotions."""
    percent, minor = row.percent_ppm, row.amount_minor
    return Promotion(
        discount=Discount(
            code=row.code,
            off=Money(minor, row.currency) if percent is None else Rate(percent),
            scope=Scope[row.scope.upper()],
            limited_to=frozenset(row.limited_to.split(SEPARATOR) if row.limited_to else ()),
            periods_max=row.periods_max,
            until=row.ends_on,
        ),
        name=row.name,
        group=row.group,
        from_on=row.from_on,
        until_on=row.until_on,
        redeem_max=row.redeem_max,
        account_max=row.account_max,
        ahead=row.ahead,
    )


def redemption_from(row: Any, promotions: Mapping[str, Promotion]) -> Redemption:
    """Read a row of the table of redemptions."""
    return Redemption(
        id=row.id,
        promotion=promotions[row.promotion],
        from_on=row.from_on,
        until_on=row.until_on,
        subject=row.subject,
    )


def _row(one: Promotion) -> dict[str, object]:
    off = one.discount.off
    is_rate = isinstance(off, Rate)
    return {
        "code": one.code,
        "name": one.name,
        "percent_ppm": off.ppm if isinstance(off, Rate) else None,
        "amount_minor": None if isinstance(off, Rate) else off.amount_minor,
        "currency": None if is_rate else one.currency,
        "scope": one.discount.scope.name.lower(),
        "limited_to": SEPARATOR.join(sorted(one.discount.limited_to)),
        "periods_max": one.discount.periods_max,
        "ends_on": one.discount.until,
        "group": one.group,
        "from_on": one.from_on,
        "until_on": one.until_on,
        "redeem_max": one.redeem_max,
        "account_max": one.account_max,
        "ahead": one.ahead,
    }
