"""Payment methods: added on a page in setup mode, described, forgotten.

A card's number is typed at the provider alone; we see its brand, its last four digits, its month.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import MAXYEAR, date
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from billing.payments.provider import Described, Missing, SetupOrder
from billing.payments.providers.stripe.client import Client, error_of, readable, refused
from billing.payments.providers.stripe.reading import inner, is_plain, object_of, ref
from terms.errors import Permanent

MONTHS = 12
WORD_CHARS_MAX = 30
LAST_CHARS_MAX = 4


async def setup(client: Client, order: SetupOrder) -> str:
    """Make a page on which a card is left; its customer is made first where there is none."""
    customer = order.customer or await _customer(client, order)
    form = {
        "mode": "setup",
        "customer": customer,
        "payment_method_types[0]": "card",
        "success_url": order.return_url or client.options.return_url,
        "metadata[account]": order.account,
        "setup_intent_data[metadata][account]": order.account,
    }
    if order.replaces:
        form["setup_intent_data[metadata][replaces]"] = order.replaces
    return await page(client, form)


async def page(client: Client, form: Mapping[str, str]) -> str:
    """Make a checkout session; returns the address of its page."""
    answer = await client.post("/v1/checkout/sessions", form, key="")
    if answer.status != HTTPStatus.OK:
        raise Permanent(f"{client.name} made no page: {error_of(answer).get('code') or 'refused'}")
    url = object_of(answer.body).get("url")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise Permanent(f"{client.name} gave no address of a page")
    return url


async def describe(client: Client, method: str) -> Described | Missing:
    """Read a method; one that belongs to nobody any more cannot be charged: it is missing."""
    answer = await client.get(f"/v1/payment_methods/{quote(method, safe='')}", {})
    if answer.status != HTTPStatus.OK:
        if answer.status == HTTPStatus.NOT_FOUND:
            return Missing()
        raise refused(answer)
    with readable():
        found = object_of(answer.body)
        if found.get("customer") is None:
            return Missing()
        if found.get("type") != "card":
            return Described(label=_word(found.get("type"), WORD_CHARS_MAX), expires_on=None)
        card = inner(found, "card")
        words = _word(card.get("brand"), WORD_CHARS_MAX), _word(card.get("last4"), LAST_CHARS_MAX)
        return Described(label=" ".join(filter(None, words)), expires_on=_last_day(card))


async def forget(client: Client, method: str) -> None:
    """Detach a method; one that is gone already is as good."""
    path = f"/v1/payment_methods/{quote(method, safe='')}/detach"
    answer = await client.post(path, {}, key="")
    if answer.status in (HTTPStatus.OK, HTTPStatus.NOT_FOUND):
        return
    # "The payment method you provided is not attached to a customer so detachment is impossible."
    if isinstance(await describe(client, method), Missing):
        return
    raise refused(answer)


async def _customer(client: Client, order: SetupOrder) -> str:
    form = {"metadata[account]": order.account, "description": order.account}
    answer = await client.post("/v1/customers", form, key=f"customer-{order.account}")
    if answer.status != HTTPStatus.OK:
        raise refused(answer)
    with readable():
        return ref(object_of(answer.body), "id")


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
