"""What a household has is changed, or ends. Every deed is audited."""

from __future__ import annotations

from app.desk.auditing import note
from app.wiring import House
from billing.flows import cancel as cancelling
from billing.flows import change as changing
from billing.flows.cancel import When
from billing.flows.change import Change
from runtime.store import Tx


async def change(house: House, tx: Tx, contract: str, wish: Change, actor: str) -> None:
    """Change plan and add-ons. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    await changing.change(house.desk, tx, contract, wish, now)
    parts = [f"plan {wish.plan}"] if wish.plan else []
    parts += [f"+ {code}" for code in wish.add] + [f"- {code}" for code in wish.remove]
    await note(
        house,
        tx,
        actor=actor,
        action="account.change",
        subject=f"contract:{contract}",
        after=", ".join(parts),
    )


async def cancel(house: House, tx: Tx, contract: str, when: When, actor: str) -> None:
    """End a contract. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    await cancelling.cancel(house.desk, tx, contract, when, now)
    await note(
        house,
        tx,
        actor=actor,
        action="account.cancel",
        subject=f"contract:{contract}",
        after=when.value,
    )
