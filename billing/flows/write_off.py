"""An invoice that nobody will pay is written off: what is open of it is given up.

The write-off pays the rest, so that nothing is owed of it any more and no dunning stands on it. It
is taken back only by a credit note of the invoice, which takes its place: money that comes later is
the household's credit, or recovers what was given up where it has nothing any more; what goes back
opens what it had paid.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

from billing.accounts.store import account
from billing.flows.desk import Desk
from billing.flows.recover import remember
from billing.invoicing.store import invoice, voided
from billing.ledger import store as ledger
from billing.ledger.model import Book, Posting, PostingKind, entries
from billing.payments.model import UNSETTLED, MovementKind
from billing.payments.store import INVOICE, allocation, attempt, movement, open_item, write_off
from runtime.chance import new_id
from runtime.store import Tx
from terms.calendar import local_date
from terms.errors import InvalidTransition, NotFound
from terms.ids import AccountId
from terms.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenOff:
    """What was given up of an invoice. Where it `is_new` that was done now, else it was before."""

    number: str
    account: str
    amount: Money
    is_new: bool


async def write_off_invoice(
    desk: Desk, tx: Tx, number: str, now: datetime, *, reason: str
) -> WrittenOff:
    """Give up what is open of an invoice. Doing it again changes nothing.

    Raises NotFound; InvalidTransition where it is paid or void, where a charge for it is under way,
    or money that came in is not settled yet.
    """
    one = await _lock(tx, number)
    if await tx.scalar(select(voided.c.invoice_id).where(voided.c.invoice_id == one.id)):
        raise InvalidTransition(f"{number} is void: nothing is owed of it", field="invoice")
    c = open_item.c
    rest = await tx.scalar(select(c.rest_minor).where(c.id == one.id, c.kind == INVOICE))
    if rest is None:
        return await _before(tx, one)
    await _check_quiet(tx, one)
    amount = Money(int(rest), one.currency)
    key, part = new_id(now, desk.chance), new_id(now, desk.chance)
    await _write(
        tx, _posting(key, one, amount, now), one=one, amount=amount, part=part, reason=reason
    )
    await remember(tx, AccountId(one.account_id))
    await desk.work.mark(tx, "settle", [one.account_id])
    return WrittenOff(number=number, account=one.account, amount=amount, is_new=True)


async def _lock(tx: Tx, number: str) -> Any:
    """Find an invoice, and have whoever settles its account wait for us, or wait for him."""
    i = invoice.c
    query = (
        select(i.id, i.number, i.account_id, i.currency, account.c.number.label("account"))
        .add_columns(account.c.zone)
        .select_from(invoice.join(account, account.c.id == i.account_id))
        .where(i.number == number)
    )
    one = await tx.first(
        query.with_for_update(of=account, key_share=True) if tx.engine == "postgresql" else query
    )
    if one is None:
        raise NotFound(f"there is no invoice {number!r}", field="invoice")
    return one


async def _before(tx: Tx, one: Any) -> WrittenOff:
    c = write_off.c
    query = select(c.amount_minor).where(c.invoice_id == one.id).order_by(c.id.desc())
    given_up = await tx.scalar(query.limit(1))
    if given_up is None:
        raise InvalidTransition(f"nothing is open of {one.number}")
    amount = Money(int(given_up), one.currency)
    return WrittenOff(number=one.number, account=one.account, amount=amount, is_new=False)


async def _check_quiet(tx: Tx, one: Any) -> None:
    c = attempt.c
    query = select(c.id).where(c.invoice_id == one.id, c.state.in_(sorted(UNSETTLED)))
    if await tx.scalar(query.limit(1)) is not None:
        raise InvalidTransition(f"a charge for {one.number} is under way: wait for its outcome")
    m = movement.c
    came_in = (m.kind == MovementKind.CLEARED.value, m.settled_at.is_(None))
    query = select(m.id).where(m.account_id == one.account_id, *came_in)
    if await tx.scalar(query.limit(1)) is not None:
        raise InvalidTransition(f"money has just come in that may be for {one.number}: try again")


def _posting(key: str, one: Any, amount: Money, now: datetime) -> Posting:
    owner = AccountId(one.account_id)
    return Posting(
        id=key,
        kind=PostingKind.WRITE_OFF,
        account=owner,
        on=local_date(now, one.zone),
        at=now,
        entries=entries((Book.WRITE_OFF, "", amount), (Book.RECEIVABLE, owner, -amount)),
    )


async def _write(
    tx: Tx, booked: Posting, *, one: Any, amount: Money, part: str, reason: str
) -> None:
    owner = {"account_id": one.account_id, "invoice_id": one.id}
    row = {
        **owner,
        "id": booked.id,
        "amount_minor": amount.amount_minor,
        "currency": amount.currency,
        "written_on": booked.on,
        "written_at": booked.at,
        "reason": reason,
    }
    await tx.insert(write_off, [row])
    await ledger.write(tx, [booked])
    pays = {"payer_id": booked.id, "amount_minor": amount.amount_minor, "allocated_at": booked.at}
    await tx.insert(allocation, [{**owner, **pays, "id": part}])
    await tx.execute(delete(open_item).where(open_item.c.id == one.id))
