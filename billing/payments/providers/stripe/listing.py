"""The list of events (docs.stripe.com/api/events/list): kept for 30 days, the newest first.

It is walked towards the newest: `ending_before` an event is the page of those right behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from billing.payments.provider import EventPage, Missing, StoredEvent
from billing.payments.providers.stripe.client import Client, Refusal
from billing.payments.providers.stripe.events import READERS
from billing.payments.providers.stripe.reading import moment
from billing.payments.reading import readable, ref

if TYPE_CHECKING:
    from stripe.params import EventListParams

PAGE_SIZE = 100


async def events_after(client: Client, cursor: str) -> EventPage | Missing:
    """List what came behind an event, the oldest first; the newest page where none is named.

    Missing where the provider does not know that event any more.
    """
    query: EventListParams = {"types": list(READERS), "limit": PAGE_SIZE}
    if cursor:
        query["ending_before"] = cursor
    page = await client.ask(client.api.events.list_async(query))
    if isinstance(page, Refusal):
        if cursor and page.error.get("param") == "ending_before":
            return Missing()
        raise page.raised()
    with readable():
        return EventPage(
            events=[
                StoredEvent(id=ref(one, "id"), at=moment(one, "created"), body=orjson.dumps(one))
                for one in reversed(page["data"])
            ],
            has_more=bool(cursor) and page.get("has_more") is True,
        )
