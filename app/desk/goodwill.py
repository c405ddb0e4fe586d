"""A person gives back of a line for no days of it. Audited."""

from __future__ import annotations

from app.desk import given
from app.desk.auditing import note
from app.wiring import House
from billing.flows import goodwill
from billing.flows.goodwill import Forgiven, Goodwill
from billing.reads import explaining
from runtime.store import Tx
from terms.errors import Invalid
from terms.money import Money, Rate


async def give(
    house: House,
    tx: Tx,
    line: str,
    *,
    amount: str | None = None,
    percent: str | None = None,
    reason: str,
    reference: str,
    actor: str,
) -> Forgiven:
    """Give an amount like 5.00 or a share like 10% of a line, once for each reference.

    Raises what the flow raises, and Invalid for neither or both.
    """
    found = await explaining.line(tx, line)
    wish = Goodwill(
        of=_read(amount, percent, found.amount.currency),
        reason=given.name("reason", reason),
        reference=given.name("reference", reference),
    )
    now = await house.clock.business_now(tx)
    done = await goodwill.give(house.desk, tx, line, wish, now, by=actor)
    if done.is_new:
        await note(
            house,
            tx,
            actor=actor,
            action="goodwill.give",
            subject=f"contract:{found.contract}",
            before=f"{found.left} left of {line}",
            after=f"{done.amount} given back by {done.note}",
            reason=wish.reason,
        )
    return done


def _read(amount: str | None, percent: str | None, currency: str) -> Money | Rate:
    try:
        if amount is not None and percent is None:
            return Money.parse(amount, currency)
        if percent is not None and amount is None:
            return Rate.parse(percent)
    except ValueError as error:
        raise Invalid("percent" if amount is None else "amount", str(error)) from None
    raise Invalid("amount", "is given, or a percentage, and never both")
