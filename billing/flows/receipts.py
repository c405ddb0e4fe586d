"""Cash is taken or given: it goes into the drawer of whoever has a shift, and has its receipt.

Numbers of receipts have no gap: one is taken in the transaction of its payment, last of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, select

from billing.cash.model import (
    BY_CHARS_MAX,
    ENTRIES_MAX,
    PRINTS_MAX,
    SERIES,
    EntryKind,
    NoShift,
    Receipt,
    ReceiptKind,
)
from billing.cash.store import drawer_entry, receipt, receipt_from, receipt_print, till
from billing.flows.desk import Desk
from billing.invoicing.model import number
from billing.invoicing.numbers import reserve_numbers
from runtime.chance import new_id
from runtime.store import Tx
from terms.calendar import local_date
from terms.errors import InvalidTransition, NotFound
from terms.ids import AccountId
from terms.money import Money

_TAKE_PART = """
    UPDATE shift SET entries = entries + 1 WHERE cashier = {0} AND state = 'open'
    RETURNING id, entries
"""
_TAKE_PARTS = {"sqlite": _TAKE_PART.format("?1"), "postgresql": _TAKE_PART.format("$1")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """Cash that has changed hands, over the counter; `cause` is its movement or its refund."""

    kind: ReceiptKind
    account: AccountId
    zone: str
    cause: str
    amount: Money
    reference: str


@dataclass(frozen=True, slots=True)
class Drawer:
    """A place in the drawer of an open shift: its n-th entry."""

    shift: str
    n: int


async def write(desk: Desk, tx: Tx, passed: Passed, now: datetime, *, by: str) -> Receipt:
    """Book cash in the shift of whoever took or gave it, and give it its receipt.

    Raises InvalidTransition where there are tills and none of theirs is open, or it has not so
    much in it.
    """
    drawer = await drawer_of(tx, by)
    is_payment = passed.kind is ReceiptKind.PAYMENT
    if drawer and not is_payment:
        await check_holds(tx, drawer.shift, passed.amount)
    sequence = await reserve_numbers(tx, SERIES, 1)
    row = {
        "id": new_id(now, desk.chance),
        "sequence": sequence,
        "number": number(SERIES, sequence),
        "kind": passed.kind.value,
        "account_id": passed.account,
        "cause_id": passed.cause,
        "amount_minor": passed.amount.amount_minor,
        "currency": passed.amount.currency,
        "reference": passed.reference,
        "cashier": by[:BY_CHARS_MAX],
        "shift_id": drawer.shift if drawer else None,
        "issued_on": local_date(now, passed.zone),
        "issued_at": now,
    }
    await tx.insert(receipt, [row])
    if drawer:
        kind = EntryKind.TAKEN if is_payment else EntryKind.GIVEN
        amount = passed.amount if is_payment else -passed.amount
        await put(tx, drawer, kind, amount, now, by=by, receipt_id=str(row["id"]))
    found = await of_cause(tx, passed.cause)
    if found is None:
        raise AssertionError(f"receipt {row['number']} is not there")
    return found


async def of_cause(tx: Tx, cause: str) -> Receipt | None:
    """Find the receipt of a movement or a refund; cash of long ago has none."""
    row = await tx.first(select(receipt).where(receipt.c.cause_id == cause))
    return receipt_from(row) if row else None


async def hand_out(tx: Tx, name: str, now: datetime, *, by: str) -> int:
    """Say that a receipt is printed; returns how often it was: more than once is a copy.

    Raises NotFound, InvalidTransition where it was printed too often.
    """
    query = select(receipt.c.id).where(receipt.c.number == name)
    if tx.engine == "postgresql":
        query = query.with_for_update()  # two who print it at once follow each other
    key = await tx.scalar(query)
    if key is None:
        raise NotFound(f"there is no receipt {name!r}", field="receipt")
    c = receipt_print.c
    n = int(await tx.scalar(select(func.max(c.n)).where(c.receipt_id == key)) or 0) + 1
    if n > PRINTS_MAX:
        raise InvalidTransition(f"receipt {name} was printed {PRINTS_MAX} times")
    row = {"receipt_id": key, "n": n, "printed_by": by[:BY_CHARS_MAX], "printed_at": now}
    await tx.insert(receipt_print, [row])
    return n


async def drawer_of(tx: Tx, by: str) -> Drawer | None:
    """Take a place in the drawer of somebody's open shift; whoever closes it waits for that.

    None where there are no tills. Raises InvalidTransition where there are and no shift is theirs,
    or it is full.
    """
    found = await tx.fetch(_TAKE_PARTS[tx.engine], (by[:BY_CHARS_MAX],))
    if found:
        ((shift, n),) = found
        if n > ENTRIES_MAX:
            raise InvalidTransition(f"the shift has {ENTRIES_MAX} entries: close it, open another")
        return Drawer(shift=str(shift), n=int(n))
    if await tx.scalar(select(exists().where(till.c.is_retired.is_(False)))):
        raise NoShift("no shift of yours is open: open one at a till first")
    return None


async def check_holds(tx: Tx, shift: str, amount: Money) -> None:
    """Raise InvalidTransition where a drawer has less in it than is to be taken out."""
    c = drawer_entry.c
    query = select(func.sum(c.amount_minor)).where(
        c.shift_id == shift, c.currency == amount.currency
    )
    there = Money(int(await tx.scalar(query) or 0), amount.currency)
    if there.amount_minor < amount.amount_minor:
        raise InvalidTransition(f"the drawer has no more than {there} in it")


async def put(
    tx: Tx,
    drawer: Drawer,
    kind: EntryKind,
    amount: Money,
    now: datetime,
    *,
    by: str,
    receipt_id: str | None = None,
    reason: str = "",
) -> None:
    """Write one entry of a drawer."""
    row = {
        "shift_id": drawer.shift,
        "n": drawer.n,
        "kind": kind.value,
        "amount_minor": amount.amount_minor,
        "currency": amount.currency,
        "receipt_id": receipt_id,
        "reason": reason,
        "done_by": by[:BY_CHARS_MAX],
        "done_at": now,
    }
    await tx.insert(drawer_entry, [row])
