"""Vouchers at the desk: batches are made and let go, codes redeemed. All is audited, no code is.

Whoever types codes is slowed down by account, by address or name, and all together; a mistake that
the check character tells is no guess, and what was right is given back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from app.desk import business
from app.desk.auditing import note
from app.identity.guesses import Pace
from app.wiring import House
from billing.flows import vouchers
from billing.flows.vouchers import BatchOrder, MadeBatch, Redeemed
from billing.vouchers import code as codes
from billing.vouchers.model import Batch
from runtime.store import Tx
from runtime.telemetry import get_log
from terms.calendar import local_date
from terms.errors import Invalid
from terms.money import Money, Rate

T = TypeVar("T")

OF_ONE = Pace(at_once=5, every=timedelta(minutes=5))
OF_AN_ADDRESS = Pace(at_once=10, every=timedelta(minutes=1))
OF_ALL = Pace(at_once=120, every=timedelta(seconds=1))
PORTAL, DESK = "portal", "desk"  # a household that has guessed too often may still call the desk

log = get_log()


def read_value(text: str, currency: str) -> Money:
    """Read what a card is worth. Raises Invalid."""
    try:
        return Money.parse(text.strip(), currency)
    except ValueError as error:
        raise Invalid("value", str(error)) from None


def read_margin(text: str) -> Rate:
    """Read a margin: "7.5%", or as parts in a million: "75000". Raises Invalid."""
    found = text.strip()
    try:
        if found.isascii() and found.isdigit():
            return Rate(int(found[:8]))
        return Rate.parse(found)
    except ValueError as error:
        raise Invalid("margin", str(error)) from None


async def make(
    house: House, tx: Tx, order: BatchOrder, *, actor: str, reason: str = ""
) -> MadeBatch:
    """Make a batch; its codes are in what is returned and nowhere else. Raises as the flow."""
    await business.check_currency(tx, order.value.currency)
    now = await house.clock.business_now(tx)
    known = await business.find(tx)
    today = local_date(now, known.zone if known else "UTC")
    made = await vouchers.make(house.desk, tx, house.sealer, order, now=now, today=today)
    batch = made.batch
    after = f"{batch.count} of {batch.value} for {batch.dealer}, margin {batch.margin}"
    await _note(house, tx, "voucher.make", batch, actor, reason=reason, after=after)
    return made


async def activate(house: House, tx: Tx, name: str, *, actor: str, reason: str = "") -> Batch:
    """Let the cards of a batch be redeemed. Raises NotFound, InvalidTransition."""
    batch = await vouchers.activate(tx, name, await house.clock.business_now(tx))
    await _note(house, tx, "voucher.activate", batch, actor, reason=reason, after="active")
    return batch


async def stop(house: House, tx: Tx, name: str, *, actor: str, reason: str = "") -> Batch:
    """Make all cards void that are not redeemed. Raises NotFound, InvalidTransition."""
    batch = await vouchers.stop(tx, name, await house.clock.business_now(tx))
    after = f"stopped, {batch.void} void"
    await _note(house, tx, "voucher.stop", batch, actor, reason=reason, after=after)
    return batch


async def redeem(
    house: House, tx: Tx, contract: str, code: str, *, actor: str, reason: str = ""
) -> Redeemed:
    """Take the money of a card for a household. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    done = await vouchers.redeem(
        house.desk, tx, house.sealer, contract=contract, code=code, now=now
    )
    if done.is_new:
        await note(
            house,
            tx,
            actor=actor,
            action="voucher.redeem",
            subject=f"contract:{contract}",
            after=f"{done.serial}: {done.value}",
            reason=reason,
        )
    return done


async def guarded(
    house: House,
    typed: str,
    deed: Callable[[str], Awaitable[T]],
    *,
    at: str,
    contract: str,
    by: str,
) -> T:
    """Read a code that somebody `by` an address or a name has typed, and redeem it by `deed`.

    No transaction may be open. Raises Invalid, TooOften, and what the deed raises.
    """
    code = codes.read(typed)
    paces = {
        f"voucher {at} {contract}": OF_ONE,
        f"voucher by {by}": OF_AN_ADDRESS,
        "vouchers": OF_ALL,
    }
    await house.keeper.take(paces)
    try:
        done = await deed(code)
    except Invalid as error:
        log.info("voucher.refused", at=at, contract=contract, reason=error.reason)
        raise
    await house.keeper.was_right(paces)
    return done


async def _note(
    house: House, tx: Tx, action: str, batch: Batch, actor: str, *, reason: str, after: str
) -> None:
    subject = f"vouchers:{batch.name}"
    await note(house, tx, actor=actor, action=action, subject=subject, after=after, reason=reason)
