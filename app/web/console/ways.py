"""What staff does about how a household pays: gives money back, chooses and removes cards."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.desk import methods, refunds
from app.web.console.forms import DeedForm
from app.web.route import Call
from billing.payments.refunds import RefundState
from runtime.store import Tx


class RefundForm(DeedForm):
    """Of which payment how much goes back, perhaps of which line; why must be said."""

    payment: Annotated[str, Field(min_length=1, max_length=160)]
    amount: Annotated[str, Field(max_length=20)] = ""
    line: Annotated[str, Field(max_length=60)] = ""
    reason: Annotated[str, Field(min_length=1, max_length=200)]


class MethodForm(DeedForm):
    """Which payment method."""

    method: Annotated[str, Field(min_length=1, max_length=40)]


async def refund(call: Call, tx: Tx) -> str:
    """Give money back of a payment."""
    form: RefundForm = call.form
    provider, _, charge = form.payment.partition(" ")
    done = await refunds.give_back(
        call.house,
        tx,
        call.part("contract"),
        charge,
        provider=provider,
        amount=form.amount.strip().replace(",", "."),
        line=form.line.strip(),
        reason=form.reason,
        reference=f"desk-{call.once[:32]}",
        actor=call.actor,
    )
    if done.state is RefundState.DONE:
        return f"{done.amount} is given back."
    return f"{done.amount} goes back: the provider is asked."


async def method_default(call: Call, tx: Tx) -> str:
    """Make a method the one that is charged."""
    form: MethodForm = call.form
    called = await methods.prefer(
        call.house,
        tx,
        call.part("contract"),
        form.method,
        actor=call.actor,
        reason=form.reason.strip(),
    )
    return f"{called} is charged from now on."


async def method_remove(call: Call, tx: Tx) -> str:
    """Never charge a method again."""
    form: MethodForm = call.form
    called = await methods.remove(
        call.house,
        tx,
        call.part("contract"),
        form.method,
        actor=call.actor,
        reason=form.reason.strip(),
    )
    return f"{called} is never charged again."


async def method_link(call: Call) -> str:
    """Have the provider make a page on which a card is left."""
    url = await methods.setup_link(call.house, call.part("contract"))
    return f"A card can be left here:\n{url}"
