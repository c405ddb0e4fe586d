"""Payment methods: added on a page in setup mode, described, forgotten.

A card's number is typed at the provider alone; we see its brand, its last four digits, its month.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import MAXYEAR, date
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from billing.payments.provider import Described, Missing, SetupOrder
from billing.payments.providers.stripe import pages
from billing.payments.providers.stripe.client import Client, Refusal
from billing.payments.reading import inner, is_plain, readable, ref

if TYPE_CHECKING:
    from stripe.params.checkout import SessionCreateParams

MONTHS = 12
WORD_CHARS_MAX = 30
LAST_CHARS_MAX = 4


async def setup(client: Client, order: SetupOrder) -> str:
    """Make a page on which a card is left; its customer is made first where there is none."""
    customer = order.customer or await _customer(client, order)
    marks = {"account": order.account}
    if order.replaces:
        marks["replaces"] = order.replaces
    form: SessionCreateParams = {
        "mode": "setup",
        "customer": customer,
        # The version that we ask for has it; the library describes a newer one.
        "payment_method_types": ["card"],  # type: ignore[typeddict-unknown-key]
        "success_url": order.return_url or client.options.return_url,
        "metadata": {"account": order.account},
        "setup_intent_data": {"metadata": marks},
    }
    return (await pages.make(client, form)).url


async def describe(client: Client, method: str) -> Described | Missing:
    """Read a method; one that belongs to nobody any more cannot be charged: it is missing."""
    found = await client.ask(client.api.payment_methods.retrieve_async(method))
    if isinstance(found, Refusal):
        if found.status == HTTPStatus.NOT_FOUND:
            return Missing()
        raise found.raised()
    with readable():
        if found.get("customer") is None:
            return Missing()
        if found.get("type") != "card":
            return Described(label=_word(found.get("type"), WORD_CHARS_MAX), expires_on=None)
        card = inner(found, "card")
        words = _word(card.get("brand"), WORD_CHARS_MAX), _word(card.get("last4"), LAST_CHARS_MAX)
        return Described(label=" ".join(filter(None, words)), expires_on=_last_day(card))


async def forget(client: Client, method: str) -> None:
    """Detach a method; one that is gone already is as good."""
    found = await client.ask(client.api.payment_methods.detach_async(method))
    if not isinstance(found, Refusal) or found.status == HTTPStatus.NOT_FOUND:
        return
    # "The payment method you provided is not attached to a customer so detachment is impossible."
    if isinstance(await describe(client, method), Missing):
        return
    raise found.raised()


async def _customer(client: Client, order: SetupOrder) -> str:
    made = client.api.customers.create_async(
        {"metadata": {"account": order.account}, "description": order.account},
        {"idempotency_key": f"customer-{order.account}"},
    )
    found = await client.ask(made)
    if isinstance(found, Refusal):
        raise found.raised()
    with readable():
        return ref(found, "id")


def _word(value: object, chars_max: int) -> str:
    return value[:chars_max] if isinstance(value, str) and is_plain(value) else ""


def _last_day(card: Mapping[str, Any]) -> date | None:
    """Tell until when a card is good: the end of its month."""
    year, month = card.get("exp_year"), card.get("exp_month")
    if type(year) is not int or type(month) is not int:
        return None
    if not (1 <= month <= MONTHS and 1 <= year <= MAXYEAR):
        return None
    return date(year, month, monthrange(year, month)[1])
