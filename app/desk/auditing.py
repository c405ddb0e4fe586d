"""Who did what over the counter, written in the transaction that does it."""

from __future__ import annotations

from app.wiring import House
from runtime.store import Tx
from runtime.store.audit import Deed, record

SUBJECT_CHARS_MAX = 160


async def note(
    house: House,
    tx: Tx,
    *,
    actor: str,
    action: str,
    subject: str,
    before: str | None = None,
    after: str | None = None,
    reason: str = "",
) -> None:
    """Write one deed down, now."""
    deed = Deed(
        at=house.clock.machine_now(),
        actor=actor,
        action=action,
        subject=subject[:SUBJECT_CHARS_MAX],
        reason=reason,
        before=before,
        after=after,
    )
    await record(tx, [deed])
