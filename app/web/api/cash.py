"""/tills, /shifts, /receipts: the cash desk. Whoever asks is the cashier of what they open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from app.desk import cash
from app.web.api.shapes import Amount, Code, OptionalText, Text
from app.web.api.ways import change, look
from app.web.route import Body, Call, Query
from billing.cash.model import CURRENCIES_MAX, Counted, EntryKind, Receipt, Shift, Till
from billing.flows.shifts import Counting
from billing.reads import cash as reading
from billing.reads.cash import EntryView, ReceiptView, Report, Totals
from runtime.store import Tx

# In the operator's currency unless said.
CashText = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}(\.[0-9]{1,4})?( [A-Z]{3})?$")]
CashTexts = Annotated[list[CashText], Field(max_length=CURRENCIES_MAX)]
TillName = Annotated[str, StringConstraints(pattern=r"^([0-9A-Za-z][0-9A-Za-z_.-]{0,29})?$")]


class TillBody(Body):
    """A till: where it stands, and what one person may say is over or short of it."""

    name: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z_.-]{0,29}$")]
    place: Annotated[OptionalText, Field(max_length=120)] = ""
    tolerance: CashText = "0"
    reason: OptionalText = ""


class ShiftBody(Body):
    """At which till, and what is in its drawer, each currency once."""

    till: Code
    float: CashTexts = Field(default_factory=list)
    reason: OptionalText = ""


class MoveBody(Body):
    """Money from the safe (paid_in) or to it (paid_out), and why."""

    kind: Literal["paid_in", "paid_out"]
    amount: CashText
    reason: Text


class CountBody(Body):
    """What is in the drawer, each currency once."""

    counts: CashTexts
    reason: OptionalText = ""


class DeskReason(Body):
    """Why, for the audit."""

    reason: OptionalText = ""


class ShiftsQuery(Query):
    """Of which till."""

    till: TillName = ""


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
class CountedDocument:
    """One currency of a drawer: what is counted besides is over, what is missing is short."""

    expected: Amount
    counted: Amount
    difference: Amount

    @classmethod
    def of(cls, one: Counted) -> CountedDocument:
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
    counted: list[CountedDocument]

    @classmethod
    def of(cls, done: Counting) -> ShiftCounted:
        """Show how a count has ended."""
        return cls(
            shift=ShiftDocument.of(done.shift),
            counted=[CountedDocument.of(one) for one in done.counted],
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
        )


async def tills(call: Call) -> Sequence[TillDocument]:
    """List the tills."""
    async with call.house.store.read() as tx:
        return [TillDocument.of(one) for one in await reading.tills(tx)]


async def set_up(call: Call, tx: Tx) -> TillDocument:
    """Set a till up or change it; from the first one on cash is taken in open shifts alone."""
    body: TillBody = call.body
    made = await cash.set_up(
        call.house,
        tx,
        body.name,
        place=body.place,
        tolerance=body.tolerance,
        actor=call.actor,
        reason=body.reason,
    )
    return TillDocument.of(made)


async def retire(call: Call, tx: Tx) -> TillDocument:
    """Take a till out of use."""
    body: DeskReason = call.body
    name = call.part("id")
    return TillDocument.of(
        await cash.retire(call.house, tx, name, actor=call.actor, reason=body.reason)
    )


async def shifts(call: Call) -> Sequence[ShiftDocument]:
    """List shifts, the newest first; at most 100."""
    query: ShiftsQuery = call.query
    async with call.house.store.read() as tx:
        found = await reading.shifts(tx, till_name=query.till)
    return [ShiftDocument.of(one) for one in found]


async def open_shift(call: Call, tx: Tx) -> ShiftDocument:
    """Open a shift of whoever asks; all cash they take until it is counted belongs to it."""
    body: ShiftBody = call.body
    one = await cash.open_shift(
        call.house, tx, body.till, body.float, actor=call.actor, reason=body.reason
    )
    return ShiftDocument.of(one)


async def move(call: Call, tx: Tx) -> ShiftDocument:
    """Bring money from the safe into the drawer of one's shift, or to the safe."""
    body: MoveBody = call.body
    kind = EntryKind(body.kind)
    return ShiftDocument.of(
        await cash.move(call.house, tx, kind, body.amount, actor=call.actor, reason=body.reason)
    )


async def count(call: Call, tx: Tx) -> ShiftCounted:
    """Count the drawer, which closes the shift; where too much differs it waits for a second."""
    body: CountBody = call.body
    name = call.part("id")
    return ShiftCounted.of(
        await cash.count(call.house, tx, name, body.counts, actor=call.actor, reason=body.reason)
    )


async def approve(call: Call, tx: Tx) -> ShiftCounted:
    """Close a shift that differs, as a second person: not who sat there, not who counted."""
    body: DeskReason = call.body
    name = call.part("id")
    return ShiftCounted.of(
        await cash.approve(call.house, tx, name, actor=call.actor, reason=body.reason)
    )


async def recount(call: Call, tx: Tx) -> ShiftDocument:
    """Open a shift again that waits for a second person, so that it is counted once more."""
    body: DeskReason = call.body
    name = call.part("id")
    return ShiftDocument.of(
        await cash.recount(call.house, tx, name, actor=call.actor, reason=body.reason)
    )


async def report(call: Call) -> ShiftReport:
    """Show the Z report of a shift; of one that is open, how it stands."""
    async with call.house.store.read() as tx:
        return ShiftReport.of(await reading.report(tx, call.part("id")))


async def receipts(call: Call) -> Sequence[ReceiptLine]:
    """List the receipts of a household, the newest first; at most 200."""
    async with call.house.store.read() as tx:
        return [ReceiptLine.of(one) for one in await reading.receipts(tx, call.part("contract"))]


async def receipt(call: Call) -> ReceiptDocument:
    """Show a receipt."""
    async with call.house.store.read() as tx:
        return ReceiptDocument.of(await reading.find_receipt(tx, call.part("number")))


async def print_receipt(call: Call, tx: Tx) -> ReceiptDocument:
    """Print a receipt: the first time is the original, each other one a copy."""
    return ReceiptDocument.of(
        await cash.print_receipt(call.house, tx, call.part("number"), actor=call.actor)
    )


ROUTES = (
    look("tills", tills, list[TillDocument]),
    change("tills", set_up, TillDocument, body=TillBody),
    change("tills/{id}/retire", retire, TillDocument, body=DeskReason),
    look("shifts", shifts, list[ShiftDocument], query=ShiftsQuery),
    change("shifts", open_shift, ShiftDocument, body=ShiftBody, status=201, problems=[404]),
    change("shifts/move", move, ShiftDocument, body=MoveBody),
    look("shifts/{id}", report, ShiftReport),
    change("shifts/{id}/count", count, ShiftCounted, body=CountBody),
    change("shifts/{id}/approve", approve, ShiftCounted, body=DeskReason, problems=[403]),
    change("shifts/{id}/recount", recount, ShiftDocument, body=DeskReason),
    look("accounts/{contract}/receipts", receipts, list[ReceiptLine]),
    look("receipts/{number}", receipt, ReceiptDocument),
    change("receipts/{number}/print", print_receipt, ReceiptDocument),
)
