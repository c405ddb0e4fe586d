"""Something is announced to all households, or to those of a segment."""

from __future__ import annotations

from collections.abc import Mapping

from app.desk.auditing import note
from app.wiring import House
from billing.reads import catalog
from messages.announcing import Announcement, announce
from runtime.chance import new_id
from runtime.store import Tx
from terms.errors import Invalid

EVERYBODY = "everybody"


async def say(
    house: House,
    tx: Tx,
    texts: Mapping[str, str],
    *,
    segment: str | None,
    actor: str,
    reason: str = "",
) -> Announcement:
    """Have it said; it goes out page by page. Raises Invalid naming the field."""
    if segment is not None and segment not in (await catalog.segments(tx)).each and segment:
        raise Invalid("segment", f"there is no segment {segment}")
    now = house.clock.machine_now()
    one = Announcement(id=new_id(now, house.chance), texts=texts, segment=segment)
    await announce(tx, house.work, one)
    await note(
        house,
        tx,
        actor=actor,
        action="notices.announce",
        subject=f"segment:{segment}" if segment is not None else EVERYBODY,
        after=one.texts["en"],
        reason=reason,
    )
    return one
