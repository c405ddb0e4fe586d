"""The life of a subscription over the API: it changes, rests, goes on, ends; and what that costs.

Each deed has a preview: the same question, answered with the documents that would follow, and
nothing is done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated

from pydantic import Field

from app.desk import contracts, foreseeing, rests
from app.web.api.account_view import AccountDocument
from app.web.api.accounts import CODES_MAX, shown
from app.web.api.paper_view import TaxSum
from app.web.api.shapes import Amount, Code, Day, OptionalText
from app.web.api.ways import ask, change
from app.web.route import Body, Call
from billing.catalog.terms import When
from billing.flows.change import Change
from billing.flows.settle import Foreseen
from billing.invoicing.credit import CreditLine, CreditNote
from billing.invoicing.model import Invoice
from billing.rating.model import Line
from billing.subscriptions.model import QUANTITY_MAX
from runtime.store import Tx
from terms.money import Money

Deed = Callable[[Call, Tx], Awaitable[object]]
_WHEN = "^(now|period_end)$"


class ChangeBody(Body):
    """A new plan, more or fewer add-ons, how many; when, unless by the terms."""

    plan: Code | None = None
    add: Annotated[list[Code], Field(max_length=CODES_MAX)] = Field(default_factory=list)
    remove: Annotated[list[Code], Field(max_length=CODES_MAX)] = Field(default_factory=list)
    quantity: Annotated[int, Field(ge=1, le=QUANTITY_MAX)] | None = None
    when: Annotated[str, Field(pattern=_WHEN)] | None = None
    reason: OptionalText = ""


class CancelBody(Body):
    """When it ends; without a word as the terms of the offering say."""

    when: Annotated[str, Field(pattern=_WHEN)] | None = None
    reason: OptionalText = ""


class PauseBody(Body):
    """From which day on it rests, today unless said, and on which it goes on, if not by hand."""

    begins: Day | None = None
    ends: Day | None = None
    reason: OptionalText = ""


class ResumeBody(Body):
    """On which day it goes on, today unless said."""

    on: Day | None = None
    reason: OptionalText = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewDiscount:
    """What a promotion would take off a line."""

    name: str
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewLine:
    """A line of a document that would follow; of a credit note `amount` is given back."""

    label: str
    period_start: date
    period_end: date
    amount: Amount
    discounts: list[PreviewDiscount] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewDocument:
    """An invoice or a credit note that would follow, without a number."""

    net: Amount
    tax: Amount
    total: Amount
    taxes: list[TaxSum]
    lines: list[PreviewLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would be charged and given back at once; `balance` is the difference, to be paid."""

    invoice: PreviewDocument | None
    credit_note: PreviewDocument | None
    balance: Amount


async def alter(call: Call, tx: Tx) -> AccountDocument:
    """Change plan, add-ons and how many."""
    await _alter(call, tx)
    return await shown(tx, call.part("contract"))


async def cancel(call: Call, tx: Tx) -> AccountDocument:
    """End a contract."""
    await _cancel(call, tx)
    return await shown(tx, call.part("contract"))


async def pause(call: Call, tx: Tx) -> AccountDocument:
    """Let a service rest."""
    await _pause(call, tx)
    return await shown(tx, call.part("contract"))


async def resume(call: Call, tx: Tx) -> AccountDocument:
    """Let a rest end."""
    await _resume(call, tx)
    return await shown(tx, call.part("contract"))


async def _alter(call: Call, tx: Tx) -> None:
    body: ChangeBody = call.body
    wish = Change(
        plan=body.plan,
        add=tuple(body.add),
        remove=tuple(body.remove),
        when=When(body.when) if body.when else None,
        quantity=body.quantity,
    )
    await contracts.change(
        call.house, tx, call.part("contract"), wish, call.actor, reason=body.reason
    )


async def _cancel(call: Call, tx: Tx) -> None:
    body: CancelBody = call.body
    when = When(body.when) if body.when else None
    await contracts.cancel(
        call.house, tx, call.part("contract"), when, call.actor, reason=body.reason
    )


async def _pause(call: Call, tx: Tx) -> None:
    body: PauseBody = call.body
    await rests.pause(
        call.house,
        tx,
        call.part("contract"),
        call.actor,
        begins=body.begins,
        ends=body.ends,
        reason=body.reason,
    )


async def _resume(call: Call, tx: Tx) -> None:
    body: ResumeBody = call.body
    await rests.resume(
        call.house, tx, call.part("contract"), call.actor, on=body.on, reason=body.reason
    )


async def preview_change(call: Call) -> Preview:
    """Tell what a change would cost, and do nothing."""
    return await _foreseen(call, _alter)


async def preview_cancel(call: Call) -> Preview:
    """Tell what an end would give back, and do nothing."""
    return await _foreseen(call, _cancel)


async def preview_pause(call: Call) -> Preview:
    """Tell what a rest would give back, and do nothing."""
    return await _foreseen(call, _pause)


async def preview_resume(call: Call) -> Preview:
    """Tell what going on would cost, and do nothing."""
    return await _foreseen(call, _resume)


async def _foreseen(call: Call, deed: Deed) -> Preview:
    contract = call.part("contract")
    return told(await foreseeing.after(call.house, contract, lambda tx: deed(call, tx)))


def told(found: Foreseen) -> Preview:
    """Show what would follow."""
    invoice, note = found.invoice, found.note
    zero = Money(0, found.currency)
    charged = invoice.total if invoice else zero
    back = note.total if note else zero
    return Preview(
        invoice=_document(invoice, map(_charged, invoice.lines)) if invoice else None,
        credit_note=_document(note, map(_given_back, note.lines)) if note else None,
        balance=Amount.of(charged - back),
    )


def _document(one: Invoice | CreditNote, lines: Iterable[PreviewLine]) -> PreviewDocument:
    return PreviewDocument(
        net=Amount.of(one.net),
        tax=Amount.of(one.tax),
        total=Amount.of(one.total),
        taxes=[TaxSum.of(group) for group in one.groups],
        lines=list(lines),
    )


def _charged(line: Line) -> PreviewLine:
    return PreviewLine(
        label=line.label,
        period_start=line.charge.period.start,
        period_end=line.charge.period.end,
        amount=Amount.of(line.charge.amount),
        discounts=[
            PreviewDiscount(
                name=off.name,
                amount=Amount.of(Money(off.amount_minor, line.charge.amount.currency)),
            )
            for off in line.offs
        ],
    )


def _given_back(line: CreditLine) -> PreviewLine:
    return PreviewLine(
        label=line.label,
        period_start=line.period.start,
        period_end=line.period.end,
        amount=Amount.of(line.amount),
    )


ROUTES = (
    change("accounts/{contract}/change", alter, AccountDocument, body=ChangeBody),
    change("accounts/{contract}/cancel", cancel, AccountDocument, body=CancelBody),
    change("accounts/{contract}/pause", pause, AccountDocument, body=PauseBody),
    change("accounts/{contract}/resume", resume, AccountDocument, body=ResumeBody),
    ask("accounts/{contract}/change/preview", preview_change, Preview, body=ChangeBody),
    ask("accounts/{contract}/cancel/preview", preview_cancel, Preview, body=CancelBody),
    ask("accounts/{contract}/pause/preview", preview_pause, Preview, body=PauseBody),
    ask("accounts/{contract}/resume/preview", preview_resume, Preview, body=ResumeBody),
)
