"""Refunds: the refund's id of ours is its key and stands on it.

Whoever asks must say how much that makes in all, so two who ask at once do not give back twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from billing.payments.model import Decline, MovementKind
from billing.payments.provider import Declined, GivenBack, Missing, Outcome, Postponed, RefundOrder
from billing.payments.providers.gocardless.client import Client, Refusal
from billing.payments.providers.gocardless.events import of_refund
from billing.payments.providers.gocardless.reading import BOUNCED
from billing.payments.reading import mark, readable, ref
from terms.errors import Conflict, Unreachable, untouched

# Refunds are paid from money that is still with the provider; more comes with later payments.
NO_FUNDS, NO_FUNDS_S = "available_refund_amount_insufficient", 6 * 3600.0
OTHER_SUM = "total_amount_confirmation_invalid"
_FINAL = frozenset({"number_of_refunds_exceeded", "refund_payment_invalid_state"})


async def refund(client: Client, order: RefundOrder) -> Outcome:
    """Give back of a payment."""
    payment = await client.get("payments", order.charge)
    if isinstance(payment, Refusal):
        return _declined(payment, order)
    so_far = payment.get("amount_refunded")
    if type(so_far) is not int:
        raise Unreachable("an answer that cannot be read: it does not say what was refunded")
    made = await client.create(
        "refunds",
        {
            "amount": order.amount.amount_minor,
            "total_amount_confirmation": so_far + order.amount.amount_minor,
            "metadata": {"refund": order.refund},
            "links": {"payment": order.charge},
        },
        key=order.refund,
    )
    return _declined(made, order) if isinstance(made, Refusal) else _outcome(made, order)


async def look_up(client: Client, order: RefundOrder) -> Outcome:
    """Find out what became of a refund, without side effects."""
    for one in await client.walk("refunds", {"payment": order.charge}):
        if mark(one, "refund") == order.refund:
            return _outcome(one, order)
    return Missing()


def _outcome(made: Mapping[str, Any], order: RefundOrder) -> Outcome:
    if made.get("status") in BOUNCED:
        return Declined(charge=order.charge, code=str(made["status"]), decline=Decline.HARD)
    with readable():
        return GivenBack(refund=ref(made, "id"), moved=of_refund(made, MovementKind.GIVEN_BACK))


def _declined(refusal: Refusal, order: RefundOrder) -> Outcome:
    """Read a refusal that is about the payment. Raises Permanent where it is about us."""
    if OTHER_SUM in refusal.reasons:
        raise untouched(Conflict("somebody else gives back of the same payment"))
    if NO_FUNDS in refusal.reasons:
        return Postponed(reason=NO_FUNDS, after_s=NO_FUNDS_S, is_untouched=True)
    if refusal.is_gone or refusal.reasons & _FINAL or "amount" in refusal.fields:
        return Declined(charge=order.charge, code=refusal.reason, decline=Decline.HARD)
    raise refusal.raised()
