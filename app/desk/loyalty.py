"""A household joins, spends points and asks for the code by which it brings others. Audited."""

from __future__ import annotations

from app.desk import given
from app.desk.auditing import note
from app.wiring import House
from billing.flows import loyalty
from billing.flows.loyalty import Spent
from runtime.store import Tx


async def join(house: House, tx: Tx, contract: str, actor: str) -> bool:
    """Make a household a member; False where it is one. Raises what the flow raises."""
    is_new = await loyalty.join(tx, contract, await house.clock.business_now(tx))
    if is_new:
        await _note(house, tx, (actor, "loyalty.join"), contract, "member")
    return is_new


async def spend(
    house: House, tx: Tx, contract: str, actor: str, *, points: int, reference: str
) -> Spent:
    """Turn points into credit, once for each reference. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    reference = given.name("reference", reference)
    done = await loyalty.spend(house.desk, tx, contract, now, points=points, reference=reference)
    if done.is_new:
        await _note(house, tx, (actor, "loyalty.spend"), contract, f"{points} points, {reference}")
    return done


async def code_of(house: House, tx: Tx, contract: str, actor: str) -> str:
    """Give the code by which a household brings others; always the same."""
    now = await house.clock.business_now(tx)
    code, is_new = await loyalty.code_of(house.desk, tx, contract, now)
    if is_new:
        await _note(house, tx, (actor, "loyalty.code"), contract, code)
    return code


async def _note(house: House, tx: Tx, deed: tuple[str, str], contract: str, after: str) -> None:
    actor, action = deed
    subject = f"contract:{contract}"
    await note(house, tx, actor=actor, action=action, subject=subject, after=after)
