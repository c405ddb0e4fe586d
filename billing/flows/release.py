"""A person decides about the deposit of a device that is damaged or lost: how much of it is kept.

Only the decision is written here; settle keeps the part and gives the rest back.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update

from billing.accounts.store import account, service
from billing.equipment import store as equipment
from billing.equipment.model import ENDING_FOR_A_PERSON, Rental
from billing.equipment.store import rental
from billing.flows.desk import Desk
from billing.invoicing.store import invoice_line, reopen
from billing.rating.model import LineKind
from runtime.store import Tx
from terms.errors import Invalid, InvalidTransition, NotFound
from terms.ids import AccountId
from terms.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What becomes of a deposit. Where it `is_new` that was decided now, else it was before."""

    serial: str
    kept: Money
    freed: Money
    is_new: bool


async def release_deposit(desk: Desk, tx: Tx, rental_id: str, *, keep_minor: int) -> Released:
    """Decide how many minor units of a rental's deposit are kept; the rest is free.

    Deciding the same again changes nothing. Raises NotFound; Invalid for a part that is none;
    InvalidTransition where no deposit waits for anybody, or where it was decided otherwise.
    """
    one, owner, deposit = await _deposit(tx, rental_id)
    if why := _why_not(one, deposit):
        raise InvalidTransition(why)
    if not 0 <= keep_minor <= deposit.amount_minor:
        zero = Money(0, deposit.currency)
        raise Invalid("keep", f"must be between {zero} and {deposit}")
    kept = Money(keep_minor, deposit.currency)
    if one.kept_minor not in (None, keep_minor):
        before = Money(one.kept_minor or 0, deposit.currency)
        raise InvalidTransition(f"of the deposit of {one.serial} {before} was kept already")
    is_new = one.kept_minor is None
    if is_new:
        decided = update(rental).where(rental.c.id == rental_id).values(kept_minor=keep_minor)
        await tx.execute(decided)
        await reopen(tx, [(one.id, one.from_on)], desk.clock.machine_now(), desk.chance)
        await desk.work.mark(tx, "settle", [owner])
    return Released(serial=one.serial, kept=kept, freed=deposit - kept, is_new=is_new)


def _why_not(one: Rental, deposit: Money) -> str:
    """Say why there is nothing to decide about a deposit; empty where there is."""
    if not deposit.amount_minor:
        return f"no deposit was charged for box {one.serial}"
    if one.is_running:
        return f"the deposit of {one.serial} is held while its household has the box: take it back"
    if one.ending not in ENDING_FOR_A_PERSON:
        return f"the deposit of {one.serial} was given back when the box came back"
    return ""


async def _deposit(tx: Tx, rental_id: str) -> tuple[Rental, AccountId, Money]:
    """Find a rental, who pays it, and what was charged as its deposit."""
    charged = (
        select(invoice_line.c.amount_minor)
        .where(invoice_line.c.subject == rental.c.id, invoice_line.c.kind == LineKind.DEPOSIT.value)
        .scalar_subquery()
    )
    joined = rental.join(service, service.c.id == rental.c.service_id).join(
        account, account.c.id == service.c.account_id
    )
    query = (
        select(
            *(rental, service.c.account_id, account.c.currency),
            charged.label("deposit_minor"),
        )
        .select_from(joined)
        .where(rental.c.id == rental_id)
        .with_for_update(of=rental)
    )
    row = await tx.first(query)
    if row is None:
        raise NotFound(f"there is no rental {rental_id!r}", field="rental")
    deposit = Money(row.deposit_minor or 0, row.currency)
    return equipment.from_row(row), AccountId(row.account_id), deposit
