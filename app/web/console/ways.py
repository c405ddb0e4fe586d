"""What staff does about how a household pays: gives money back, chooses and removes cards."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from app.desk import methods, refunds
from app.desk.typed import plain
from app.web.console.forms import DeedForm
from app.web.page.words import money
from app.web.route import Call
from billing.payments.refunds import RefundState
from runtime.store import Tx
from terms.errors import Invalid

_UNSAID = "say whether it is owed again, or a line that a credit note gives back"
_LINE = "name the line that a credit note gives back, like INV-00000012.1"
_NO_LINE = "what a line gives back is not owed again: leave it empty, or choose the credit note"


class RefundForm(DeedForm):
    """Of which payment how much goes back, whether it is owed again or of which line; why must be
    said.
    """

    payment: Annotated[str, Field(min_length=1, max_length=160)]
    amount: Annotated[str, Field(max_length=20)] = ""
    owed_again: Literal["", "yes", "no"] = ""
    line: Annotated[str, Field(max_length=60)] = ""
    reason: Annotated[str, Field(min_length=1, max_length=200)]


class MethodForm(DeedForm):
    """Which payment method."""

    method: Annotated[str, Field(min_length=1, max_length=40)]


async def refund(call: Call, tx: Tx) -> str:
    """Give money back of a payment; nobody is dunned for it unless the form says so."""
    form: RefundForm = call.form
    line = form.line.strip()
    if not form.owed_again:
        raise Invalid("what follows", _UNSAID)
    if (form.owed_again == "no") is not bool(line):
        raise Invalid("line", _NO_LINE if line else _LINE)
    provider, _, charge = form.payment.partition(" ")
    done = await refunds.give_back(
        call.house,
        tx,
        call.part("contract"),
        charge,
        provider=provider,
        amount=plain(form.amount) or None,
        line=line,
        reason=form.reason,
        reference=f"desk-{call.once[:32]}",
        actor=call.actor,
    )
    if done.state is RefundState.WAITING:
        return f"{money(done.amount)} waits for a second person: nothing has left."
    again = "" if done.note else " What it had paid is owed again."
    if done.state is RefundState.DONE:
        return f"{money(done.amount)} is given back.{again}"
    return f"{money(done.amount)} goes back: the provider is asked.{again}"


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
