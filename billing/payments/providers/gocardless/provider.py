"""Charging and looking up over the HTTP API; the rest of the port beside it.

The attempt's id is the idempotency key of its request and stands in the metadata of its payment,
by which a lost answer is looked up. What banks make of a payment is told days later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

import orjson

from billing.payments.model import Decline
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
    StoredEvent,
    Tidings,
)
from billing.payments.providers.gocardless import events, mandates, refunds
from billing.payments.providers.gocardless.client import Client, Refusal
from billing.payments.providers.gocardless.options import Options
from billing.payments.providers.gocardless.reading import (
    OVER,
    PAID,
    PENDING,
    cause_of,
    is_collected,
    money,
    will_be_retried,
)
from billing.payments.reading import mark, readable, ref
from terms.errors import Unreachable, Unsupported
from terms.http import Http

TEXT_CHARS_MAX = 100
SKEW = timedelta(hours=1)  # between the provider's clock and ours, generously
_FINAL = frozenset({"mandate_is_inactive", "mandate_payments_require_approval"})


class Gocardless:
    """One GoCardless account."""

    options_type: ClassVar[type[Options]] = Options
    lacks: ClassVar[Mapping[str, str]] = {
        "at_once": "banks answer after days: a payment is on its way until then",
        "checkout": "it collects from mandates; for one sum a household is sent elsewhere",
        "fresh": "its signature covers no time: a copy is known by the ids of its events",
    }

    def __init__(self, name: str, options: Options, http: Http) -> None:
        self.name = name
        self.options = options
        self._client = Client(name, options, http)

    def verify(
        self,
        headers: Mapping[str, str],
        body: bytes,
        machine_now: datetime,  # noqa: ARG002 - the signature covers no time
    ) -> Sequence[Event]:
        """Check the signature over the raw body; a message brings several events."""
        header = headers.get("webhook-signature", "")
        events.check_signature(header, body, self.options.webhook_secrets)
        return events.events_in(body)

    def parse(self, body: bytes) -> Sequence[Tidings]:
        """Read what a complete event tells."""
        return events.tidings(body)

    async def complete(self, body: bytes) -> bytes:
        """Fetch the resource that an event names."""
        return await events.complete(self._client, body)

    async def charge(self, order: ChargeOrder) -> Outcome:
        """Order a payment from a mandate."""
        if not is_collected(order.amount.currency):
            raise Unsupported(f"{self.name} does not collect {order.amount.currency}")
        found = await self._client.create(
            "payments",
            {
                "amount": order.amount.amount_minor,
                "currency": order.amount.currency,
                "description": order.text[:TEXT_CHARS_MAX],
                "metadata": {"attempt": order.attempt, "account": order.account},
                "links": {"mandate": order.method},
            },
            key=order.attempt,
        )
        if not isinstance(found, Refusal):
            return await self._outcome(found)
        if found.is_gone or found.reasons & _FINAL or "currency" in found.fields:
            return Declined(charge="", code=found.reason, decline=Decline.HARD)
        raise found.raised()

    async def look_up(self, order: ChargeOrder) -> Outcome:
        """List the payments of the mandate since the first try and find ours among them."""
        query = {"mandate": order.method}
        if order.asked_at is not None:
            since = (order.asked_at - SKEW).isoformat(timespec="milliseconds")
            query["created_at[gte]"] = since.replace("+00:00", "Z")
        every = await self._client.walk("payments", query)
        mine = [one for one in every if mark(one, "attempt") == order.attempt]
        if not mine:
            return Missing()
        return await self._outcome(max(mine, key=lambda one: one.get("status") in PAID))

    async def checkout(self, order: CheckoutOrder) -> Page:
        """Raise Unsupported: it collects from mandates."""
        raise Unsupported(f"{self.name} makes no page on which {order.amount} could be paid")

    async def refund(self, order: RefundOrder) -> Outcome:
        """Create a refund."""
        return await refunds.refund(self._client, order)

    async def look_up_refund(self, order: RefundOrder) -> Outcome:
        """List the refunds of the payment and find ours among them."""
        return await refunds.look_up(self._client, order)

    async def setup(self, order: SetupOrder) -> str:
        """Make a billing request for a mandate, and the page on which it is given."""
        return await mandates.setup(self._client, order)

    async def describe(self, method: str) -> Described | Missing:
        """Read a mandate and its bank account."""
        return await mandates.describe(self._client, method)

    async def forget(self, method: str) -> None:
        """Cancel a mandate."""
        await mandates.forget(self._client, method)

    async def events_after(self, cursor: str) -> EventPage | Missing:
        """List the events behind one, the oldest first; the newest page where none is named."""
        page = await self._client.page("events", {"before": cursor} if cursor else {})
        if isinstance(page, Refusal):
            if cursor and (page.is_gone or "before" in page.fields):
                return Missing()
            raise page.raised()
        with readable():
            return EventPage(
                events=[_stored(one) for one in reversed(page["events"])],
                has_more=bool(cursor) and page["meta"]["cursors"]["before"] is not None,
            )

    async def _outcome(self, payment: Mapping[str, Any]) -> Outcome:
        """Read what became of a payment. A state that is not known says nothing."""
        status = payment.get("status")
        with readable():
            key = ref(payment, "id")
            if status in PAID:
                return Charged(charge=key, amount=money(payment))
            if status in PENDING:
                return Processing(charge=key, due_on=_day(payment.get("charge_date")))
        if status not in OVER:
            raise Unreachable(f"{self.name} tells a state of a payment that is not known")
        every = await self._client.walk("events", {"payment": key})
        last = next((one for one in every if one.get("action") in OVER), {})
        if will_be_retried(last):
            return Processing(charge=key)
        code, decline = cause_of(last)
        return Declined(charge=key, code=code, decline=decline)


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _stored(event: Mapping[str, Any]) -> StoredEvent:
    at = datetime.fromisoformat(event["created_at"])
    if at.tzinfo is None:
        raise TypeError("a time without a zone")
    return StoredEvent(id=ref(event, "id"), at=at, body=orjson.dumps(event))
