"""Money goes back to who paid it, of one payment. Audited."""

from __future__ import annotations

from app.desk import given
from app.desk.auditing import note
from app.desk.boxes import holder_of
from app.wiring import House
from billing.flows import refund
from billing.flows.refund import Refunding
from billing.payments.refunds import RefundWish
from runtime.store import Tx
from terms.errors import Invalid
from terms.money import Money


async def give_back(
    house: House,
    tx: Tx,
    contract: str,
    charge: str,
    *,
    provider: str = "",
    amount: str = "",
    line: str = "",
    reason: str,
    reference: str,
    actor: str,
) -> Refunding:
    """Give back an amount like 5.00, or all that is left; of a line by a credit note for it.

    The provider is asked after it, and what became of it stands in the list of refunds. Raises what
    the flow raises.
    """
    holder = await holder_of(tx, contract)
    wish = RefundWish(
        charge=given.name("payment", charge),
        provider=provider,
        amount=_read(amount, holder.currency) if amount else None,
        line=line,
        reason=given.name("reason", reason),
        reference=given.name("reference", reference),
    )
    now = await house.clock.business_now(tx)
    done = await refund.give_back(house.desk, tx, contract, wish, now, by=actor)
    if done.is_new:
        with_note = f", credit note {done.note} for {line}" if done.note else ""
        await note(
            house,
            tx,
            actor=actor,
            action="payment.refund",
            subject=f"contract:{contract}",
            before=f"payment {done.charge}",
            after=f"{done.amount} goes back{with_note}",
            reason=wish.reason,
        )
    return done


def _read(amount: str, currency: str) -> Money:
    try:
        return Money.parse(amount, currency)
    except ValueError as error:
        raise Invalid("amount", str(error)) from None
