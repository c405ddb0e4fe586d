"""A household redeems a promotion. Every deed is audited."""

from __future__ import annotations

from app.desk.auditing import note
from app.wiring import House
from billing.flows import redeem as redeeming
from billing.promotions.promotion import Redemption
from runtime.store import Tx


async def redeem(
    house: House, tx: Tx, contract: str, code: str, actor: str, *, reason: str = ""
) -> Redemption:
    """Give a household a promotion by its code. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    made = await redeeming.redeem(house.desk, tx, contract, code, now)
    await note(
        house,
        tx,
        actor=actor,
        action="promotion.redeem",
        subject=f"contract:{contract}",
        after=made.promotion.code,
        reason=reason,
    )
    return made
