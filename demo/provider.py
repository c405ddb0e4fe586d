"""The operator's payment provider: its REST API, its hosted payment page, its deliveries.

Stripe's public API: form-encoded requests, amounts in minor units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from demo.client import OK, Client
from demo.operator import Operator
from demo.proof import NoAnswer, StoryError
from demo.simulator import Entry, Simulator
from terms.money import Money

API = "/v1/"
PAGE_ROWS = 100
TAKEN = 200  # what the product answers to an event it has taken in
GOOD_CARD, BAD_CARD = "4242 4242 4242 4242", "declined"
PAID = "payment_intent.succeeded"
EVENTS = (
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "refund.created",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
    "checkout.session.completed",
    "setup_intent.succeeded",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One charge as the provider's REST shows it."""

    id: str
    intent: str
    customer: str
    amount: Money
    status: str
    method: str


class Provider(Simulator):
    """The provider: charges by REST, journal and tampering by the admin face."""

    def __init__(self, client: Client, operator: Operator, url: str, admin_url: str) -> None:
        super().__init__(client, url, admin_url)
        self._headers = {"Authorization": f"Bearer {operator.provider_key}"}

    async def register_webhook(self, url: str) -> str:
        """Have events delivered to an address; return the secret they are signed with."""
        form = {"url": url}
        form |= {f"enabled_events[{n}]": name for n, name in enumerate(EVENTS)}
        made = await self._rest("POST", "webhook_endpoints", form=form)
        return str(made["secret"])

    async def new_customer(self, name: str, card: str) -> tuple[str, str]:
        """Do what a sign-up page does: make a customer with a card; return both ids."""
        customer = await self._rest("POST", "customers", form={"name": name})
        path = f"payment_methods/{card}/attach"
        method = await self._rest("POST", path, form={"customer": customer["id"]})
        return customer["id"], method["id"]

    async def charges(self, customer: str = "") -> list[Charge]:
        """List charges, of one customer or of all, the oldest first."""
        rows = await self.all("charges", **({"customer": customer} if customer else {}))
        return [_charge(row) for row in rows]

    async def all(self, things: str, **wanted: str) -> list[dict[str, Any]]:
        """List charges, refunds or disputes as its REST has them, the oldest first."""
        query, rows = {"limit": str(PAGE_ROWS), **wanted}, list[dict[str, Any]]()
        while True:
            page = await self._rest("GET", things, query=query)
            rows += page["data"]
            if not page["has_more"]:
                return rows[::-1]
            query["starting_after"] = rows[-1]["id"]

    async def charge_by_hand(self, customer: str, method: str, amount: Money) -> None:
        """Charge a card as somebody at the provider's own pages would."""
        form = {
            "amount": str(amount.amount_minor),
            "currency": amount.currency.lower(),
            "customer": customer,
            "payment_method": method,
            "confirm": "true",
            "off_session": "true",
        }
        await self._rest("POST", "payment_intents", form=form)

    async def page_amount(self, url: str, currency: str) -> Money:
        """Open a hosted payment page and read the amount it asks for."""
        answer = await self.client.call("GET", url)
        _, found, rest = answer.text.partition('data-amount="')
        if answer.status not in OK or not found:
            raise NoAnswer(f"no payment page there: HTTP {answer.status}")
        return Money(int(rest.partition('"')[0]), currency)

    async def pay(self, url: str, card: str) -> bool:
        """Pay at a hosted page with a card; tell whether the provider took it."""
        answer = await self.client.call("POST", url, form={"card": card})
        if answer.status == 303:  # noqa: PLR2004 - back to the shop: paid
            return True
        if answer.status == 402:  # noqa: PLR2004 - the page again, with the card's refusal
            return False
        raise NoAnswer(f"the payment page answers HTTP {answer.status}")

    async def deliveries(self, after: int) -> list[Entry]:
        """List the deliveries that told somebody of payments, each try by itself."""
        entries = await self.journal(after, face="outgoing")
        return [entry for entry in entries if entry["after"]["type"] == PAID]

    async def _rest(self, method: str, path: str, **what: Any) -> Any:
        url = self.url + API + path
        answer = await self.client.call(method, url, headers=self._headers, **what)
        if answer.status not in OK:
            raise StoryError(f"the provider answers HTTP {answer.status}: {answer.text[:200]}")
        return answer.json()


def _charge(row: dict[str, Any]) -> Charge:
    return Charge(
        id=row["id"],
        intent=row["payment_intent"],
        customer=row["customer"] or "",
        amount=Money(row["amount"], row["currency"].upper()),
        status=row["status"],
        method=row["payment_method"],
    )
