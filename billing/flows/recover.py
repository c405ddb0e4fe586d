"""Money that comes after all was written off is for what was given up: income that was recovered.

Only of accounts that have nothing any more: what others pay is for what they are charged next. The
money takes the place of the write-off on its invoice, so that it opens the invoice again where it
goes back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, func, select, update

from billing.accounts.model import Perk
from billing.accounts.store import account
from billing.flows.desk import Desk
from billing.ledger import store as ledger
from billing.ledger.model import Book, Posting, PostingKind, entries
from billing.payments.store import CREDIT, allocation, movement, open_item, write_off
from runtime.chance import new_id
from runtime.store import Tx
from terms.calendar import local_date
from terms.ids import AccountId
from terms.money import Money

ROWS_MAX = 1_000


class Part(NamedTuple):
    """What a movement pays of what a write-off gave up of an invoice."""

    movement: str
    write_off: str
    invoice: str
    amount: Money


async def recover(desk: Desk, tx: Tx, account_id: AccountId, now: datetime) -> list[Part]:
    """Let unused money of an account pay what was given up, the oldest first.

    Doing it again changes nothing.
    """
    zone = select(account.c.zone).where(account.c.id == account_id)
    row = await tx.first(
        zone.with_for_update(key_share=True) if tx.engine == "postgresql" else zone
    )
    if row is None:
        return []
    unused = await _credits(tx, account_id)
    given_up = await _given_up(tx, account_id) if unused else []
    parts = list(_shared(unused, given_up))
    on = local_date(now, row.zone)
    await _allocate(desk, tx, account_id, parts, now)
    await ledger.write(
        tx,
        [
            Posting(
                id=new_id(now, desk.chance),
                kind=PostingKind.RECOVERED,
                account=account_id,
                on=on,
                at=now,
                entries=entries(
                    (Book.CREDIT, account_id, one.amount), (Book.WRITE_OFF, "", -one.amount)
                ),
            )
            for one in parts
        ],
    )
    await _use(tx, unused, parts)
    return parts


async def _credits(tx: Tx, key: AccountId) -> Sequence[Any]:
    """Read the unused money that came in, the oldest first; nothing that was given."""
    c = open_item.c
    query = (
        select(c.id, c.rest_minor, c.currency)
        .select_from(open_item.join(movement, movement.c.id == c.id))
        .where(c.account_id == key, c.kind == CREDIT, c.rest_minor > 0)
    )
    return await tx.rows(query.order_by(c.id).limit(ROWS_MAX))


async def _given_up(tx: Tx, key: AccountId) -> Sequence[Any]:
    """Read what write-offs still stand for, the oldest first."""
    a, w = allocation.c, write_off.c
    left = func.sum(a.amount_minor)
    query = (
        select(w.id, a.invoice_id, w.currency, left.label("left_minor"))
        .select_from(write_off.join(allocation, a.payer_id == w.id))
        .where(w.account_id == key, a.account_id == key)
        .group_by(w.id, a.invoice_id, w.currency)
        .having(left > 0)
    )
    return await tx.rows(query.order_by(w.id).limit(ROWS_MAX))


def _shared(unused: Sequence[Any], given_up: Sequence[Any]) -> Iterator[Part]:
    left_of = {row.id: row.rest_minor for row in unused}
    for one in given_up:
        left = int(one.left_minor)
        for row in unused:
            part = min(left, left_of[row.id]) if row.currency == one.currency else 0
            if part:
                yield Part(row.id, one.id, one.invoice_id, Money(part, row.currency))
                left_of[row.id] -= part
                left -= part


async def _allocate(
    desk: Desk, tx: Tx, key: AccountId, parts: Sequence[Part], now: datetime
) -> None:
    rows = [
        {
            "id": new_id(now, desk.chance),
            "account_id": key,
            "payer_id": payer,
            "invoice_id": one.invoice,
            "amount_minor": amount,
            "allocated_at": now,
        }
        for one in parts
        for payer, amount in (
            (one.write_off, -one.amount.amount_minor),
            (one.movement, one.amount.amount_minor),
        )
    ]
    await tx.insert(allocation, rows)


async def _use(tx: Tx, unused: Sequence[Any], parts: Sequence[Part]) -> None:
    c = open_item.c
    for row in unused:
        used = sum(one.amount.amount_minor for one in parts if one.movement == row.id)
        if used == row.rest_minor:
            await tx.execute(delete(open_item).where(c.id == row.id))
        elif used:
            rest = update(open_item).where(c.id == row.id)
            await tx.execute(rest.values(rest_minor=row.rest_minor - used))


async def remember(tx: Tx, account_id: AccountId) -> None:
    """Have settling look for money that comes, now that something of the account is given up."""
    perks = account.c.perks.op("|")(int(Perk.GIVEN_UP))
    await tx.execute(update(account).where(account.c.id == account_id).values(perks=perks))
