"""Lays the money of lines where it belongs: parts and movements, or the book of suspense.

Money that waits is in suspense from the day it was booked on; it leaves it when it is found whose
it is, and then comes in to the account as every other movement does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from sqlalchemy import bindparam, update

from billing.bank.matching import Owner
from billing.bank.model import BANK, WAITING, EntryState, Line, Why
from billing.bank.store import bank_entry, bank_part, charge_of
from billing.debits.model import Back, Report
from billing.debits.reasons import UNSAID
from billing.debits.store import debit
from billing.flows import movements
from billing.flows.debits import back as debits
from billing.flows.desk import Desk
from billing.flows.movements import Told
from billing.ledger import store as ledger
from billing.ledger.model import Book, Posting, PostingKind, entries
from billing.payments.model import DEBIT, OF_LINE, Moved, MovementKind
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.ids import AccountId
from terms.money import Money

Side = tuple[Book, str, Money]
NOON = time(12, tzinfo=UTC)  # the same day in every zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A line as it is stored; `account` is the bank's, of ours."""

    id: str
    account: str
    line: Line
    state: EntryState | None = None  # none: it has just come
    parts_before: int = 0  # that were taken from accounts again
    asides_before: int = 0  # how often it was set aside

    @property
    def times_before(self) -> int:
        """Count what was decided about it and taken back; it only rises."""
        return self.parts_before + self.asides_before


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """So much of a line for an account."""

    owner: Owner
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """The payment that a line takes back: its charge at a provider, and whose it was."""

    of: str  # the id of our entry, if it is one
    provider: str
    charge: str
    owner: Owner
    amount: Money | None = None  # of the line, if it takes back more than this
    is_told: bool = False  # the provider has said so itself
    fee: Money | None = None  # what the bank takes for it, in the same line


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """What becomes of a line. `provider` has the money of one that is outside, if one has."""

    entry: Stored
    state: EntryState
    why: Why
    parts: tuple[Part, ...] = ()
    returned: tuple[Returned, ...] = ()
    provider: str = ""


async def lay(desk: Desk, tx: Tx, laid: Sequence[Laid], now: datetime) -> None:
    """Write what becomes of lines, those that wait already among them."""
    await tx.insert(
        bank_part,
        [
            {
                "entry_id": one.entry.id,
                "n": n,
                "account_id": part.owner.id,
                "amount_minor": part.amount.amount_minor,
            }
            for one in laid
            for n, part in _numbered(one)
        ],
    )
    told = [each for one in laid for each in _told(one, now)]
    await movements.hear(desk, tx, told, [], now)
    await _take_debits_back(desk, tx, laid, now)
    await ledger.write(tx, [each for one in laid for each in _postings(one, now)])
    await _note(tx, laid)


async def _take_debits_back(desk: Desk, tx: Tx, laid: Sequence[Laid], now: datetime) -> None:
    back = {back.charge: one for one in laid for back in one.returned if back.provider == DEBIT}
    if not back:
        return
    told = (Back(mark=mark, code=one.entry.line.reason or UNSAID) for mark, one in back.items())
    await debits.hear(desk, tx, Report(back=tuple(told)), now)
    await tx.execute(
        update(debit)
        .where(debit.c.attempt_id == bindparam("mark"))
        .values(entry_id=bindparam("entry")),
        [{"mark": mark, "entry": one.entry.id} for mark, one in sorted(back.items())],
    )


def _told(one: Laid, now: datetime) -> list[Told]:
    at = min(datetime.combine(one.entry.line.booked_on, NOON), now)
    told = [
        _tell(
            back.owner,
            back.provider,
            Moved(
                charge=back.charge,
                ref=f"{OF_LINE}{one.entry.id}{f' {n}' if n else ''}",
                amount=back.amount or -one.entry.line.amount,
                account=back.owner.number,
                kind=MovementKind.DISPUTED,
            ),
            at,
        )
        for n, back in enumerate(one.returned)
        if not back.is_told and back.provider != DEBIT
    ]
    return told + [
        _tell(
            part.owner,
            BANK,
            Moved(
                charge=charge_of(one.entry.id, n),
                ref=charge_of(one.entry.id, n),
                amount=part.amount,
                account=part.owner.number,
                kind=MovementKind.CLEARED,
            ),
            at,
        )
        for n, part in _numbered(one)
    ]


def _numbered(one: Laid) -> list[tuple[int, Part]]:
    return list(enumerate(one.parts, one.entry.parts_before + 1))


def _tell(owner: Owner, provider: str, moved: Moved, at: datetime) -> Told:
    return Told(
        account=owner.id, number=owner.number, provider=provider, moved=moved, received_at=at
    )


def _postings(one: Laid, now: datetime) -> list[Posting]:
    """Post what no movement does: into suspense, out of it, and what is no customer's."""
    line, amount = one.entry.line, one.entry.line.amount
    suspense = Book.SUSPENSE, one.entry.account, amount
    bank = Book.CLEARING, BANK, amount
    was_there, is_there = one.entry.state in WAITING, one.state in WAITING
    other = _other_side(one)
    if was_there and is_there:
        sides = []
    elif is_there:
        sides = [bank, _negative(suspense)]
    elif was_there:
        sides = [suspense, *map(_negative, other or [bank])]
    else:
        # What goes to an account settling posts from the bank's side.
        sides = [bank, *map(_negative, other)] if other else []
    if not sides:
        return []
    return [
        Posting(
            id=f"{one.entry.id}.{'moved' if was_there else 'taken'}{_again(one)}",
            kind=PostingKind.BANK,
            account=AccountId(BANK),
            on=now.date() if was_there else min(line.booked_on, now.date()),
            at=now,
            entries=entries(*sides),
        )
    ]


def _again(one: Laid) -> str:
    return f".{one.entry.times_before}" if one.entry.times_before else ""


def outside_of(one: Stored, provider: str) -> Side:
    """Tell which book has the money of a line that is no customer's; a provider's, if it paid."""
    return Book.CLEARING if provider else Book.OUTSIDE, provider, one.line.amount


def _negative(side: Side) -> Side:
    book, party, amount = side
    return book, party, -amount


def _other_side(one: Laid) -> list[Side]:
    """Tell which books have the money in the end, where settling does not post it."""
    amount = one.entry.line.amount
    if one.state is EntryState.CHARGE:
        return [(Book.BANK_CHARGES, BANK, amount)]
    if one.state is EntryState.OUTSIDE:
        return [outside_of(one.entry, one.provider)]
    back = one.returned[0] if one.returned else None
    if back is None or back.provider == BANK:
        return []
    if back.fee is None:
        return [(Book.CLEARING, back.provider, amount)]
    rest = (Book.CLEARING, back.provider, amount + back.fee)
    return [rest, (Book.BANK_CHARGES, BANK, -back.fee)]


async def _note(tx: Tx, laid: Sequence[Laid]) -> None:
    groups: dict[tuple[EntryState, Why], list[str]] = {}
    for one in laid:
        groups.setdefault((one.state, one.why), []).append(one.entry.id)
    for (state, why), keys in groups.items():
        await tx.execute(
            update(bank_entry)
            .where(among(tx.engine, bank_entry.c.id))
            .values(state=state.value, why=why.value),
            {KEYS: packed(tx.engine, keys)},
        )
    for one in laid:
        if one.returned and one.returned[0].of:
            await tx.execute(
                update(bank_entry)
                .where(bank_entry.c.id == one.entry.id)
                .values(of_id=one.returned[0].of)
            )
