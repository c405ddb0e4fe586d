"""Who collects by direct debit, and by which rules; nobody can until this is told."""

from __future__ import annotations

from sqlalchemy import select

from billing.debits.model import Creditor
from billing.debits.store import CREDITOR, creditor_from, debit_creditor
from runtime.store import Tx
from terms.errors import InvalidTransition


async def find(tx: Tx) -> Creditor | None:
    """Load the creditor, if there is one."""
    row = await tx.first(select(debit_creditor))
    return creditor_from(row) if row else None


async def lock(tx: Tx) -> Creditor:
    """Load the creditor and keep others from making batches. Raises InvalidTransition."""
    row = await tx.first(select(debit_creditor).with_for_update())
    if row is None:
        raise InvalidTransition("nobody is set up who collects by direct debit")
    return creditor_from(row)


async def tell(tx: Tx, one: Creditor) -> bool:
    """Say who collects; False where it is so already."""
    if await find(tx) == one:
        return False
    row = {
        "id": CREDITOR,
        "identifier": one.identifier,
        "name": one.name,
        "iban": one.iban,
        "bic": one.bic,
        "zone": one.zone,
        "notice_days": one.notice_days,
        "lead_days": one.lead_days,
        "cut_off_hour": one.cut_off_hour,
        "clear_days": one.clear_days,
        "says_first": one.says_first,
    }
    await tx.upsert(debit_creditor, [row], key=("id",))
    return True
