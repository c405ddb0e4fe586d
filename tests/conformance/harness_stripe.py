"""How the suite starts, reads and hurts a provider of Stripe's shape."""

# ruff: noqa: D102 - what each method is for stands at Harness

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

from billing.payments.conformance import Payer
from terms.money import Money
from tests.conformance.provided import SimulatedProvider

KEY, SECRET = "sk_test_boxoffice", "whsec_of_the_boxoffice"
WORDS = {"ok": "ok", "soft": "decline:insufficient_funds", "hard": "decline:stolen_card"}
SPOILT = (
    ("amount_received", (True, 19.9, "1990", -5, 0, 10**18, None)),
    ("currency", ("euro", None, 5)),
    ("id", ("", "pi_\u0000", "x" * 200, None, 7)),
)


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""


class StripeHarness(SimulatedProvider):
    """The simulated provider."""

    kind = "stripe"
    key_life = timedelta(hours=25)
    soft, hard = "insufficient_funds", "stolen_card"
    other = b'{"id": "evt_1", "type": "customer.created", "data": {"object": {}}}'
    nobody = Payer(customer="cus_nobody", method="pm_nobody")
    no_event = "evt_nobody"
    amounts: ClassVar[Sequence[tuple[Money, Money]]] = (
        (Money(500, "JPY"), Money(500, "JPY")),
        (Money(5, "ISK"), Money(5, "ISK")),
        (Money(5124, "KWD"), Money(5130, "KWD")),
    )
    headers: ClassVar[Mapping[str, str]] = {"authorization": f"Bearer {KEY}"}

    def options(self, deadline_s: float) -> Mapping[str, Any]:
        return {
            "base_url": self.simulator.url,
            "secret_key": KEY,
            "webhook_secrets": ["whsec_of_an_older_one", SECRET],
            "deadline_s": deadline_s,
        }

    def secrets(self) -> Sequence[str]:
        return [KEY, SECRET]

    async def payer(self, currency: str) -> Payer:
        customer = (await self._post("customers", {"name": "Ann"}))["id"]
        path = "payment_methods/pm_card_visa/attach"
        return Payer(
            customer=customer, method=(await self._post(path, {"customer": customer}))["id"]
        )

    async def behave(self, how: str) -> None:
        await self.tamper(op="card", behaviours=[WORDS.get(how, how)])

    async def decide(self, charge: str, how: str) -> None:
        await self.tamper(op="settle", payment_intent=charge, behaviour=WORDS[how])

    async def dispute(self, charge: str) -> None:
        await self.tamper(op="dispute", payment_intent=charge)

    async def win(self, charge: str) -> None:
        found = (await self.call("/v1/disputes?limit=100"))["data"]
        (dispute,) = [one["id"] for one in found if one["payment_intent"] == charge]
        await self.tamper(op="close_dispute", dispute=dispute, status="won", fee_returned=1500)

    async def bounce(self, refund: str) -> None:
        await self.tamper(op="fail_refund", refund=refund)

    async def leave(self, url: str) -> None:
        def go() -> None:
            form = urlencode({"card": "4242424242424242"}).encode()
            with suppress(HTTPError), build_opener(_Stay).open(Request(url, form), timeout=20):
                pass

        await asyncio.to_thread(go)

    async def taken(self) -> Sequence[int]:
        found = (await self.call("/v1/payment_intents?limit=100"))["data"]
        return [one["amount_received"] for one in found if one["status"] == "succeeded"]

    async def given(self) -> Sequence[int]:
        return [one["amount"] for one in (await self.call("/v1/refunds?limit=100"))["data"]]

    async def messages(self) -> Sequence[bytes]:
        found = (await self.call("/v1/events?limit=100"))["data"]
        return [json.dumps(event).encode() for event in reversed(found)]

    def sign(self, body: bytes, at: datetime, *, secret: str = SECRET) -> Mapping[str, str]:
        told = int(at.timestamp())
        mark = hmac.new(secret.encode(), f"{told}.".encode() + body, hashlib.sha256).hexdigest()
        return {"stripe-signature": f"t={told},v1={mark}"}

    def broken(self, event: bytes) -> Iterable[bytes]:
        for field, values in SPOILT:
            for value in values:
                told = json.loads(event)
                told["data"]["object"][field] = value
                yield json.dumps(told).encode()

    async def _post(self, path: str, form: Mapping[str, str]) -> Any:
        return await self.call(f"/v1/{path}", urlencode(form).encode())
