"""How the cash desk is shown by the API: tills, shifts, drawers, receipts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from app.web.api.paper_view import Seller
from app.web.api.shapes import Amount
from billing.cash.model import Counted, Receipt, Shift, Till
from billing.flows.shifts import Counting
from billing.reads.cash import EntryView, ReceiptView, Report, Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class TillDocument:
    """A till; `tolerance_minor` is what one person may say is over or short, in minor units."""

    name: str
    place: str
    tolerance_minor: int
    is_retired: bool

    @classmethod
    def of(cls, one: Till) -> TillDocument:
        """Show a till."""
        return cls(
            name=one.name,
            place=one.place,
            tolerance_minor=one.tolerance_minor,
            is_retired=one.is_retired,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftDocument:
    """A shift: open, counted (it waits for a second person) or closed."""

    name: str
    till: str
    cashier: str
    state: str
    opened_at: datetime
    entries: int
    counted_at: datetime | None
    counted_by: str
    closed_at: datetime | None
    closed_by: str

    @classmethod
    def of(cls, one: Shift) -> ShiftDocument:
        """Show a shift."""
        return cls(
            name=one.name,
            till=one.till,
            cashier=one.cashier,
            state=one.state.value,
            opened_at=one.opened_at,
            entries=one.entries,
            counted_at=one.counted_at,
            counted_by=one.counted_by,
            closed_at=one.closed_at,
            closed_by=one.closed_by,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawerCountDocument:
    """One currency of a drawer: what is counted besides is over, what is missing is short."""

    expected: Amount
    counted: Amount
    difference: Amount

    @classmethod
    def of(cls, one: Counted) -> DrawerCountDocument:
        """Show a count."""
        return cls(
            expected=Amount.of(one.expected),
            counted=Amount.of(one.counted),
            difference=Amount.of(one.difference),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftCounted:
    """A shift that was counted, and how its drawer differs."""

    shift: ShiftDocument
    counted: list[DrawerCountDocument]

    @classmethod
    def of(cls, done: Counting) -> ShiftCounted:
        """Show how a count has ended."""
        return cls(
            shift=ShiftDocument.of(done.shift),
            counted=[DrawerCountDocument.of(one) for one in done.counted],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawerEntry:
    """Money in a drawer: float, taken, given, paid_in, paid_out. Less than nothing went out."""

    n: int
    kind: str
    amount: Amount
    receipt: str
    reference: str
    account: str
    reason: str
    by: str
    at: datetime

    @classmethod
    def of(cls, one: EntryView) -> DrawerEntry:
        """Show an entry."""
        return cls(
            n=one.n,
            kind=one.kind.value,
            amount=Amount.of(one.amount),
            receipt=one.receipt,
            reference=one.reference,
            account=one.account,
            reason=one.reason,
            by=one.by,
            at=one.at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawerTotal:
    """One kind of entries in one currency."""

    kind: str
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawerTotals:
    """One currency of a drawer; `counted` and `difference` once it was counted."""

    kinds: list[DrawerTotal]
    expected: Amount
    counted: Amount | None
    difference: Amount | None

    @classmethod
    def of(cls, one: Totals) -> DrawerTotals:
        """Show the totals of a currency."""
        return cls(
            kinds=[
                DrawerTotal(kind=kind.value, amount=Amount.of(sum_))
                for kind, sum_ in one.kinds.items()
            ],
            expected=Amount.of(one.expected),
            counted=Amount.of(one.counted) if one.counted else None,
            difference=Amount.of(one.difference) if one.difference else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftReport:
    """The Z report of a shift: its entries, totals, and its receipts from the first to the last."""

    shift: ShiftDocument
    entries: list[DrawerEntry]
    totals: list[DrawerTotals]
    receipts: int
    first_receipt: str
    last_receipt: str

    @classmethod
    def of(cls, one: Report) -> ShiftReport:
        """Show a report."""
        return cls(
            shift=ShiftDocument.of(one.shift),
            entries=[DrawerEntry.of(each) for each in one.entries],
            totals=[DrawerTotals.of(each) for each in one.totals],
            receipts=one.receipts,
            first_receipt=one.first_receipt,
            last_receipt=one.last_receipt,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptLine:
    """A receipt of cash that was paid or given back."""

    number: str
    kind: str
    amount: Amount
    reference: str
    cashier: str
    issued_on: date
    issued_at: datetime

    @classmethod
    def of(cls, one: Receipt) -> ReceiptLine:
        """Show a receipt."""
        return cls(
            number=one.number,
            kind=one.kind.value,
            amount=Amount.of(one.amount),
            reference=one.reference,
            cashier=one.cashier,
            issued_on=one.issued_on,
            issued_at=one.issued_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidPart:
    """What a payment paid of an invoice."""

    invoice: str
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptDocument:
    """A receipt with what its money paid when it came; the rest is `credit`.

    Both are empty until the payment is settled. `prints` of more than 1: it is a copy.
    """

    receipt: ReceiptLine
    contract: str
    name: str
    shift: str
    paid: list[PaidPart]
    credit: Amount | None
    of_payment: str
    reason: str
    prints: int
    seller: Seller | None

    @classmethod
    def of(cls, one: ReceiptView) -> ReceiptDocument:
        """Show a receipt."""
        return cls(
            receipt=ReceiptLine.of(one.receipt),
            contract=one.contract,
            name=one.holder,
            shift=one.shift,
            paid=[PaidPart(invoice=n, amount=Amount.of(part)) for n, part in one.paid or ()],
            credit=Amount.of(one.credit) if one.credit else None,
            of_payment=one.of_payment,
            reason=one.reason,
            prints=one.prints,
            seller=Seller.of(one.seller),
        )
