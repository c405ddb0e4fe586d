"""What a household has for its loyalty: its points, their history, whom it has brought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select

from billing.loyalty.model import PointKind, Program
from billing.loyalty.store import load_program, loyalty, point_entry, referral, referral_code
from runtime.store import Tx
from terms.ids import AccountId

ROWS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PointView:
    """Points that came, or went where they are below nothing."""

    at: datetime
    kind: PointKind
    points: int
    expires_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoyaltyView:
    """`points` is None where the account is no member; `code` is empty where it never asked.

    Of those it `brought`, some were `rewarded` with credit. `entries` are the newest.
    """

    points: int | None
    entries: Sequence[PointView]
    code: str
    brought: int
    rewarded: int


async def program(tx: Tx) -> Program:
    """Show what is given."""
    return await load_program(tx)


async def members(tx: Tx) -> int:
    """Count the accounts that have points for what they pay."""
    return int(await tx.scalar(select(func.count()).select_from(loyalty)))


async def of_account(tx: Tx, key: AccountId) -> LoyaltyView:
    """Show what an account has."""
    p, r = point_entry.c, referral.c
    entries = await tx.rows(
        select(point_entry).where(p.account_id == key).order_by(p.id.desc()).limit(ROWS_MAX)
    )
    brought = await tx.first(
        select(func.count().label("all"), func.count(r.rewarded_at).label("rewarded")).where(
            r.referrer_id == key
        )
    )
    code = select(referral_code.c.code).where(referral_code.c.account_id == key)
    return LoyaltyView(
        points=await tx.scalar(select(loyalty.c.points).where(loyalty.c.account_id == key)),
        entries=[
            PointView(
                at=row.at, kind=PointKind(row.kind), points=row.points, expires_on=row.expires_on
            )
            for row in entries
        ],
        code=await tx.scalar(code) or "",
        brought=brought.all if brought else 0,
        rewarded=brought.rewarded if brought else 0,
    )
