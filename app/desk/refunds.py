"""Money goes back to who paid it, of one payment; a second person decides about much. Audited."""

from __future__ import annotations

from app.desk import given
from app.desk.auditing import note
from app.desk.boxes import holder_of
from app.identity import standing
from app.identity.roles import Right
from app.wiring import House
from billing.flows import refund, second
from billing.flows.refund import Refunding
from billing.flows.second import Decided
from billing.payments.refunds import RefundState, RefundWish
from billing.reads import refunds as reading
from runtime.store import Tx
from terms.errors import Invalid, InvalidTransition
from terms.money import Money


async def give_back(
    house: House,
    tx: Tx,
    contract: str,
    charge: str,
    *,
    provider: str = "",
    amount: str | None = None,
    line: str = "",
    reason: str,
    reference: str,
    actor: str,
) -> Refunding:
    """Give back an amount like 5.00, all that is left for None; of a line by a credit note for it.

    The provider is asked after it, and what became of it stands in the list of refunds. More than
    one person gives back alone waits for a second one. Raises what the flow raises.
    """
    holder = await holder_of(tx, contract)
    wish = RefundWish(
        charge=given.name("payment", charge),
        provider=provider,
        amount=None if amount is None else _read(amount, holder.currency),
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
            after=f"{done.amount} {goes(done)}{with_note}",
            reason=wish.reason,
        )
    return done


async def release(house: House, tx: Tx, key: str, *, actor: str, reason: str = "") -> Decided:
    """Let a refund go that waits, as a second person.

    Raises what the flow raises; InvalidTransition where who asked for it may not any more.
    """
    await _check_asker(tx, key)
    now = await house.clock.business_now(tx)
    done = await second.release(house.desk, tx, key, now, by=actor, reason=reason.strip())
    await _note(house, tx, done, actor, action="refund.release", after="goes back", reason=reason)
    return done


async def decline(house: House, tx: Tx, key: str, *, actor: str, reason: str) -> Decided:
    """Say no to a refund that waits, as a second person. Raises what the flow raises."""
    why = given.name("reason", reason)
    now = await house.clock.business_now(tx)
    done = await second.decline(tx, key, now, by=actor, reason=why)
    await _note(house, tx, done, actor, action="refund.decline", after="stays here", reason=why)
    return done


async def _check_asker(tx: Tx, key: str) -> None:
    """Raise InvalidTransition where one of the two who give much back is none any more."""
    asked = (await reading.asked(tx, [key])).values()
    if set(asked) - await standing.still(tx, asked, Right.TAKE_MONEY):
        raise InvalidTransition(
            "whoever asked for it may not any more: decline it, and ask for another",
            field="asked_by",
        )


def goes(one: Refunding) -> str:
    """Tell whether a refund goes back, or waits."""
    return "waits for a second person" if one.state is RefundState.WAITING else "goes back"


async def _note(
    house: House, tx: Tx, done: Decided, actor: str, *, action: str, after: str, reason: str
) -> None:
    if done.is_new:
        await note(
            house,
            tx,
            actor=actor,
            action=action,
            subject=f"contract:{done.contract}",
            before=f"{done.amount} of {done.charges}, asked for by {done.asked_by}",
            after=f"{done.amount} {after}",
            reason=reason,
        )


def _read(amount: str, currency: str) -> Money:
    try:
        return Money.parse(amount, currency)
    except ValueError as error:
        raise Invalid("amount", str(error)) from None
