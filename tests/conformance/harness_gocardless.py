"""How the suite starts, reads and hurts a collector of GoCardless's shape."""

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

TOKEN, SECRET = "sandbox_boxoffice", "webhook-secret-boxoffice"
CAUSES = {"soft": "insufficient_funds", "hard": "bank_account_closed"}
STEPS = {"ok": ("submitted", "confirmed"), "soft": ("failed",), "hard": ("failed",)}
SPOILT = (
    ("amount", (True, 19.9, "1990", -5, 0, 10**18, None)),
    ("currency", ("euro", None, 5, "JPY")),
    ("id", ("", "PM\u0000", "x" * 200, None, 7, "PM0")),
)


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""


class GocardlessHarness(SimulatedProvider):
    """The simulated collector."""

    kind = "gocardless"
    key_life = timedelta(days=31)
    soft, hard = CAUSES["soft"], CAUSES["hard"]
    other = json.dumps(
        {
            "events": [
                {
                    "id": "EV0",
                    "created_at": "2026-01-01T12:00:00.000Z",
                    "resource_type": "payouts",
                    "action": "paid",
                    "links": {"payout": "PO0"},
                    "details": {"origin": "gocardless", "cause": "payout_paid"},
                },
                {
                    "id": "EV1",
                    "created_at": "2026-01-01T12:00:00.000Z",
                    "resource_type": "payments",
                    "action": "submitted",
                    "links": {"payment": "PM0"},
                    "details": {"origin": "gocardless", "cause": "payment_submitted"},
                },
            ],
            "meta": {"webhook_id": "WB0"},
        }
    ).encode()
    nobody = Payer(customer="CU0", method="MD0")
    amounts: ClassVar[Sequence[tuple[Money, Money]]] = (
        (Money(1, "EUR"), Money(1, "EUR")),
        (Money(123_456, "GBP"), Money(123_456, "GBP")),
        (Money(9_900, "SEK"), Money(9_900, "SEK")),
    )
    headers: ClassVar[Mapping[str, str]] = {
        "authorization": f"Bearer {TOKEN}",
        "gocardless-version": "2015-07-06",
    }

    def options(self, deadline_s: float) -> Mapping[str, Any]:
        return {
            "base_url": self.simulator.url,
            "access_token": TOKEN,
            "webhook_secrets": ["an-older-secret-of-it", SECRET],
            "currency": "EUR",
            "deadline_s": deadline_s,
        }

    def secrets(self) -> Sequence[str]:
        return [TOKEN, SECRET]

    async def payer(self, currency: str) -> Payer:
        made = (await self.tamper(op="payer", currency=currency))["result"]
        return Payer(customer=made["customer"], method=made["mandate"])

    async def behave(self, how: str) -> None:
        """Do nothing: what banks answer is said of each payment."""

    async def decide(self, charge: str, how: str) -> None:
        for step in STEPS[how]:
            cause = CAUSES.get(how, "")
            await self.tamper(op="bank", payment=charge, step=step, cause=cause)

    async def dispute(self, charge: str) -> None:
        await self.tamper(op="bank", payment=charge, step="charged_back")

    async def win(self, charge: str) -> None:
        await self.tamper(op="bank", payment=charge, step="chargeback_cancelled")

    async def bounce(self, refund: str) -> None:
        await self.tamper(op="bounce", refund=refund)

    async def leave(self, url: str) -> None:
        def go() -> None:
            form = urlencode({"account": "00001234"}).encode()
            with suppress(HTTPError), build_opener(_Stay).open(Request(url, form), timeout=20):
                pass

        await asyncio.to_thread(go)

    async def taken(self) -> Sequence[int]:
        found = (await self.call("/payments?limit=500"))["payments"]
        return [one["amount"] for one in found if one["status"] in {"confirmed", "paid_out"}]

    async def given(self) -> Sequence[int]:
        return [one["amount"] for one in (await self.call("/refunds?limit=500"))["refunds"]]

    async def messages(self) -> Sequence[bytes]:
        found = (await self.admin("/state?table=none"))["messages"]
        return [json.dumps(message).encode() for message in found]

    def sign(self, body: bytes, at: datetime, *, secret: str = SECRET) -> Mapping[str, str]:
        return {"webhook-signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}

    def broken(self, event: bytes) -> Iterable[bytes]:
        for field, values in SPOILT:
            for value in values:
                told = json.loads(event)
                told["fetched"]["payments"][field] = value
                yield json.dumps(told).encode()
        bare = json.loads(event)
        del bare["fetched"]
        yield json.dumps(bare).encode()
