"""A household's service rests, or goes on. Every deed is audited."""

from __future__ import annotations

from datetime import date

from app.desk.auditing import note
from app.wiring import House
from billing.flows import pause as pausing
from billing.subscriptions.model import Pause
from runtime.store import Tx


async def pause(
    house: House,
    tx: Tx,
    contract: str,
    actor: str,
    *,
    begins: date | None = None,
    ends: date | None = None,
    reason: str = "",
) -> Pause:
    """Let a service rest. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    made = await pausing.pause(house.desk, tx, contract, now, from_on=begins, until_on=ends)
    await _note(house, tx, ("account.pause", actor, reason), contract, made)
    return made


async def resume(
    house: House, tx: Tx, contract: str, actor: str, *, on: date | None, reason: str = ""
) -> Pause:
    """Let a rest end, today where no day is said. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    made = await pausing.resume(house.desk, tx, contract, now, on=on)
    await _note(house, tx, ("account.resume", actor, reason), contract, made)
    return made


async def _note(
    house: House, tx: Tx, deed: tuple[str, str, str], contract: str, made: Pause
) -> None:
    action, actor, reason = deed
    await note(
        house,
        tx,
        actor=actor,
        action=action,
        subject=f"contract:{contract}",
        after=f"{made.from_on} to {made.until_on or 'somebody ends it'}",
        reason=reason,
    )
