"""Takes back what a person or the product said of a line by mistake: it waits again, for a person.

A line leaves the accounts that it went to, or the books of what is no customer's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, update

from billing.bank.model import BANK, ON_ACCOUNTS, WAITING, EntryState, Why
from billing.bank.store import (
    bank_aside,
    bank_aside_undone,
    bank_entry,
    bank_payer,
    bank_undone,
    charge_of,
    is_aside,
    was_undone,
)
from billing.flows import movements
from billing.flows.bank.decide import on_accounts, stored
from billing.flows.bank.lay import Side, Stored, outside_of
from billing.flows.desk import Desk
from billing.flows.movements import Told
from billing.ledger import store as ledger
from billing.ledger.model import Book, Posting, PostingKind, entries
from billing.payments.model import Moved, MovementKind
from runtime.store import Tx
from terms.errors import InvalidTransition, NotFound
from terms.ids import AccountId
from terms.money import Money


async def undo(desk: Desk, tx: Tx, entry_id: str, now: datetime) -> Stored:
    """Take a line from the accounts that it went to, or back from those set aside.

    Returns it as it lay before: where it waits already since that was done, nothing is done now.
    Whoever had confirmed its payer has not, any more. Raises NotFound; InvalidTransition where it
    is on no account and no person has set it aside, or where it was taken back by the bank.
    """
    row = await tx.first(select(bank_entry).where(bank_entry.c.id == entry_id).with_for_update())
    if row is None:
        raise NotFound(f"there is no line {entry_id!r} of a bank", field="line")
    one = await stored(tx, row)
    if one.state in ON_ACCOUNTS:
        await _take_from_accounts(desk, tx, one, now)
    elif one.state is EntryState.OUTSIDE:
        await _take_from_outside(tx, one, now)
    elif one.state in WAITING and await _was_undone(tx, entry_id):
        return one
    else:
        raise InvalidTransition(
            f"line {entry_id} is on no account and not set aside: it is {one.state}"
        )
    await tx.execute(
        update(bank_entry)
        .where(bank_entry.c.id == entry_id)
        .values(state=EntryState.SUSPENSE.value, why=Why.PERSON.value)
    )
    return one


async def _was_undone(tx: Tx, entry_id: str) -> bool:
    c = bank_entry.c
    return await tx.scalar(select(c.id).where(c.id == entry_id, was_undone())) is not None


async def _take_from_outside(tx: Tx, one: Stored, now: datetime) -> None:
    a = bank_aside.c
    query = select(a.n, a.provider).where(a.entry_id == one.id, is_aside())
    row = await tx.first(query)
    if row is None:
        raise InvalidTransition(f"line {one.id} is outside, but no person has set it aside")
    await tx.insert(bank_aside_undone, [{"entry_id": one.id, "n": row.n, "undone_at": now}])
    await _post(tx, one, outside_of(one, row.provider), now)


async def _take_from_accounts(desk: Desk, tx: Tx, one: Stored, now: datetime) -> None:
    back = bank_entry.alias("back")
    if await tx.scalar(select(back.c.id).where(back.c.of_id == one.id)):
        raise InvalidTransition(f"line {one.id} was taken back by the bank")
    parts = await on_accounts(tx, one.id)
    await _give_back(desk, tx, one.id, parts, now)
    await _post(tx, one, (Book.CLEARING, BANK, one.line.amount), now)
    p = bank_payer.c
    owners = [part.id for part in parts]
    await tx.execute(delete(bank_payer).where(p.iban == one.line.iban, p.account_id.in_(owners)))


async def _post(tx: Tx, one: Stored, side: Side, now: datetime) -> None:
    """Post the money of a line from where it was to suspense."""
    posting = Posting(
        id=f"{one.id}.undone.{one.times_before}",
        kind=PostingKind.BANK,
        account=AccountId(BANK),
        on=now.date(),
        at=now,
        entries=entries(side, (Book.SUSPENSE, one.account, -one.line.amount)),
    )
    await ledger.write(tx, [posting])


async def _give_back(
    desk: Desk, tx: Tx, entry_id: str, parts: Sequence[Row[Any]], now: datetime
) -> None:
    charges = [charge_of(entry_id, part.n) for part in parts]
    told = [
        Told(
            account=AccountId(part.id),
            number=part.number,
            provider=BANK,
            moved=Moved(
                charge=charge,
                ref=f"undone {charge}",
                amount=Money(part.amount_minor, part.currency),
                account=part.number,
                kind=MovementKind.REFUNDED,
            ),
        )
        for part, charge in zip(parts, charges, strict=True)
    ]
    await movements.hear(desk, tx, told, [], now)
    rows = [{"entry_id": entry_id, "n": part.n, "undone_at": now} for part in parts]
    await tx.insert(bank_undone, rows)
