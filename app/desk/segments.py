"""In which segment of dunning a household is, changed over the counter."""

from __future__ import annotations

from app.desk import given
from app.desk.auditing import note
from app.imports import cells
from app.wiring import House
from billing.flows.segment import put_in
from runtime.store import Tx

USUAL_WORD = "usual"


async def change(
    house: House, tx: Tx, contract: str, segment: str, *, actor: str, reason: str = ""
) -> None:
    """Put a household into a segment; empty is the usual one.

    Raises NotFound, and Invalid naming the field.
    """
    read = given.read_if_any("segment", segment, cells.code)
    before = await put_in(house.desk, tx, contract, read)
    await note(
        house,
        tx,
        actor=actor,
        action="account.segment",
        subject=f"contract:{contract}",
        before=before or USUAL_WORD,
        after=read or USUAL_WORD,
        reason=reason,
    )
