"""What a phone in the field has sent, so that sending it again does nothing again.

A technician's client numbers its deeds; an event is one of them, by its actor and that number.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Column, String, Table, delete, select

from runtime.store import Instant, Tx, metadata
from terms.errors import Duplicate, Invalid

EVENT_CHARS_MAX = 80
DEED_CHARS_MAX = 200
KEPT = timedelta(days=180)  # no phone sends later what it could not send then

field_event = Table(
    "field_event",
    metadata,
    Column("actor", String(80), primary_key=True),
    Column("event", String(EVENT_CHARS_MAX), primary_key=True),
    Column("deed", String(DEED_CHARS_MAX), nullable=False),
    Column("about", String(80), nullable=False),
    Column("at", Instant, nullable=False),
)


async def begin(
    tx: Tx, *, actor: str, event: str, deed: str, about: str, now: datetime
) -> str | None:
    """Begin a deed under its event; None where it is new, else what the first one was about.

    `deed` tells in one line what is asked, `about` is an id the caller wants back. Raises Invalid
    for a nameless event and Duplicate for one that was something else.
    """
    if not 0 < len(event) <= EVENT_CHARS_MAX or not event.isprintable():
        raise Invalid("event", f"1 to {EVENT_CHARS_MAX} printable characters")
    c = field_event.c
    await tx.execute(delete(field_event).where(c.actor == actor, c.at < now - KEPT))
    row = {"actor": actor, "event": event, "deed": deed[:DEED_CHARS_MAX], "about": about, "at": now}
    # Whoever sends the same at the same time waits here for the first one's end.
    if await tx.insert_new(field_event, [row], key=("actor", "event")):
        return None
    query = select(c.deed, c.about).where(c.actor == actor, c.event == event)
    before = await tx.first(query)
    if before is None or before.deed != row["deed"]:
        raise Duplicate(f"event {event} was something else before")
    return str(before.about)
