"""Where a household is taxed, changed over the counter."""

from __future__ import annotations

from app.desk import business, given
from app.desk.auditing import note
from app.imports import cells
from app.wiring import House
from billing.flows.tax_place import tax_in
from billing.tax.model import abroad
from runtime.store import Tx


async def change(
    house: House, tx: Tx, contract: str, jurisdiction: str, *, actor: str, reason: str = ""
) -> None:
    """Tax a household in a jurisdiction from the next invoice on; empty is the operator's own.

    Raises NotFound, and Invalid naming the field.
    """
    about = await business.know(tx)
    read = given.read_if_any("jurisdiction", jurisdiction, cells.jurisdiction)
    before = await tax_in(house.desk, tx, contract, abroad(read, about.country))
    await note(
        house,
        tx,
        actor=actor,
        action="account.jurisdiction",
        subject=f"contract:{contract}",
        before=before or about.country,
        after=read or about.country,
        reason=reason,
    )
