"""Statements are taken: each line once, in whatever file it comes, and laid where it belongs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select

from billing.bank.matching import decide
from billing.bank.model import (
    NAME_CHARS_MAX,
    TEXT_CHARS_MAX,
    WAITING,
    EntryState,
    Line,
    LineKind,
    Statement,
    Why,
    content,
    keys,
)
from billing.bank.store import bank_entry, bank_statement, line_from, was_undone
from billing.flows.bank import returns
from billing.flows.bank.known import load, words_of
from billing.flows.bank.lay import Laid, Part, Stored, lay
from billing.flows.desk import Desk
from billing.payments.model import DEBIT
from runtime.chance import new_ids
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.cards import without_cards
from terms.errors import Duplicate

BATCH_MAX = 2_000
# Returns that wait are looked at again with every batch, so many of them.
RETURNS_MAX = 2_000
_WAITING = sorted(WAITING)


@dataclass(slots=True, kw_only=True)
class Taken:
    """What became of lines, by state; `known` were taken before."""

    known: int = 0
    states: dict[str, int] = field(default_factory=dict)

    def count(self, laid: Iterable[Laid]) -> None:
        """Count what was laid."""
        for one in laid:
            self.states[one.state.value] = self.states.get(one.state.value, 0) + 1


async def is_taken(tx: Tx, one: Statement) -> bool:
    """Tell whether a statement was taken whole. Raises Duplicate where it says something else."""
    c = bank_statement.c
    query = select(c.content).where(c.account == one.account, c.id == one.id)
    found = await tx.scalar(query)
    if found is not None and found != content(one):
        raise Duplicate(f"statement {one.id} of {one.account} was taken with other content")
    return found is not None


def batches(one: Statement) -> list[list[tuple[str, Line]]]:
    """Cut the lines of a statement, each with its key, into batches."""
    keyed = list(zip(keys(one), one.lines, strict=True))
    return [keyed[n : n + BATCH_MAX] for n in range(0, len(keyed), BATCH_MAX)]


async def take_lines(
    desk: Desk,
    tx: Tx,
    statement: Statement,
    keyed: Sequence[tuple[str, Line]],
    now: datetime,
    *,
    taken: Taken,
) -> None:
    """Take a batch of lines, those that are new; what they pay is settled next."""
    fresh = await _keep(desk, tx, statement, keyed, now)
    taken.known += len(keyed) - len(fresh)
    money = [one for one in fresh if not _takes_back(one.line)]
    laid = await _judged(tx, money)
    await lay(desk, tx, laid, now)
    back = [one for one in fresh if _takes_back(one.line)]
    laid += await take_back(desk, tx, back, now)
    taken.count(laid)


async def close(tx: Tx, one: Statement, now: datetime) -> None:
    """Note that a statement was taken whole; raises as `is_taken` does."""
    if await is_taken(tx, one):
        return
    row = {
        "account": one.account,
        "id": one.id,
        "sequence": one.sequence,
        "currency": one.opening.currency,
        "opening_minor": one.opening.amount_minor,
        "closing_minor": one.closing.amount_minor,
        "opened_on": one.opened_on,
        "closed_on": one.closed_on,
        "lines": len(one.lines),
        "content": content(one),
        "taken_at": now,
    }
    await tx.insert_new(bank_statement, [row], key=("account", "id"))


async def look_again(
    desk: Desk, tx: Tx, now: datetime, *, iban: str = "", after: str = "", limit: int = BATCH_MAX
) -> tuple[int, str]:
    """Look again at lines that wait, from one IBAN or all, behind one of them.

    Returns how many wait no longer, and where to go on; nothing where all were looked at.
    """
    c = bank_entry.c
    # What a person has taken back, a person decides about.
    waits = c.state.in_(_WAITING), ~was_undone()
    query = select(bank_entry).where(*waits, c.id > after).order_by(c.id)
    # What a person decides about now is theirs.
    query = query.limit(limit).with_for_update(skip_locked=True)
    if iban:
        query = query.where(c.iban == iban)
    waiting = [_stored(row) for row in await tx.rows(query)]
    money = [one for one in waiting if not _takes_back(one.line)]
    judged = await _judged(tx, money)
    gone = [one for one in judged if one.state not in WAITING]
    await lay(desk, tx, gone, now)
    back = await take_back(desk, tx, [], now)
    return len(gone) + len(back), waiting[-1].id if len(waiting) == limit else ""


def _takes_back(line: Line) -> bool:
    return line.kind is LineKind.RETURN and line.amount.amount_minor < 0


async def take_back(desk: Desk, tx: Tx, fresh: Sequence[Stored], now: datetime) -> list[Laid]:
    """Take payments back, for lines that have come now and for those that waited for it."""
    c = bank_entry.c
    waits = c.state.in_(_WAITING), ~was_undone()
    query = select(bank_entry).where(*waits, c.kind == LineKind.RETURN.value, c.amount_minor < 0)
    new = {one.id for one in fresh}
    query = query.order_by(c.booked_on, c.line_key).limit(RETURNS_MAX + len(new))
    rows = await tx.rows(query.with_for_update(skip_locked=True))
    waiting = [one for row in rows if (one := _stored(row)).id not in new]
    both = sorted([*fresh, *waiting], key=lambda one: (one.line.booked_on, one.id))
    found = await returns.find(desk, tx, both)
    laid = [
        Laid(entry=one, state=EntryState.RETURNED, why=Why.RETURN, returned=(found[one.id],))
        for one in both
        if one.id in found
    ]
    unknown = [
        Laid(entry=one, state=EntryState.REVIEW, why=Why.NO_PAYMENT)
        for one in fresh
        if one.id not in found
    ]
    await lay(desk, tx, [*laid, *unknown], now)
    return [*laid, *unknown]


async def _judged(tx: Tx, entries: Sequence[Stored]) -> list[Laid]:
    known = await load(tx, [one.line for one in entries])
    laid = []
    for one in entries:
        verdict = decide(one.line, words_of(one.line.name), known)
        parts: tuple[Part, ...] = ()
        if verdict.state is EntryState.MATCHED and verdict.owner is not None:
            parts = (Part(owner=verdict.owner, amount=one.line.amount),)
        provider = DEBIT if verdict.why is Why.DEBITS else ""
        laid.append(
            Laid(entry=one, state=verdict.state, why=verdict.why, parts=parts, provider=provider)
        )
    return laid


async def _keep(
    desk: Desk,
    tx: Tx,
    statement: Statement,
    keyed: Sequence[tuple[str, Line]],
    now: datetime,
) -> list[Stored]:
    """Store the lines that are new, and return them. What another process stores is its own."""
    c = bank_entry.c
    sought = {KEYS: packed(tx.engine, [key for key, _ in keyed])}
    query = select(c.line_key).where(among(tx.engine, c.line_key))
    there = {row.line_key for row in await tx.rows(query, sought)}
    new = [(key, line) for key, line in keyed if key not in there]
    ids = new_ids(now, desk.chance, len(new))
    rows = [_row(statement, key, line, own, now) for (key, line), own in zip(new, ids, strict=True)]
    if not rows:
        return []
    count = await tx.insert_new(bank_entry, rows, key=("line_key",))
    mine = set(ids)
    if count != len(rows):
        given = {KEYS: packed(tx.engine, ids)}
        mine = {row.id for row in await tx.rows(select(c.id).where(among(tx.engine, c.id)), given)}
    return [
        Stored(id=own, account=statement.account, line=line)
        for (_, line), own in zip(new, ids, strict=True)
        if own in mine
    ]


def _row(statement: Statement, key: str, line: Line, own: str, now: datetime) -> dict[str, Any]:
    return {
        "id": own,
        "line_key": key,
        "account": statement.account,
        "statement": statement.id,
        "place": line.place,
        "kind": line.kind.value,
        "booked_on": line.booked_on,
        "value_on": line.value_on,
        "amount_minor": line.amount.amount_minor,
        "currency": line.amount.currency,
        "ref": line.ref[:NAME_CHARS_MAX],
        "end_to_end": line.end_to_end[:NAME_CHARS_MAX],
        "structured": without_cards(line.structured)[:NAME_CHARS_MAX],
        "text": without_cards(line.text)[:TEXT_CHARS_MAX],
        "name": without_cards(line.name)[:NAME_CHARS_MAX],
        "iban": line.iban[:NAME_CHARS_MAX],
        "reason": line.reason,
        # Until it is laid, in this very transaction.
        "state": EntryState.SUSPENSE.value,
        "why": Why.UNKNOWN.value,
        "of_id": None,
        "taken_at": now,
    }


def _stored(row: Any) -> Stored:
    return Stored(id=row.id, account=row.account, line=line_from(row), state=EntryState(row.state))
