"""Tills, shifts with what went through their drawers, and receipts, as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from billing.accounts.contracts import account_of
from billing.accounts.store import account, customer, service
from billing.cash.model import ENTRIES_MAX, EntryKind, Receipt, Shift, Till
from billing.cash.store import (
    UNCLOSED,
    drawer_entry,
    receipt,
    receipt_from,
    receipt_print,
    shift,
    shift_count,
    shift_from,
    till,
    till_from,
)
from billing.invoicing.store import invoice
from billing.payments.store import allocation, movement, refund
from billing.sellers import store as sellers
from billing.sellers.model import Seller
from runtime.store import Tx, keyset
from runtime.store.keyset import Place
from terms.errors import NotFound
from terms.money import Money

SHIFTS_MAX = 100
TILLS_MAX = 200
RECEIPTS_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    """One entry of a drawer; of cash of a household with its receipt and account."""

    n: int
    kind: EntryKind
    amount: Money
    receipt: str
    reference: str
    account: str
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """One currency of a drawer: by kind, what should be there, what was counted if it was."""

    currency: str
    kinds: Mapping[EntryKind, Money]
    expected: Money
    counted: Money | None = None

    @property
    def difference(self) -> Money | None:
        """More than nothing is over, less is short."""
        return self.counted - self.expected if self.counted else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The Z report of a shift: all that went through its drawer, totals, the receipts from to."""

    shift: Shift
    place: str
    tolerance_minor: int
    entries: Sequence[EntryView]
    totals: Sequence[Totals]
    receipts: int
    first_receipt: str
    last_receipt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptView:
    """A receipt with what its money paid first of all, by invoice; the rest is credit.

    `paid` is None until the payment is settled. `seller` is whoever sold on its day.
    """

    receipt: Receipt
    contract: str
    holder: str
    shift: str
    paid: Sequence[tuple[str, Money]] | None
    credit: Money | None
    of_payment: str
    reason: str
    prints: int
    seller: Seller | None


async def tills(tx: Tx) -> list[Till]:
    """List the tills by their names."""
    rows = await tx.rows(select(till).order_by(till.c.name).limit(TILLS_MAX))
    return [till_from(row) for row in rows]


async def shifts(
    tx: Tx, *, till_name: str = "", limit: int = SHIFTS_MAX, behind: Place | None = None
) -> list[Shift]:
    """List shifts, the newest first, perhaps of one till; those behind a place of this list."""
    c = shift.c
    query = select(shift)
    if till_name:
        query = query.where(c.till == till_name)
    query = keyset.page(query, (c.opened_at, c.id), behind, limit)
    return [shift_from(row) for row in await tx.rows(query)]


async def unclosed(tx: Tx) -> list[Shift]:
    """List the shifts that are not closed, one of each till at most, the newest first."""
    query = select(shift).where(UNCLOSED).order_by(shift.c.opened_at.desc()).limit(TILLS_MAX)
    return [shift_from(row) for row in await tx.rows(query)]


async def place_of(tx: Tx, name: str) -> Place:
    """Tell where a shift stands in the list of all. Raises NotFound."""
    one = shift_from(await _named(tx, name))
    return one.opened_at, one.id


async def report(tx: Tx, name: str) -> Report:
    """Draw up the report of a shift, which may be open. Raises NotFound."""
    row = await _named(tx, name)
    one = shift_from(row)
    entries = await _entries(tx, one.id)
    counts = await tx.rows(select(shift_count).where(shift_count.c.shift_id == one.id))
    counted = {each.currency: Money(each.counted_minor, each.currency) for each in counts}
    numbers = sorted(each.receipt for each in entries if each.receipt)
    return Report(
        shift=one,
        place=row.place,
        tolerance_minor=row.tolerance_minor,
        entries=entries,
        totals=_totals(entries, counted),
        receipts=len(numbers),
        first_receipt=numbers[0] if numbers else "",
        last_receipt=numbers[-1] if numbers else "",
    )


async def _named(tx: Tx, name: str) -> Any:
    at, _, n = name.rpartition("-")
    wanted = int(n) if n.isascii() and n.isdigit() and len(n) < 10 else 0  # noqa: PLR2004
    row = await tx.first(
        select(shift, till.c.place, till.c.tolerance_minor)
        .join_from(shift, till)
        .where(shift.c.till == at, shift.c.n == wanted)
    )
    if row is None:
        raise NotFound(f"there is no shift {name!r}", field="shift")
    return row


async def find_receipt(tx: Tx, number: str) -> ReceiptView:
    """Find a receipt by its number, with what it paid. Raises NotFound."""
    row = await tx.first(
        select(
            receipt,
            account.c.number.label("account_number"),
            customer.c.name.label("holder"),
            shift.c.till,
            shift.c.n,
            movement.c.settled_at,
            refund.c.charge.label("of_payment"),
            refund.c.reason,
        )
        .select_from(
            receipt.join(account, account.c.id == receipt.c.account_id)
            .join(customer, customer.c.id == account.c.customer_id)
            .outerjoin(shift, shift.c.id == receipt.c.shift_id)
            .outerjoin(movement, movement.c.id == receipt.c.cause_id)
            .outerjoin(refund, refund.c.id == receipt.c.cause_id)
        )
        .where(receipt.c.number == number)
    )
    if row is None:
        raise NotFound(f"there is no receipt {number!r}", field="receipt")
    one = receipt_from(row)
    paid = await _paid(tx, row) if row.settled_at else None
    spent = sum(part.amount_minor for _, part in paid or ())
    contract = await tx.scalar(
        select(func.min(service.c.contract)).where(service.c.account_id == row.account_id)
    )
    return ReceiptView(
        receipt=one,
        contract=str(contract or row.account_number),
        holder=row.holder,
        shift=f"{row.till}-{row.n}" if row.till else "",
        paid=paid,
        credit=None if paid is None else one.amount - Money(spent, one.amount.currency),
        of_payment=row.of_payment or "",
        reason=row.reason or "",
        prints=int(
            await tx.scalar(select(func.count()).where(receipt_print.c.receipt_id == row.id)) or 0
        ),
        seller=(await sellers.load(tx)).on(one.issued_on),
    )


async def receipts(
    tx: Tx, contract: str, *, limit: int = RECEIPTS_MAX, behind: str = ""
) -> list[Receipt]:
    """List the receipts of a household behind one, the newest first. Raises NotFound."""
    owner = await account_of(tx, contract)
    c = receipt.c
    query = select(receipt).where(c.account_id == owner)
    if behind:
        there = select(c.sequence).where(c.number == behind).scalar_subquery()
        query = query.where(c.sequence < there)
    rows = await tx.rows(query.order_by(c.sequence.desc()).limit(limit))
    return [receipt_from(row) for row in rows]


async def _entries(tx: Tx, key: str) -> list[EntryView]:
    c = drawer_entry.c
    query = (
        select(drawer_entry, receipt.c.number, receipt.c.reference, account.c.number.label("owner"))
        .select_from(
            drawer_entry.outerjoin(receipt, receipt.c.id == c.receipt_id).outerjoin(
                account, account.c.id == receipt.c.account_id
            )
        )
        .where(c.shift_id == key)
        .order_by(c.n)
        .limit(ENTRIES_MAX)
    )
    return [
        EntryView(
            n=row.n,
            kind=EntryKind(row.kind),
            amount=Money(row.amount_minor, row.currency),
            receipt=row.number or "",
            reference=row.reference or "",
            account=row.owner or "",
            reason=row.reason,
            by=row.done_by,
            at=row.done_at,
        )
        for row in await tx.rows(query)
    ]


def _totals(entries: Iterable[EntryView], counted: Mapping[str, Money]) -> list[Totals]:
    sums: dict[str, dict[EntryKind, Money]] = {currency: {} for currency in counted}
    for one in entries:
        kinds = sums.setdefault(one.amount.currency, {})
        kinds[one.kind] = kinds.get(one.kind, Money(0, one.amount.currency)) + one.amount
    return [
        Totals(
            currency=currency,
            kinds=kinds,
            expected=sum(kinds.values(), start=Money(0, currency)),
            counted=counted.get(currency),
        )
        for currency, kinds in sorted(sums.items())
    ]


async def _paid(tx: Tx, row: Any) -> list[tuple[str, Money]]:
    """List what a payment paid when it was settled; what moved since is of another day."""
    c = allocation.c
    query = (
        select(invoice.c.number, func.sum(c.amount_minor).label("part"))
        .join_from(allocation, invoice, invoice.c.id == c.invoice_id)
        .where(
            c.account_id == row.account_id,
            c.payer_id == row.cause_id,
            c.allocated_at == row.settled_at,
        )
        .group_by(invoice.c.number, invoice.c.due_on, invoice.c.sequence)
        .having(func.sum(c.amount_minor) > 0)
        .order_by(invoice.c.due_on, invoice.c.sequence)
    )
    return [(each.number, Money(int(each.part), row.currency)) for each in await tx.rows(query)]
