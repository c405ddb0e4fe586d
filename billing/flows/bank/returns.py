"""What a line takes back: the payment that carries the same references and the same amount."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select

from billing.accounts.store import account
from billing.bank.matching import Owner
from billing.bank.model import BANK, ON_ACCOUNTS
from billing.bank.store import bank_entry, bank_part, charge_of, stands
from billing.flows.bank.lay import Returned, Stored
from billing.flows.debits import back as debits
from billing.flows.desk import Desk
from billing.payments.model import DEBIT, MovementKind, taken_back
from billing.payments.store import movement, movement_from
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.errors import Invalid
from terms.ids import AccountId
from terms.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class _Paid:
    id: str
    account: str
    refs: frozenset[tuple[str, str]]
    amount_minor: int
    currency: str
    owner: Owner
    n: int


async def find(desk: Desk, tx: Tx, lines: Sequence[Stored]) -> dict[str, Returned]:
    """Find what lines take back, by the ids of these; the unsure ones are left out.

    Where several payments of one account fit, it is the oldest; of several accounts it is none.
    """
    found: dict[str, Returned] = {}
    if not lines:
        return found
    paid = await _paid(tx, lines)
    gone: set[str] = set()
    for one in lines:
        fit = [each for each in paid if each.id not in gone and _fits(one, each)]
        if fit and len({each.owner.id for each in fit}) == 1:
            gone.add(fit[0].id)
            found[one.id] = Returned(
                of=fit[0].id,
                provider=BANK,
                charge=charge_of(fit[0].id, fit[0].n),
                owner=fit[0].owner,
            )
    rest = [one for one in lines if one.id not in found and one.line.end_to_end]
    found |= await _of_debits(tx, rest)
    return found | await _of_others(desk, tx, [one for one in rest if one.id not in found])


def _fits(back: Stored, paid: _Paid) -> bool:
    amount = -back.line.amount
    same = (back.account, amount.amount_minor, amount.currency)
    if same != (paid.account, paid.amount_minor, paid.currency):
        return False
    return bool(paid.refs & _refs(back.line.ref, back.line.end_to_end))


def _refs(ref: str, end_to_end: str) -> frozenset[tuple[str, str]]:
    named = (("bank", ref), ("payer", end_to_end))
    return frozenset((whose, text) for whose, text in named if text)


async def _paid(tx: Tx, lines: Sequence[Stored]) -> list[_Paid]:
    """Load the payments that have a reference of these, each whole on one account, not gone yet."""
    c, p, a = bank_entry.c, bank_part.c, account.c
    back = bank_entry.alias("back")
    query = (
        select(
            *(c.id, c.account, c.ref, c.end_to_end, c.amount_minor, c.currency),
            *(p.n, a.id.label("owner_id"), a.number, a.currency.label("kept_in")),
        )
        .join_from(bank_entry, bank_part, p.entry_id == c.id)
        .join(account, a.id == p.account_id)
        .outerjoin(back, back.c.of_id == c.id)
        .where(
            or_(among(tx.engine, c.end_to_end), among(tx.engine, c.ref, "refs")),
            c.state.in_(sorted(ON_ACCOUNTS)),
            p.amount_minor == c.amount_minor,
            stands(),
            back.c.id.is_(None),
        )
        .order_by(c.booked_on, c.line_key)
    )
    given = {
        KEYS: packed(tx.engine, {one.line.end_to_end for one in lines} - {""}),
        "refs": packed(tx.engine, {one.line.ref for one in lines} - {""}),
    }
    return [
        _Paid(
            id=row.id,
            account=row.account,
            refs=_refs(row.ref, row.end_to_end),
            amount_minor=row.amount_minor,
            currency=row.currency,
            owner=Owner(id=AccountId(row.owner_id), number=row.number, currency=row.kept_in),
            n=row.n,
        )
        for row in await tx.rows(query, given)
    ]


async def of_debit(tx: Tx, mark: str, amount: Money) -> Returned | None:
    """Find a direct debit of ours that a person says is taken back; None where there is no such.

    Raises Invalid for another amount than all of it, and where a line has taken it back already.
    """
    rows = await debits.load(tx, [mark])
    if not rows:
        return None
    (row,) = rows
    if row.entry_id is not None:
        raise Invalid("of", "it was taken back already")
    if amount != (ours := Money(row.amount_minor, row.currency)):
        raise Invalid("of", f"it is of {ours}")
    owner = Owner(id=AccountId(row.account_id), number=row.number, currency=row.kept_in)
    return Returned(of="", provider=DEBIT, charge=mark, owner=owner)


async def _of_debits(tx: Tx, lines: Sequence[Stored]) -> dict[str, Returned]:
    """Find direct debits of ours that lines take back, each once; the bank may add its price."""
    marks = [one.line.end_to_end for one in lines]
    rows = {row.attempt_id: row for row in await debits.load(tx, marks)} if marks else {}
    found = {}
    for one in lines:
        row = rows.get(one.line.end_to_end)
        if row is None or row.entry_id is not None:
            continue
        fee = -one.line.amount.amount_minor - row.amount_minor
        if one.line.amount.currency != row.currency or fee < 0:
            continue
        del rows[row.attempt_id]
        found[one.id] = Returned(
            of="",
            provider=DEBIT,
            charge=row.attempt_id,
            owner=Owner(id=AccountId(row.account_id), number=row.number, currency=row.kept_in),
            fee=Money(fee, row.currency) if fee else None,
        )
    return found


async def _of_others(desk: Desk, tx: Tx, lines: Sequence[Stored]) -> dict[str, Returned]:
    """Find charges of our providers that a bank's line takes back: a direct debit that failed."""
    if not lines or not desk.providers:
        return {}
    m = movement.c
    query = (
        select(movement, account.c.number, account.c.currency.label("kept_in"))
        .join_from(movement, account, account.c.id == m.account_id)
        .where(among(tx.engine, m.charge), m.provider.in_(sorted(desk.providers)))
        .order_by(m.id)
    )
    keys = {KEYS: packed(tx.engine, {one.line.end_to_end for one in lines})}
    by_charge: dict[str, dict[str, list[Any]]] = {}
    for row in await tx.rows(query, keys):
        by_charge.setdefault(row.charge, {}).setdefault(row.provider, []).append(row)
    found = {}
    for one in lines:
        providers = by_charge.get(one.line.end_to_end, {})
        if len(providers) == 1:
            ((provider, rows),) = providers.items()
            back = _charge(one, provider, rows)
            if back is not None:
                found[one.id] = back
    return found


def _charge(one: Stored, provider: str, rows: Sequence[Any]) -> Returned | None:
    movements = [movement_from(row) for row in rows]
    came = [each for each in movements if each.kind is MovementKind.CLEARED]
    if len(came) != 1 or came[0].amount != -one.line.amount:
        return None
    owner = Owner(id=came[0].account, number=rows[0].number, currency=rows[0].kept_in)
    return Returned(
        of="",
        provider=provider,
        charge=one.line.end_to_end,
        owner=owner,
        is_told=taken_back(movements) >= came[0].amount.amount_minor,
    )
