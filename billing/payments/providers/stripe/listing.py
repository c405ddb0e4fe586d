"""The list of events (docs.stripe.com/api/events/list): kept for 30 days, the newest first.

It is walked towards the newest: `ending_before` an event is the page of those right behind it.
"""

from __future__ import annotations

from http import HTTPStatus

import orjson

from billing.payments.provider import EventPage, Missing, StoredEvent
from billing.payments.providers.stripe.client import Client, error_of, readable, refused
from billing.payments.providers.stripe.events import READERS
from billing.payments.providers.stripe.reading import moment, object_of, ref

PAGE_SIZE = 100


async def events_after(client: Client, cursor: str) -> EventPage | Missing:
    """List what came behind an event, the oldest first; the newest page where none is named.

    Missing where the provider does not know that event any more.
    """
    query = {f"types[{n}]": name for n, name in enumerate(READERS)}
    query["limit"] = str(PAGE_SIZE)
    if cursor:
        query["ending_before"] = cursor
    answer = await client.get("/v1/events", query)
    if answer.status != HTTPStatus.OK:
        if cursor and error_of(answer).get("param") == "ending_before":
            return Missing()
        raise refused(answer)
    with readable():
        page = object_of(answer.body)
        return EventPage(
            events=[
                StoredEvent(id=ref(one, "id"), at=moment(one, "created"), body=orjson.dumps(one))
                for one in reversed(page["data"])
            ],
            has_more=bool(cursor) and page.get("has_more") is True,
        )
