"""A person decides about the deposit of a device that is damaged or lost: how much of it is kept.

Only the decision is written here; settle keeps the part and gives the rest back.
"""

from __future__ import annotations

from sqlalchemy import select, update

from billing.accounts.store import service
from billing.equipment import store as equipment
from billing.equipment.model import Ending, Rental
from billing.equipment.store import rental
from billing.flows.desk import Desk
from billing.invoicing.store import invoice_line
from billing.rating.model import LineKind
from runtime.store import Tx
from terms.errors import Invalid, InvalidTransition, NotFound
from terms.ids import AccountId


async def release_deposit(desk: Desk, tx: Tx, rental_id: str, *, keep_minor: int) -> None:
    """Decide how many minor units of a rental's deposit are kept; the rest is free.

    Deciding the same again changes nothing. Raises NotFound; Invalid where no deposit waits for
    anybody, or for a part that is none; InvalidTransition where it was decided otherwise.
    """
    one, account, deposit_minor = await _deposit(tx, rental_id)
    if one.ending not in (Ending.DAMAGED, Ending.LOST) or not deposit_minor:
        raise Invalid("rental", f"no deposit of {one.serial} waits for a decision")
    if not 0 <= keep_minor <= deposit_minor:
        raise Invalid("keep_minor", f"must be between 0 and {deposit_minor}")
    if one.kept_minor not in (None, keep_minor):
        raise InvalidTransition(f"of the deposit of {one.serial} {one.kept_minor} was kept already")
    decided = update(rental).where(rental.c.id == rental_id).values(kept_minor=keep_minor)
    await tx.execute(decided)
    await desk.work.mark(tx, "settle", [account])


async def _deposit(tx: Tx, rental_id: str) -> tuple[Rental, AccountId, int]:
    """Find a rental, who pays it, and what was charged as its deposit."""
    charged = (
        select(invoice_line.c.amount_minor)
        .where(invoice_line.c.subject == rental.c.id, invoice_line.c.kind == LineKind.DEPOSIT.value)
        .scalar_subquery()
    )
    query = (
        select(
            rental,
            rental.c.charged_from.label("open_from"),
            service.c.account_id,
            charged.label("deposit_minor"),
        )
        .select_from(rental.join(service, service.c.id == rental.c.service_id))
        .where(rental.c.id == rental_id)
        .with_for_update(of=rental)
    )
    row = await tx.first(query)
    if row is None:
        raise NotFound(f"there is no rental {rental_id!r}")
    return equipment.from_row(row), AccountId(row.account_id), row.deposit_minor or 0
