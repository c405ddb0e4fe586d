"""An invoice is called void: all of it is given back, and its days are charged again or not.

It keeps its number and stays as it was; settle draws up the credit note, and with it the invoice
that takes its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import and_, select, update

from billing.accounts.store import account
from billing.flows.desk import Desk
from billing.flows.withdraw import withdraw
from billing.invoicing.store import invoice, invoice_line, reopen, voided
from billing.payments.store import open_item
from billing.pending.store import pending_charge
from billing.purchases.store import purchase
from billing.rating.model import LineKind
from billing.subscriptions.model import Activation
from billing.subscriptions.store import subscription
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.errors import InvalidTransition, NotFound
from terms.ids import AccountId
from terms.money import Money

BY_CHARS_MAX, REASON_CHARS_MAX = 80, 254


class Void(NamedTuple):
    """An invoice that is void from now on."""

    number: str
    account: AccountId
    total: Money


async def void(
    desk: Desk,
    tx: Tx,
    number: str,
    now: datetime,
    *,
    by: str,
    reason: str = "",
    is_charged_again: bool = False,
) -> Void:
    """Call an invoice void. What was charged once on it is not charged again in any case, and a
    title that nobody has watched yet is not watched any more.

    Raises NotFound, and InvalidTransition for one that is void already, or that its household has
    to pay first and has not: void, it would be watched for nothing.
    """
    found = await tx.first(select(invoice).where(invoice.c.number == number))
    if found is None:
        raise NotFound(f"there is no invoice {number!r}", field="invoice")
    # Whoever settles the account now is waited for.
    lock = select(account.c.id).where(account.c.id == found.account_id)
    await tx.rows(lock.with_for_update(key_share=True) if tx.engine == "postgresql" else lock)
    if await tx.scalar(select(voided.c.invoice_id).where(voided.c.invoice_id == found.id)):
        raise InvalidTransition(f"{number} is void already")
    if await _is_awaited(tx, found.id):
        raise InvalidTransition(f"{number} must be paid first: cancel its contract instead")
    row = {
        "invoice_id": found.id,
        "is_charged_again": is_charged_again,
        "voided_at": now,
        "voided_by": by[:BY_CHARS_MAX],
        "reason": reason[:REASON_CHARS_MAX],
    }
    await tx.insert(voided, [row])
    await _look_again(desk, tx, found.id)
    account_id = AccountId(found.account_id)
    await desk.work.mark(tx, "settle", [account_id])
    return Void(number, account_id, Money(found.total_minor, found.currency))


async def _is_awaited(tx: Tx, key: str) -> bool:
    """Whether something is open of an invoice that must be paid before its service goes live."""
    c, s = invoice_line.c, subscription.c
    begun = and_(s.id == c.subject, s.charged_from == c.period_start)
    first = select(c.n).select_from(invoice_line.join(subscription, begun))
    first = first.join(open_item, open_item.c.id == c.invoice_id)
    mine = (c.invoice_id == key, c.take == 0, s.activation == Activation.PAID.value)
    return await tx.scalar(first.where(*mine, c.kind == LineKind.RECURRING.value)) is not None


async def _forgive(desk: Desk, tx: Tx, keys: Sequence[str]) -> None:
    """Give back what was charged once; what nobody has watched yet is not watched any more."""
    p, c, given = pending_charge.c, purchase.c, {KEYS: packed(tx.engine, keys)}
    standing = update(pending_charge).where(among(tx.engine, p.id), p.is_withdrawn.is_(False))
    await tx.execute(standing.values(is_forgiven=True), given)
    await withdraw(desk, tx, keys)
    unwatched = update(purchase).where(among(tx.engine, c.id), c.watched_at.is_(None))
    await tx.execute(unwatched.values(is_revoked=True, is_open=True), given)


async def _look_again(desk: Desk, tx: Tx, key: str) -> None:
    """Have what the invoice charged for compared again, from where it did."""
    c = invoice_line.c
    rows = await tx.rows(select(c.subject, c.period_start).where(c.invoice_id == key))
    days: dict[str, date] = {}
    for row in rows:
        days[row.subject] = min(row.period_start, days.get(row.subject, row.period_start))
    p = pending_charge.c
    query = select(p.id).where(among(tx.engine, p.id))
    once = {row.id for row in await tx.rows(query, {KEYS: packed(tx.engine, sorted(days))})}
    await _forgive(desk, tx, sorted(once))
    again = [(subject, day) for subject, day in sorted(days.items()) if subject not in once]
    await reopen(tx, again, desk.clock.machine_now(), desk.chance)
