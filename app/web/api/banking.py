"""/bank: statements of banks, what of them waits, and what people decide about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from app.desk import banking
from app.desk.banking import Outcome
from app.web.api.shapes import (
    Amount,
    AmountText,
    Code,
    Contract,
    OptionalText,
    Page,
    Paging,
    VendorRef,
    page,
)
from app.web.api.ways import NOT_FOUND, change, look
from app.web.route import Body, Call
from billing.flows.bank.decide import PARTS_MAX, Share
from billing.flows.bank.lay import Stored
from billing.flows.bank.review import WaitingLine, review
from billing.reads import bank
from billing.reads.bank import AsideLine, StatementView
from runtime.store import Tx
from terms.errors import Invalid

# A statement of some thousand lines; larger ones are taken by the command line.
BODY_BYTES_MAX = 8 * 1024 * 1024
PIECE_CHARS_MAX, PIECES_MAX = 60_000, 100
Piece = Annotated[str, Field(max_length=PIECE_CHARS_MAX)]


class StatementBody(Body):
    """A file of a bank, CAMT.053 or MT940 in UTF-8: its text, cut into pieces wherever it suits."""

    pieces: Annotated[list[Piece], Field(min_length=1, max_length=PIECES_MAX)]


class ShareBody(Body):
    """An account's part of a line; all of it where no amount is said."""

    contract: Contract
    amount: AmountText | None = None


class AssignBody(Body):
    """Which line, and whose it is."""

    line: VendorRef
    to: Annotated[list[ShareBody], Field(min_length=1, max_length=PARTS_MAX)]
    reason: OptionalText = ""


class ReturnBody(Body):
    """Which line, and the line of the payment that it takes back; or a direct debit's mark."""

    line: VendorRef
    of: VendorRef
    reason: OptionalText = ""


class LineBody(Body):
    """Which line, and why."""

    line: VendorRef
    reason: OptionalText = ""


class AsideBody(Body):
    """Which line is no customer's, and the payment provider that paid out by it, if one did."""

    line: VendorRef
    provider: Code | None = None
    reason: OptionalText = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementTaken:
    """What became of a file: its statements, and how many of their lines came to which state."""

    statements: list[str]
    known: int
    states: dict[str, int]

    @classmethod
    def of(cls, one: Outcome) -> StatementTaken:
        """Show an outcome."""
        return cls(statements=one.statements, known=one.known, states=one.states)


@dataclass(frozen=True, slots=True, kw_only=True)
class BankStatement:
    """A statement that was taken; `gap` is missing between it and the one before."""

    account: str
    id: str
    sequence: int | None
    opened_on: date
    closed_on: date
    opening: Amount
    closing: Amount
    lines: int
    taken_at: datetime
    gap: Amount | None

    @classmethod
    def of(cls, one: StatementView) -> BankStatement:
        """Show a statement."""
        return cls(
            account=one.account,
            id=one.id,
            sequence=one.sequence,
            opened_on=one.opened_on,
            closed_on=one.closed_on,
            opening=Amount.of(one.opening),
            closing=Amount.of(one.closing),
            lines=one.lines,
            taken_at=one.taken_at,
            gap=Amount.of(one.gap) if one.gap else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BankCandidate:
    """Whose a line may be, and why; `of` names the line that a return may take back."""

    account: str
    why: str
    of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingBankLine:
    """A line that waits for a person."""

    id: str
    state: str
    why: str
    kind: str
    bank_account: str
    statement: str
    place: str
    booked_on: date
    amount: Amount
    name: str
    iban: str
    text: str
    candidates: list[BankCandidate]

    @classmethod
    def of(cls, one: WaitingLine) -> WaitingBankLine:
        """Show a line."""
        return cls(
            id=one.id,
            state=one.state.value,
            why=one.why.value,
            kind=one.kind.value,
            bank_account=one.account,
            statement=one.statement,
            place=one.place,
            booked_on=one.booked_on,
            amount=Amount.of(one.amount),
            name=one.name,
            iban=one.iban,
            text=one.text,
            candidates=[
                BankCandidate(account=maybe.number, why=maybe.why.value, of=maybe.of)
                for maybe in one.candidates
            ],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BankLineDecided:
    """The line that was decided about."""

    id: str
    booked_on: date
    amount: Amount

    @classmethod
    def of(cls, one: Stored) -> BankLineDecided:
        """Show a line."""
        line = one.line
        return cls(id=one.id, booked_on=line.booked_on, amount=Amount.of(line.amount))


@dataclass(frozen=True, slots=True, kw_only=True)
class AsideBankLine:
    """A line that was set aside, and why; `provider` is which paid out by it, if one did."""

    id: str
    booked_on: date
    amount: Amount
    name: str
    provider: str
    reason: str
    at: datetime

    @classmethod
    def of(cls, one: AsideLine) -> AsideBankLine:
        """Show a line."""
        return cls(
            id=one.id,
            booked_on=one.booked_on,
            amount=Amount.of(one.amount),
            name=one.name,
            provider=one.provider,
            reason=one.reason,
            at=one.at,
        )


@contextmanager
def in_pieces() -> Iterator[None]:
    """Name the field that a file came in, where something is wrong with it."""
    try:
        yield
    except Invalid as error:
        if error.field != "file":
            raise
        raise Invalid("pieces", error.reason) from None


async def take(call: Call, tx: Tx) -> StatementTaken:
    """Take a statement of a bank: each line once, in whatever file it comes."""
    body: StatementBody = call.body
    data = "".join(body.pieces).encode()
    with in_pieces():
        return StatementTaken.of(await banking.take(call.house, tx, data, call.actor))


async def statements(call: Call) -> Page[BankStatement]:
    """List the statements that were taken, the newest first, and the gaps between them."""
    query: Paging = call.query
    async with call.house.store.read() as tx:
        behind = query.behind(date, date, str, str)
        found = await bank.statements(tx, limit=query.limit + 1, behind=behind)
    return page(found, query.limit, BankStatement.of, lambda one: one.place)


async def waiting(call: Call) -> Page[WaitingBankLine]:
    """List the lines that wait for a person: why, and whose they may be."""
    query: Paging = call.query
    after = query.behind_name()
    async with call.house.store.read() as tx:
        found = await review(tx, after=after, limit=query.limit + 1)
    return page(found, query.limit, WaitingBankLine.of, lambda one: (one.id,))


async def assign(call: Call, tx: Tx) -> BankLineDecided:
    """Give a line to an account, or in parts to several."""
    body: AssignBody = call.body
    shares = [Share(contract=one.contract, amount=one.amount) for one in body.to]
    done = await banking.assign(call.house, tx, body.line, shares, call.actor, reason=body.reason)
    return BankLineDecided.of(done)


async def take_back(call: Call, tx: Tx) -> BankLineDecided:
    """Say which payment a line takes back."""
    body: ReturnBody = call.body
    done = await banking.take_back(
        call.house, tx, body.line, body.of, call.actor, reason=body.reason
    )
    return BankLineDecided.of(done)


async def undo(call: Call, tx: Tx) -> BankLineDecided:
    """Take a line back that went to accounts, or was set aside, by mistake: it waits again."""
    body: LineBody = call.body
    done = await banking.undo(call.house, tx, body.line, call.actor, reason=body.reason)
    return BankLineDecided.of(done)


async def suspend(call: Call, tx: Tx) -> BankLineDecided:
    """Send a line from the review list to suspense."""
    body: LineBody = call.body
    done = await banking.suspend(call.house, tx, body.line, call.actor, reason=body.reason)
    return BankLineDecided.of(done)


async def set_aside(call: Call, tx: Tx) -> BankLineDecided:
    """Say that a line is no customer's, and why: a reason is needed unless a provider paid out."""
    body: AsideBody = call.body
    done = await banking.set_aside(
        call.house, tx, body.line, call.actor, provider=body.provider or "", reason=body.reason
    )
    return BankLineDecided.of(done)


async def outside(call: Call) -> Page[AsideBankLine]:
    """List the lines that people have set aside, the last first, and why."""
    query: Paging = call.query
    async with call.house.store.read() as tx:
        behind = query.behind(datetime, str)
        found = await bank.asides(tx, limit=query.limit + 1, behind=behind)
    return page(found, query.limit, AsideBankLine.of, lambda one: one.place)


_FOUND = (NOT_FOUND,)
ROUTES = (
    replace(
        change("bank/statements", take, StatementTaken, body=StatementBody),
        body_bytes_max=BODY_BYTES_MAX,
    ),
    look("bank/statements", statements, Page[BankStatement], query=Paging),
    look("bank/waiting", waiting, Page[WaitingBankLine], query=Paging),
    look("bank/outside", outside, Page[AsideBankLine], query=Paging),
    change("bank/assign", assign, BankLineDecided, body=AssignBody, problems=_FOUND),
    change("bank/return", take_back, BankLineDecided, body=ReturnBody, problems=_FOUND),
    change("bank/undo", undo, BankLineDecided, body=LineBody, problems=_FOUND),
    change("bank/suspend", suspend, BankLineDecided, body=LineBody, problems=_FOUND),
    change("bank/aside", set_aside, BankLineDecided, body=AsideBody, problems=_FOUND),
)
