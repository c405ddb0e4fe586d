"""What a person decides about a deposit that waits for somebody."""

from __future__ import annotations

from app.desk.auditing import note
from app.wiring import House
from billing.flows.release import Released, release_deposit
from billing.reads import rentals
from runtime.store import Tx
from terms.errors import Invalid
from terms.money import Money


async def release(
    house: House, tx: Tx, rental: str, *, keep: str, reason: str, actor: str, contract: str = ""
) -> Released:
    """Keep a part of a rental's deposit, written like 12.50, and give the rest back.

    Where a contract is said, it has to be of that household. Raises what the flow raises, and
    Invalid for a part that is no amount.
    """
    held = await rentals.one(tx, rental)
    if contract not in {"", held.contract}:
        raise Invalid("rental", f"it is not of contract {contract}")
    try:
        wanted = Money.parse(keep, held.rental.deposit.currency)
    except ValueError as error:
        raise Invalid("keep", str(error)) from None
    done = await release_deposit(house.desk, tx, rental, keep_minor=wanted.amount_minor)
    if done.is_new:
        await note(
            house,
            tx,
            actor=actor,
            action="deposit.release",
            subject=f"contract:{held.contract}",
            reason=reason,
            before=f"{done.kept + done.freed} held for {done.serial}",
            after=f"{done.kept} kept, {done.freed} given back",
        )
    return done
