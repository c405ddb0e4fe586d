"""A household redeems a code: of a promotion, or of the household that has brought it. Audited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.desk.auditing import note
from app.wiring import House
from billing.flows import loyalty
from billing.flows import redeem as redeeming
from billing.promotions.promotion import spelled
from runtime.store import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Had:
    """What a code was of: a promotion, for charges from a day on, or another household."""

    code: str
    name: str
    from_on: date | None = None
    until_on: date | None = None


async def redeem(
    house: House, tx: Tx, contract: str, code: str, actor: str, *, reason: str = ""
) -> Had:
    """Give a household what a code is of. Raises what the flows raise."""
    now = await house.clock.business_now(tx)
    if await loyalty.refer(tx, contract, spelled(code), now) is not None:
        had = Had(code=spelled(code), name="Brought by another household")
        action = "loyalty.refer"
    else:
        made = await redeeming.redeem(house.desk, tx, contract, code, now)
        promotion = made.promotion
        had = Had(
            code=promotion.code,
            name=promotion.name,
            from_on=made.from_on,
            until_on=made.until_on,
        )
        action = "promotion.redeem"
    await note(
        house,
        tx,
        actor=actor,
        action=action,
        subject=f"contract:{contract}",
        after=had.code,
        reason=reason,
    )
    return had
