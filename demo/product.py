"""The product as an operator acts on it: its HTTP API with the token of the data folder.

Nothing it says of itself proves anything here; it is asked to act, and whether it is at rest. Its
books are read to be held against those of others.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from demo.client import OK, Client
from demo.proof import PAUSE_S, NoAnswer, StoryError
from demo.story import Household, Signup
from terms.money import Money

REST_S = 20.0


class Product:
    """The HTTP API."""

    def __init__(self, client: Client, url: str, token: str) -> None:
        self.client = client
        self.url = url
        self._headers = {"Authorization": f"Bearer {token}"}

    async def call(self, method: str, path: str, *, body: Any = None) -> Any:
        """Call its API; return the JSON of the answer. Raises StoryError where it refuses."""
        answer = await self.client.call(
            method, f"{self.url}/api/v1/{path}", headers=self._headers, body=body
        )
        if answer.status not in OK:
            raise StoryError(f"the product answers HTTP {answer.status}: {answer.text[:300]}")
        return answer.json()

    async def advance_to(self, at: datetime) -> None:
        """Move business time forward to an instant; it is left where it is past that already."""
        clock = await self.call("GET", "clock")
        ahead_s = math.ceil((at - datetime.fromisoformat(clock["business_now"])).total_seconds())
        if ahead_s > 0:
            days, seconds = divmod(ahead_s, 86_400)
            step = (f"{days}d" if days else "") + (f"{seconds}s" if seconds else "")
            await self.call("POST", "clock/advance", body={"by": step})

    async def sign_up(self, signup: Signup, payments: str, household: Household) -> None:
        """Sign a household up, with its box and its card."""
        order = {
            "contract": signup.contract,
            "name": signup.name,
            "plan": signup.plan,
            "addons": list(signup.addons),
            "locale": signup.locale,
            "bill_day": signup.bill_day,
            "box": dict(signup.box),
            "payment": {
                "provider": payments,
                "customer": household.customer,
                "method": household.method,
            },
        }
        await self.call("POST", "accounts", body=order)

    async def open_job(self, kind: str, contract: str, assignee: str) -> None:
        """Have somebody do something at a household."""
        job = {"kind": kind, "contract": contract, "assignee": assignee}
        await self.call("POST", "jobs", body=job)

    async def restock(self, serial: str) -> Mapping[str, Any]:
        """Put a returned box back in stock; tell how it stands there."""
        box: Mapping[str, Any] = await self.call("POST", f"boxes/{serial}/restock", body={})
        return {name: box[name] for name in ("state", "place", "contract")}

    async def pay_link(self, contract: str) -> str:
        """Ask for the payment page of all that a household owes."""
        link = await self.call("POST", f"accounts/{contract}/pay-link", body={})
        return str(link["url"])

    async def account(self, contract: str) -> Mapping[str, Any]:
        """Read all it knows of a household."""
        found: Mapping[str, Any] = await self.call("GET", f"accounts/{contract}")
        return found

    async def card_link(self, contract: str) -> str:
        """Ask for the provider's page on which a household leaves another card."""
        return str((await self.call("POST", f"accounts/{contract}/methods", body={}))["url"])

    async def take_promise(self, contract: str, until_on: date) -> None:
        """Take a household's word that it pays by a day."""
        body = {"until": until_on.isoformat()}
        await self.call("POST", f"accounts/{contract}/promises", body=body)

    async def make_voucher(self, batch: str, value: Money, until_on: date) -> str:
        """Make a batch of one card, which is good for nothing yet; return its code."""
        order = {
            "name": batch,
            "value": value.plain,
            "currency": value.currency,
            "count": 1,
            "valid_until": until_on.isoformat(),
            "dealer": "Kiosk",
        }
        made = await self.call("POST", "vouchers", body=order)
        return str(made["cards"][0]["code"])

    async def scan(self, target: str) -> list[Mapping[str, Any]]:
        """Compare a target with what it should hold; return the drift found."""
        report = await self.call("POST", f"targets/{target}/scan", body={})
        drift: list[Mapping[str, Any]] = report["drift"]
        return drift

    async def release_parked(self) -> None:
        """Have everything tried again that waits for a person to say so."""
        for row in (await self.call("GET", "parked"))["items"]:
            body = {"kind": row["kind"], "key": row["key"]}
            await self.call("POST", "parked/release", body=body)

    async def rest(self) -> None:
        """Wait until nothing is due, as long as that takes at most."""
        ends_at = time.monotonic() + REST_S
        while time.monotonic() < ends_at:
            work = await self.call("GET", "work")
            if work["idle"]:
                return
            await asyncio.sleep(PAUSE_S)
        raise NoAnswer(f"the product does not come to rest within {REST_S:.0f} s")
