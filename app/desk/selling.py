"""Something is sold once, taken back, or noted as watched. Every deed is audited."""

from __future__ import annotations

from app.desk.auditing import note
from app.wiring import House
from billing.flows import purchase
from billing.flows.purchase import Order
from billing.reads import purchases
from billing.reads.purchases import PurchaseView
from runtime.store import Tx


async def sell(
    house: House, tx: Tx, contract: str, order: Order, actor: str, *, reason: str = ""
) -> PurchaseView:
    """Sell something once to a household. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    sold = await purchase.buy(house.desk, tx, contract, order, now)
    found = await purchases.one(tx, sold.id, now)
    if sold.is_new:
        after = f"{found.quantity} x {found.offering}, {found.amount} before tax"
        await _note(house, tx, ("purchase.sell", actor, reason), found, after)
    return found


async def give_back(
    house: House, tx: Tx, key: str, actor: str, *, reason: str = ""
) -> PurchaseView:
    """Take a sale back that nobody has watched. Raises what the flow raises."""
    is_new = await purchase.give_back(house.desk, tx, key)
    found = await purchases.one(tx, key, await house.clock.business_now(tx))
    if is_new:
        await _note(house, tx, ("purchase.give_back", actor, reason), found, found.offering)
    return found


async def note_watched(house: House, tx: Tx, key: str, actor: str) -> PurchaseView:
    """Note that a title is being watched. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    is_new = await purchase.note_watched(tx, key, now)
    found = await purchases.one(tx, key, now)
    if is_new:
        await _note(house, tx, ("purchase.watched", actor, ""), found, found.offering)
    return found


async def _note(
    house: House, tx: Tx, deed: tuple[str, str, str], found: PurchaseView, after: str
) -> None:
    action, actor, reason = deed
    await note(
        house,
        tx,
        actor=actor,
        action=action,
        subject=f"contract:{found.contract}",
        after=f"{after} ({found.source} {found.ref})",
        reason=reason,
    )
