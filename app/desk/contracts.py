"""What a household has is changed, or ends. Every deed is audited."""

from __future__ import annotations

from datetime import datetime

from app.desk.auditing import note
from app.wiring import House
from billing.flows import cancel as cancelling
from billing.flows import change as changing
from billing.flows.cancel import When
from billing.flows.change import Change
from billing.flows.contract import lock
from runtime.store import Tx


async def change(
    house: House, tx: Tx, contract: str, wish: Change, actor: str, *, reason: str = ""
) -> None:
    """Change plan and add-ons. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    before = await _has(tx, contract, now)
    await changing.change(house.desk, tx, contract, wish, now)
    parts = [f"plan {wish.plan}"] if wish.plan else []
    parts += [f"+ {code}" for code in wish.add] + [f"- {code}" for code in wish.remove]
    await note(
        house,
        tx,
        actor=actor,
        action="account.change",
        subject=f"contract:{contract}",
        before=before,
        after=", ".join(parts),
        reason=reason,
    )


async def cancel(
    house: House, tx: Tx, contract: str, when: When, actor: str, *, reason: str = ""
) -> None:
    """End a contract. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    before = await _has(tx, contract, now)
    await cancelling.cancel(house.desk, tx, contract, when, now)
    await note(
        house,
        tx,
        actor=actor,
        action="account.cancel",
        subject=f"contract:{contract}",
        before=before,
        after=f"ends {'now' if when is When.NOW else 'at the end of the period'}",
        reason=reason,
    )


async def _has(tx: Tx, contract: str, now: datetime) -> str:
    """Name what a household has and nobody has ended. Raises NotFound."""
    held = await lock(tx, contract, now)
    return " + ".join(one.offering for one in held.subscriptions if one.until_on is None)
