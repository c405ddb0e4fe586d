"""Charging, looking up and checkout pages over the HTTP API.

The attempt's id is the idempotency key of its request and stands in the metadata of its intent,
by which a lost answer is looked up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, ClassVar
from urllib.parse import urlencode

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from billing.payments.provider import (
    Charged,
    ChargeOrder,
    CheckoutOrder,
    Declined,
    Missing,
    Outcome,
    Processing,
    Tidings,
)
from billing.payments.providers.stripe.amounts import worded
from billing.payments.providers.stripe.events import check_signature, tidings
from billing.payments.providers.stripe.reading import inner, mark, money, object_of, reason, ref
from terms.errors import (
    Conflict,
    Invalid,
    Permanent,
    Throttled,
    Unauthorized,
    Unreachable,
    untouched,
)
from terms.http import Answer, Http, bare_address

API_VERSION = "2024-06-20"
PAGE_SIZE = 100
PAGES_MAX = 10
RETRY_AFTER_MAX_S = 900
RETRY_AFTER_DIGITS_MAX = 12
SKEW = timedelta(hours=1)  # between the provider's clock and ours, generously
_PAYER_PARAMS = ("customer", "payment_method")


class Options(BaseModel):
    """How an operator's account at the provider is reached. Several secrets allow for rotation.

    An amount that is finer than the provider takes (5.124 KWD) is asked for rounded up, and the
    difference is the household's credit.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    base_url: Annotated[str, AfterValidator(bare_address)] = Field(
        default="https://api.stripe.com", description="address of the API, without the version"
    )
    secret_key: SecretStr = Field(description="the account's secret API key")
    webhook_secrets: list[SecretStr] = Field(
        min_length=1,
        max_length=8,
        description="signing secrets of the webhook endpoint; several while one replaces another",
    )
    tolerance_s: int = Field(
        default=300, ge=1, le=3600, description="how old a signed message may be"
    )
    deadline_s: float = Field(
        default=8.0, gt=0, le=8, description="for one call, everything included"
    )
    return_url: str = Field(
        default="http://127.0.0.1:8080/",
        description="where the payment page leads to, unless the link names another",
    )


class Stripe:
    """One Stripe account."""

    options_type: ClassVar[type[Options]] = Options

    def __init__(self, name: str, options: Options, http: Http) -> None:
        self.name = name
        self.options = options
        self._http = http
        self._root = options.base_url.rstrip("/")

    def verify(self, headers: Mapping[str, str], body: bytes, machine_now: datetime) -> str:
        """Check the signature over the raw body; returns the id of the event."""
        check_signature(
            headers.get("stripe-signature", ""),
            body,
            secrets=self.options.webhook_secrets,
            machine_now=machine_now,
            tolerance_s=self.options.tolerance_s,
        )
        return ref(object_of(body), "id")

    def parse(self, body: bytes) -> Sequence[Tidings]:
        """Read what a verified event tells."""
        return tidings(body)

    async def charge(self, order: ChargeOrder) -> Outcome:
        """Create and confirm an intent, off session."""
        form = {
            "amount": worded(order.amount),
            "currency": order.amount.currency.lower(),
            "customer": order.customer,
            "payment_method": order.method,
            "off_session": "true",
            "confirm": "true",
            "error_on_requires_action": "true",
            "description": order.text,
            "metadata[attempt]": order.attempt,
            "metadata[account]": order.account,
        }
        answer = await self._post("/v1/payment_intents", form, key=order.attempt)
        if answer.status != HTTPStatus.OK:
            return _declined(answer)
        with _readable():
            return _outcome(object_of(answer.body))

    async def look_up(self, order: ChargeOrder) -> Outcome:
        """List the customer's intents since the first try and find ours among them."""
        query = {"customer": order.customer, "limit": str(PAGE_SIZE)}
        if order.asked_at is not None:
            query["created[gte]"] = str(int((order.asked_at - SKEW).timestamp()))
        for _ in range(PAGES_MAX):
            answer = await self._get("/v1/payment_intents", query)
            if answer.status != HTTPStatus.OK:
                return _declined(answer)
            with _readable():
                page = object_of(answer.body)
                intents = [one for one in page["data"] if isinstance(one, dict)]
                mine = [one for one in intents if mark(one, "attempt") == order.attempt]
                if mine:
                    return _outcome(max(mine, key=lambda one: one.get("status") == "succeeded"))
                if not page.get("has_more") or not intents:
                    return Missing()
                query["starting_after"] = ref(intents[-1], "id")
        raise Unreachable(f"more than {PAGES_MAX * PAGE_SIZE} intents since the attempt")

    async def checkout(self, order: CheckoutOrder) -> str:
        """Create a checkout session for one sum."""
        item = "line_items[0]"
        form = {
            "mode": "payment",
            "success_url": order.return_url or self.options.return_url,
            f"{item}[quantity]": "1",
            f"{item}[price_data][currency]": order.amount.currency.lower(),
            f"{item}[price_data][unit_amount]": worded(order.amount),
            f"{item}[price_data][product_data][name]": order.text,
            "metadata[account]": order.account,
            "payment_intent_data[metadata][account]": order.account,
            "payment_intent_data[description]": order.text,
        }
        if order.customer:
            form["customer"] = order.customer
        answer = await self._post("/v1/checkout/sessions", form, key="")
        if answer.status != HTTPStatus.OK:
            raise Permanent(f"{self.name} made no page: {_error(answer).get('code') or 'refused'}")
        url = object_of(answer.body).get("url")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise Permanent(f"{self.name} gave no address of a page")
        return url

    async def _post(self, path: str, form: Mapping[str, str], *, key: str) -> Answer:
        headers = {**self._headers(), "content-type": "application/x-www-form-urlencoded"}
        if key:
            headers["idempotency-key"] = key
        answer = await self._http.call(
            "POST",
            f"{self._root}{path}",
            headers=headers,
            body=urlencode(form).encode(),
            deadline_s=self.options.deadline_s,
        )
        return self._checked(answer)

    async def _get(self, path: str, query: Mapping[str, str]) -> Answer:
        answer = await self._http.call(
            "GET",
            f"{self._root}{path}?{urlencode(query)}",
            headers=self._headers(),
            deadline_s=self.options.deadline_s,
        )
        return self._checked(answer)

    def _headers(self) -> dict[str, str]:
        secret = self.options.secret_key.get_secret_value()
        return {"authorization": f"Bearer {secret}", "stripe-version": API_VERSION}

    def _checked(self, answer: Answer) -> Answer:
        """Raise for what says nothing about the payer. A 5xx may have had its effect."""
        status = answer.status
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise Unauthorized(f"{self.name} refuses our key")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            # Turned away before anything is done (Stripe: "Rate limits").
            raise untouched(Throttled(f"{self.name} is asked too often", _retry_after_s(answer)))
        if status == HTTPStatus.CONFLICT:
            raise Conflict(f"{self.name} is still at the same request")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status < HTTPStatus.OK:
            raise Unreachable(f"{self.name} answered {status}")
        return answer


@contextmanager
def _readable() -> Iterator[None]:
    """Count an answer that cannot be read as none: its request may have had its effect."""
    try:
        yield
    except (Invalid, KeyError, TypeError) as error:
        raise Unreachable(f"an answer that cannot be read: {error}") from None


def _outcome(intent: Mapping[str, Any]) -> Outcome:
    """Read what became of an intent."""
    key, status = ref(intent, "id"), intent.get("status")
    if status == "succeeded":
        return Charged(charge=key, amount=money(intent, "amount_received"))
    if status == "processing":
        return Processing(charge=key)
    code, decline = reason(intent.get("last_payment_error"))
    return Declined(charge=key, code=code or str(status), decline=decline)


def _declined(answer: Answer) -> Outcome:
    """Read a refusal that is about the payer. Raises Permanent where it is about us."""
    error = _error(answer)
    is_payers = error.get("type") == "card_error" or error.get("param") in _PAYER_PARAMS
    if not is_payers:
        raise Permanent(f"the provider refuses the request: {str(error.get('code'))[:40]}")
    intent = error.get("payment_intent")
    charge = intent.get("id") if isinstance(intent, dict) else ""
    code, decline = reason(error)
    return Declined(charge=charge if isinstance(charge, str) else "", code=code, decline=decline)


def _error(answer: Answer) -> dict[str, Any]:
    try:
        return inner(object_of(answer.body), "error")
    except Invalid:
        return {}


def _retry_after_s(answer: Answer) -> float:
    told = answer.headers.get("retry-after", "")
    return (
        float(min(int(told), RETRY_AFTER_MAX_S))
        if told.isdigit() and len(told) <= RETRY_AFTER_DIGITS_MAX
        else 60.0
    )
