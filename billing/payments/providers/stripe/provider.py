"""Charging, looking up and pages to pay on over the HTTP API; the rest of the port beside it.

The attempt's id is the idempotency key of its request and stands in the metadata of its intent,
by which a lost answer is looked up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from billing.payments.provider import (
    Charged,
    ChargeOrder,
    CheckoutOrder,
    Declined,
    Described,
    Event,
    EventPage,
    Missing,
    Outcome,
    Page,
    Processing,
    RefundOrder,
    SetupOrder,
    Tidings,
)
from billing.payments.providers.stripe import methods, pages, refunds
from billing.payments.providers.stripe.amounts import worded
from billing.payments.providers.stripe.client import Client, Refusal
from billing.payments.providers.stripe.events import check_signature, tidings
from billing.payments.providers.stripe.listing import events_after
from billing.payments.providers.stripe.options import Options
from billing.payments.providers.stripe.reading import money, reason
from billing.payments.reading import mark, object_of, readable, ref
from terms.errors import Unreachable
from terms.http import Http

if TYPE_CHECKING:
    from stripe import params
    from stripe.params.checkout import SessionCreateParams

PAGE_SIZE = 100
PAGES_MAX = 10
SKEW = timedelta(hours=1)  # between the provider's clock and ours, generously
_PAYER_PARAMS = ("customer", "payment_method")


class Stripe:
    """One Stripe account."""

    options_type: ClassVar[type[Options]] = Options
    lacks: ClassVar[Mapping[str, str]] = {}

    def __init__(self, name: str, options: Options, http: Http) -> None:
        self.name = name
        self.options = options
        self._client = Client(name, options, http)

    def verify(
        self, headers: Mapping[str, str], body: bytes, machine_now: datetime
    ) -> Sequence[Event]:
        """Check the signature over the raw body; a message is one event."""
        check_signature(
            headers.get("stripe-signature", ""),
            body,
            secrets=self.options.webhook_secrets,
            machine_now=machine_now,
            tolerance_s=self.options.tolerance_s,
        )
        return (Event(id=ref(object_of(body), "id"), body=body),)

    def parse(self, body: bytes) -> Sequence[Tidings]:
        """Read what a verified event tells."""
        return tidings(body)

    async def charge(self, order: ChargeOrder) -> Outcome:
        """Create and confirm an intent, off session."""
        intents, key = self._client.api.payment_intents, order.attempt
        form: params.PaymentIntentCreateParams = {
            "amount": worded(order.amount),
            "currency": order.amount.currency.lower(),
            "customer": order.customer,
            "payment_method": order.method,
            "off_session": True,
            "confirm": True,
            "error_on_requires_action": True,
            "description": order.text,
            "metadata": {"attempt": order.attempt, "account": order.account},
        }
        found = await self._client.ask(intents.create_async(form, {"idempotency_key": key}))
        if isinstance(found, Refusal):
            return _declined(found)
        with readable():
            return _outcome(found)

    async def look_up(self, order: ChargeOrder) -> Outcome:
        """List the customer's intents since the first try and find ours among them."""
        query: params.PaymentIntentListParams = {"customer": order.customer, "limit": PAGE_SIZE}
        if order.asked_at is not None:
            query["created"] = {"gte": int((order.asked_at - SKEW).timestamp())}
        for _ in range(PAGES_MAX):
            page = await self._client.ask(self._client.api.payment_intents.list_async(query))
            if isinstance(page, Refusal):
                return _declined(page)
            with readable():
                intents = [one for one in page["data"] if isinstance(one, dict)]
                mine = [one for one in intents if mark(one, "attempt") == order.attempt]
                if mine:
                    return _outcome(max(mine, key=lambda one: one.get("status") == "succeeded"))
                if not page.get("has_more") or not intents:
                    return Missing()
                query["starting_after"] = ref(intents[-1], "id")
        raise Unreachable(f"more than {PAGES_MAX * PAGE_SIZE} intents since the attempt")

    async def checkout(self, order: CheckoutOrder) -> Page:
        """Create a checkout session for one sum."""
        marks = {"account": order.account}
        form: SessionCreateParams = {
            "mode": "payment",
            "success_url": order.return_url or self.options.return_url,
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": order.amount.currency.lower(),
                        "unit_amount": worded(order.amount),
                        "product_data": {"name": order.text},
                    },
                }
            ],
            "metadata": marks,
            "payment_intent_data": {"metadata": marks, "description": order.text},
        }
        if order.customer:
            form["customer"] = order.customer
        return await pages.make(self._client, form)

    async def close_page(self, page: str) -> None:
        """Expire a checkout session."""
        await pages.close(self._client, page)

    async def refund(self, order: RefundOrder) -> Outcome:
        """Create a refund."""
        return await refunds.refund(self._client, order)

    async def look_up_refund(self, order: RefundOrder) -> Outcome:
        """List the refunds of the charge and find ours among them."""
        return await refunds.look_up(self._client, order)

    async def setup(self, order: SetupOrder) -> str:
        """Create a checkout session that keeps a card, for a customer of its own."""
        return await methods.setup(self._client, order)

    async def describe(self, method: str) -> Described | Missing:
        """Read a payment method."""
        return await methods.describe(self._client, method)

    async def forget(self, method: str) -> None:
        """Detach a payment method from its customer."""
        await methods.forget(self._client, method)

    async def events_after(self, cursor: str) -> EventPage | Missing:
        """List the events about money and methods behind one."""
        return await events_after(self._client, cursor)


def _outcome(intent: Mapping[str, Any]) -> Outcome:
    """Read what became of an intent."""
    key, status = ref(intent, "id"), intent.get("status")
    if status == "succeeded":
        return Charged(charge=key, amount=money(intent, "amount_received"))
    if status == "processing":
        return Processing(charge=key)
    code, decline = reason(intent.get("last_payment_error"))
    return Declined(charge=key, code=code or str(status), decline=decline)


def _declined(refusal: Refusal) -> Outcome:
    """Read a refusal that is about the payer. Raises Permanent where it is about us."""
    error = refusal.error
    is_payers = error.get("type") == "card_error" or error.get("param") in _PAYER_PARAMS
    if not is_payers:
        raise refusal.raised()
    intent = error.get("payment_intent")
    charge = intent.get("id") if isinstance(intent, dict) else ""
    code, decline = reason(error)
    return Declined(charge=charge if isinstance(charge, str) else "", code=code, decline=decline)
