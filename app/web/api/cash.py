"""/tills, /shifts, /receipts: the cash desk. Whoever asks is the cashier of what they open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from app.desk import cash
from app.web import refusals
from app.web.api.cash_view import (
    ReceiptDocument,
    ReceiptLine,
    ShiftCounted,
    ShiftDocument,
    ShiftReport,
    TillDocument,
)
from app.web.api.shapes import Code, OptionalText, Page, Paging, Text, page
from app.web.api.ways import change, look
from app.web.route import Body, Call
from billing.cash.model import CURRENCIES_MAX, EntryKind
from billing.reads import cash as reading
from runtime.store import Tx

# In the operator's currency unless said.
CashText = Annotated[str, StringConstraints(pattern=refusals.CASH)]
CashTexts = Annotated[list[CashText], Field(max_length=CURRENCIES_MAX)]
TillName = Annotated[str, StringConstraints(pattern=r"^([0-9A-Za-z][0-9A-Za-z_.-]{0,29})?$")]


class TillBody(Body):
    """A till: where it stands, and what one person may say is over or short of it.

    What is left out stays as it was; of a new till it is nothing.
    """

    name: Annotated[str, StringConstraints(pattern=refusals.NAME)]
    place: Annotated[OptionalText, Field(max_length=120)] | None = None
    tolerance: CashText | None = None
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


class ShiftsQuery(Paging):
    """Of which till."""

    till: TillName = ""


async def tills(call: Call) -> Sequence[TillDocument]:
    """List the tills."""
    async with call.house.store.read() as tx:
        return [TillDocument.of(one) for one in await reading.tills(tx)]


async def set_up(call: Call, tx: Tx) -> TillDocument:
    """Set a till up or change it; from the first one on cash is taken in open shifts alone."""
    body: TillBody = call.body
    done = await cash.set_up(
        call.house,
        tx,
        body.name,
        place=body.place,
        tolerance=body.tolerance,
        actor=call.actor,
        reason=body.reason,
    )
    return TillDocument.of(done.till)


async def retire(call: Call, tx: Tx) -> TillDocument:
    """Take a till out of use."""
    body: DeskReason = call.body
    name = call.part("id")
    return TillDocument.of(
        await cash.retire(call.house, tx, name, actor=call.actor, reason=body.reason)
    )


async def shifts(call: Call) -> Page[ShiftDocument]:
    """List shifts, the newest first."""
    query: ShiftsQuery = call.query
    behind = query.behind(datetime, str)
    async with call.house.store.read() as tx:
        found = await reading.shifts(tx, till_name=query.till, limit=query.limit + 1, behind=behind)
    return page(found, query.limit, ShiftDocument.of, lambda one: (one.opened_at, one.id))


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


async def receipts(call: Call) -> Page[ReceiptLine]:
    """List the receipts of a household, the newest first."""
    query: Paging = call.query
    behind = query.behind_name()
    async with call.house.store.read() as tx:
        found = await reading.receipts(
            tx, call.part("contract"), limit=query.limit + 1, behind=behind
        )
    return page(found, query.limit, ReceiptLine.of, lambda one: (one.number,))


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
    look("shifts", shifts, Page[ShiftDocument], query=ShiftsQuery),
    change("shifts", open_shift, ShiftDocument, body=ShiftBody, status=201, problems=[404]),
    change("shifts/move", move, ShiftDocument, body=MoveBody),
    look("shifts/{id}", report, ShiftReport),
    change("shifts/{id}/count", count, ShiftCounted, body=CountBody),
    change("shifts/{id}/approve", approve, ShiftCounted, body=DeskReason, problems=[403]),
    change("shifts/{id}/recount", recount, ShiftDocument, body=DeskReason),
    look("accounts/{contract}/receipts", receipts, Page[ReceiptLine], query=Paging),
    look("receipts/{number}", receipt, ReceiptDocument),
    change("receipts/{number}/print", print_receipt, ReceiptDocument),
)
