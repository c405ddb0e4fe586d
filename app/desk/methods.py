"""How a household pays by itself: a card left at the provider, chosen, removed. Audited."""

from __future__ import annotations

from app.desk.asking import ask
from app.desk.auditing import note
from app.identity.guesses import Paces
from app.wiring import House
from billing.flows import methods
from runtime.store import Tx


async def setup_link(
    house: House,
    contract: str,
    *,
    provider: str = "",
    replaces: str = "",
    back_to: str = "",
    paces: Paces | None = None,
) -> str:
    """Have the provider make a page on which a card is left; its number never comes here.

    Opens a transaction of its own: the provider is talked to after it. A subscriber is allowed so
    many pages at `paces`. Raises what the flow raises, TooOften.
    """
    await house.refresh_providers()
    async with house.store.read() as tx:
        order = await methods.setup_order(
            house.desk, tx, contract, provider=provider, replaces=replaces, return_url=back_to
        )
    if paces:
        await house.subscribers.take(paces)
    return await ask(order.provider, house.providers[order.provider].setup(order))


async def prefer(
    house: House, tx: Tx, contract: str, method: str, *, actor: str, reason: str = ""
) -> str:
    """Make a method the one that is charged. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    called = await methods.prefer(house.desk, tx, contract, method, now)
    await note(
        house,
        tx,
        actor=actor,
        action="method.prefer",
        subject=f"contract:{contract}",
        after=called,
        reason=reason,
    )
    return called


async def remove(
    house: House, tx: Tx, contract: str, method: str, *, actor: str, reason: str = ""
) -> str:
    """Never charge a method again. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    called = await methods.remove(house.desk, tx, contract, method, now)
    await note(
        house,
        tx,
        actor=actor,
        action="method.remove",
        subject=f"contract:{contract}",
        before=called,
        reason=reason,
    )
    return called
