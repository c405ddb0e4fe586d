"""Mandates as payment methods: given on a page, described, cancelled.

An account's number is typed at the provider alone; we see its bank and its last digits.
"""

from __future__ import annotations

from billing.payments.provider import Described, Missing, SetupOrder
from billing.payments.providers.gocardless.client import Client, Refusal
from billing.payments.reading import inner, readable, ref, word
from terms.errors import Permanent

CHARGEABLE = frozenset({"pending_customer_approval", "pending_submission", "submitted", "active"})
BANK_CHARS_MAX, LAST_CHARS_MAX = 40, 4


async def setup(client: Client, order: SetupOrder) -> str:
    """Make a page on which a mandate is given."""
    marks = {"account": order.account}
    if order.replaces:
        marks["replaces"] = order.replaces
    asked = await client.create(
        "billing_requests",
        {
            "mandate_request": {"currency": client.options.currency},
            "metadata": marks,
            "links": {"customer": order.customer} if order.customer else {},
        },
    )
    if isinstance(asked, Refusal):
        raise asked.raised()
    back = order.return_url or client.options.return_url
    with readable():
        links = {"billing_request": ref(asked, "id")}
    flow = await client.create(
        "billing_request_flows", {"redirect_uri": back, "exit_uri": back, "links": links}
    )
    if isinstance(flow, Refusal):
        raise flow.raised()
    url = flow.get("authorisation_url")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise Permanent(f"{client.name} gave no address of a page")
    return url


async def describe(client: Client, method: str) -> Described | Missing:
    """Read a mandate and its bank account; one that cannot be charged is missing."""
    mandate = await client.get("mandates", method)
    if isinstance(mandate, Refusal):
        if mandate.is_gone:
            return Missing()
        raise mandate.raised()
    if mandate.get("status") not in CHARGEABLE:
        return Missing()
    with readable():
        key = ref(inner(mandate, "links"), "customer_bank_account")
    account = await client.get("customer_bank_accounts", key)
    if isinstance(account, Refusal):
        raise account.raised()
    words = (
        word(account.get("bank_name"), BANK_CHARS_MAX),
        word(account.get("account_number_ending"), LAST_CHARS_MAX),
    )
    return Described(label=" ".join(filter(None, words)) or "bank account", expires_on=None)


async def forget(client: Client, method: str) -> None:
    """Cancel a mandate; one that is over already is as good."""
    done = await client.act("mandates", method, "cancel")
    if isinstance(done, Refusal) and not done.is_gone and "cancellation_failed" not in done.reasons:
        raise done.raised()
