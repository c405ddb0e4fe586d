"""Refunds (docs.stripe.com/api/refunds): the refund's id of ours is its key and stands on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from billing.payments.model import Decline, MovementKind
from billing.payments.provider import Declined, GivenBack, Missing, Outcome, RefundOrder
from billing.payments.providers.stripe.amounts import read, worded
from billing.payments.providers.stripe.client import Client, Refusal
from billing.payments.providers.stripe.events import DEAD, of_refund
from billing.payments.providers.stripe.reading import reason
from billing.payments.reading import mark, readable, ref
from terms.errors import Unreachable

if TYPE_CHECKING:
    from stripe.params import RefundCreateParams, RefundListParams

PAGE_SIZE = 100
PAGES_MAX = 10
# About the charge, which nothing of ours would change (Stripe: "Error codes").
_FINAL = frozenset({"charge_already_refunded", "charge_disputed", "resource_missing"})
_PARAMS = frozenset({"amount", "charge", "payment_intent"})


async def refund(client: Client, order: RefundOrder) -> Outcome:
    """Give back of a charge. What is finer than the provider pays is refused, never rounded."""
    units = worded(order.amount)
    if read(units, order.amount.currency) != order.amount:
        return Declined(charge=order.charge, code="amount_too_fine", decline=Decline.HARD)
    form: RefundCreateParams = {
        "payment_intent": order.charge,
        "amount": units,
        "metadata": {"refund": order.refund},
    }
    found = await client.ask(
        client.api.refunds.create_async(form, {"idempotency_key": order.refund})
    )
    if isinstance(found, Refusal):
        return _declined(found, order)
    with readable():
        return _outcome(found, order)


async def look_up(client: Client, order: RefundOrder) -> Outcome:
    """Find out what became of a refund, without side effects."""
    query: RefundListParams = {"payment_intent": order.charge, "limit": PAGE_SIZE}
    for _ in range(PAGES_MAX):
        page = await client.ask(client.api.refunds.list_async(query))
        if isinstance(page, Refusal):
            return _declined(page, order)
        with readable():
            found = [one for one in page["data"] if isinstance(one, dict)]
            mine = [one for one in found if mark(one, "refund") == order.refund]
            if mine:
                return _outcome(mine[0], order)
            if not page.get("has_more") or not found:
                return Missing()
            query["starting_after"] = ref(found[-1], "id")
    raise Unreachable(f"more than {PAGES_MAX * PAGE_SIZE} refunds of one charge")


def _outcome(made: Mapping[str, Any], order: RefundOrder) -> Outcome:
    """Read what became of a refund; one on its way counts as given back, as it does there."""
    key, status = ref(made, "id"), made.get("status")
    if status in DEAD:
        code = str(made.get("failure_reason") or status)[:80]
        return Declined(charge=order.charge, code=code, decline=Decline.HARD)
    return GivenBack(refund=key, moved=of_refund(made, MovementKind.GIVEN_BACK))


def _declined(refusal: Refusal, order: RefundOrder) -> Outcome:
    """Read a refusal that is about the charge. Raises Permanent where it is about us."""
    error = refusal.error
    if error.get("code") in _FINAL or error.get("param") in _PARAMS:
        code, _ = reason(error)
        return Declined(charge=order.charge, code=code, decline=Decline.HARD)
    raise refusal.raised()
