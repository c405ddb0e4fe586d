"""Promotions: what is published, how often each was had and what it has cost, who has which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from billing.invoicing.discounts import invoice_discount, periods_of
from billing.promotions import store
from billing.promotions.promotion import Promotion, Redemption
from billing.promotions.store import promotion, promotion_from, redemption, redemption_from
from runtime.store import Tx
from terms.ids import AccountId

_TAKEN = select(func.coalesce(func.sum(invoice_discount.c.amount_minor), 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionView:
    """A promotion, how often it was redeemed, and what was taken off by it in minor units."""

    promotion: Promotion
    redeemed: int
    taken_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RedemptionView:
    """What an account has, since when, how many whole periods have borne it, and what it has taken
    off them in minor units.
    """

    redemption: Redemption
    redeemed_at: datetime
    periods: int
    taken_minor: int


async def redeemed(tx: Tx) -> dict[str, int]:
    """Tell how often each promotion was redeemed that was at all."""
    return await store.redeemed(tx)


async def all_by_code(tx: Tx) -> dict[str, Promotion]:
    """Read every promotion, by its code."""
    return await store.load(tx)


async def holders(tx: Tx) -> dict[str, int]:
    """Count the accounts that have each promotion."""
    c = redemption.c
    query = select(c.promotion, func.count(c.account_id.distinct()).label("n"))
    return {row.promotion: row.n for row in await tx.rows(query.group_by(c.promotion))}


async def listing(tx: Tx) -> list[PromotionView]:
    """List every promotion by its code."""
    taken = _TAKEN.join_from(
        invoice_discount, redemption, redemption.c.id == invoice_discount.c.redemption_id
    ).where(redemption.c.promotion == promotion.c.code)
    query = select(promotion, taken.scalar_subquery().label("taken_minor"))
    return [
        PromotionView(
            promotion=promotion_from(row),
            redeemed=row.redeemed,
            taken_minor=int(row.taken_minor),
        )
        for row in await tx.rows(query.order_by(promotion.c.code))
    ]


async def of_account(tx: Tx, key: AccountId) -> list[RedemptionView]:
    """List what an account has redeemed, the first first."""
    r = redemption.c
    taken = _TAKEN.where(invoice_discount.c.redemption_id == r.id).scalar_subquery()
    query = (
        select(redemption, periods_of(r.id).label("periods"), taken.label("taken_minor"))
        .where(r.account_id == key)
        .order_by(r.id)
    )
    rows = await tx.rows(query)
    promotions = await _named(tx, rows)
    return [
        RedemptionView(
            redemption=redemption_from(row, promotions),
            redeemed_at=row.redeemed_at,
            periods=row.periods,
            taken_minor=int(row.taken_minor),
        )
        for row in rows
    ]


async def _named(tx: Tx, rows: Sequence[Any]) -> dict[str, Promotion]:
    codes = sorted({row.promotion for row in rows})
    found = await tx.rows(select(promotion).where(promotion.c.code.in_(codes)))
    return {row.code: promotion_from(row) for row in found}
