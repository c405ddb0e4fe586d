"""Checkout sessions: the pages to pay on and to leave a card on (docs.stripe.com/api/checkout).

One that is open can be expired; else it was paid, or is over by itself.
"""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from billing.payments.provider import Page
from billing.payments.providers.stripe.client import Client, Refusal
from billing.payments.reading import readable, ref
from terms.errors import Conflict, Permanent

if TYPE_CHECKING:
    from stripe.params.checkout import SessionCreateParams


async def make(client: Client, form: SessionCreateParams) -> Page:
    """Make a session."""
    found = await client.ask(client.api.checkout.sessions.create_async(form))
    if isinstance(found, Refusal):
        raise Permanent(f"{client.name} made no page: {found.error.get('code') or 'refused'}")
    url = found.get("url")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise Permanent(f"{client.name} gave no address of a page")
    with readable():
        expires_at = datetime.fromtimestamp(found["expires_at"], UTC)
        return Page(url=url, vendor_id=ref(found, "id"), expires_at=expires_at)


async def close(client: Client, page: str) -> None:
    """Expire a session; one that was paid, is over or is not known is as good.

    Raises Conflict for one that is open and cannot be expired now.
    """
    sessions = client.api.checkout.sessions
    found = await client.ask(sessions.expire_async(page))
    if not isinstance(found, Refusal) or found.status == HTTPStatus.NOT_FOUND:
        return
    # "... an error if the Checkout Session has already expired or isn't in an expireable state."
    there = await client.ask(sessions.retrieve_async(page))
    if isinstance(there, Refusal):
        raise there.raised()
    if there.get("status") == "open":
        raise Conflict(f"{client.name} does not close the page now")
