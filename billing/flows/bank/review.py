"""What waits for a person, with whose it may be and why, as it stands now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from billing.bank.matching import CANDIDATES_MAX, decide
from billing.bank.model import ON_ACCOUNTS, WAITING, EntryState, LineKind, Why
from billing.bank.store import bank_entry, line_from
from billing.flows.bank.known import load, words_of
from runtime.store import Tx
from terms.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Maybe:
    """An account that a line may be for; or, of a return, the line that it may take back."""

    number: str
    why: Why
    of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingLine:
    """A line that waits, and its candidates."""

    id: str
    state: EntryState
    why: Why
    kind: LineKind
    account: str
    statement: str
    place: str
    booked_on: date
    amount: Money
    name: str
    iban: str
    text: str
    ref: str
    end_to_end: str
    candidates: tuple[Maybe, ...]


async def review(tx: Tx, *, after: str = "", limit: int = 50) -> list[WaitingLine]:
    """List the lines that wait, the oldest taken first."""
    c = bank_entry.c
    query = select(bank_entry).where(c.state.in_(sorted(WAITING)), c.id > after)
    rows = await tx.rows(query.order_by(c.id).limit(limit))
    known = await load(tx, [line_from(row) for row in rows])
    found = []
    for row in rows:
        line = line_from(row)
        verdict = decide(line, words_of(line.name), known)
        maybe = tuple(Maybe(number=one.owner.number, why=one.why) for one in verdict.candidates)
        if verdict.owner is not None:
            maybe = (Maybe(number=verdict.owner.number, why=verdict.why),)
        if line.kind is LineKind.RETURN and line.amount.amount_minor < 0:
            maybe = await _taken_back(tx, row.account, line.amount)
        found.append(
            WaitingLine(
                id=row.id,
                state=EntryState(row.state),
                why=Why(row.why),
                kind=line.kind,
                account=row.account,
                statement=row.statement,
                place=row.place,
                booked_on=line.booked_on,
                amount=line.amount,
                name=line.name,
                iban=line.iban,
                text=line.text or line.structured,
                ref=line.ref,
                end_to_end=line.end_to_end,
                candidates=maybe,
            )
        )
    return found


async def _taken_back(tx: Tx, account: str, amount: Money) -> tuple[Maybe, ...]:
    """Name the newest payments of this very amount."""
    c = bank_entry.c
    query = (
        select(c.id, c.name, c.text)
        .where(
            c.account == account,
            c.state.in_(sorted(ON_ACCOUNTS)),
            c.amount_minor == -amount.amount_minor,
            c.currency == amount.currency,
        )
        .order_by(c.id.desc())
        .limit(CANDIDATES_MAX)
    )
    rows = await tx.rows(query)
    return tuple(Maybe(number=row.name or row.text, why=Why.AMOUNT, of=row.id) for row in rows)
