"""What a household has is changed, or ends. Every deed is audited."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from app.desk.auditing import note
from app.wiring import House
from billing.catalog.terms import When
from billing.flows import cancel as cancelling
from billing.flows import change as changing
from billing.flows.change import Change
from billing.reads import accounts
from runtime.store import Tx


async def change(
    house: House, tx: Tx, contract: str, wish: Change, actor: str, *, reason: str = ""
) -> None:
    """Change plan and add-ons. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    async with _noted(house, tx, contract, now, ("account.change", actor, reason)):
        await changing.change(house.desk, tx, contract, wish, now)


async def cancel(
    house: House, tx: Tx, contract: str, when: When | None, actor: str, *, reason: str = ""
) -> None:
    """End a contract, by its terms unless said when. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    async with _noted(house, tx, contract, now, ("account.cancel", actor, reason)):
        await cancelling.cancel(house.desk, tx, contract, when, now)


@asynccontextmanager
async def _noted(
    house: House, tx: Tx, contract: str, now: datetime, deed: tuple[str, str, str]
) -> AsyncIterator[None]:
    """Write down what a household had before a deed and has after it."""
    action, actor, reason = deed
    before = await accounts.offerings(tx, contract, now.date())
    yield
    await note(
        house,
        tx,
        actor=actor,
        action=action,
        subject=f"contract:{contract}",
        before=", ".join(before),
        after=", ".join(await accounts.offerings(tx, contract, now.date())),
        reason=reason,
    )
