"""What a household has is changed, or ends. Every deed is audited."""

from __future__ import annotations

from app.wiring import House
from billing.flows import cancel as cancelling
from billing.flows import change as changing
from billing.flows.cancel import When
from billing.flows.change import Change
from runtime.store import Tx
from runtime.store.audit import Deed, record


async def change(house: House, tx: Tx, contract: str, wish: Change, actor: str) -> None:
    """Change plan and add-ons. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    await changing.change(house.desk, tx, contract, wish, now)
    parts = [f"plan {wish.plan}"] if wish.plan else []
    parts += [f"+ {code}" for code in wish.add] + [f"- {code}" for code in wish.remove]
    await _note(house, tx, contract, "account.change", ", ".join(parts), actor)


async def cancel(house: House, tx: Tx, contract: str, when: When, actor: str) -> None:
    """End a contract. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    await cancelling.cancel(house.desk, tx, contract, when, now)
    await _note(house, tx, contract, "account.cancel", when.value, actor)


async def _note(
    house: House, tx: Tx, contract: str, action: str, after: str, actor: str
) -> None:
    deed = Deed(
        at=house.clock.machine_now(),
        actor=actor,
        action=action,
        subject=f"contract:{contract}",
        after=after,
    )
    await record(tx, [deed])
