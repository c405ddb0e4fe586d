"""What a bank says of debits: refused, or gone back. Told twice, or by two files, it is once.

Before a debit is booked its attempt fails; afterwards its money is disputed and settling opens the
invoice again. The mandate is stopped by the code alone, so that any order ends alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from billing.accounts.store import account
from billing.debits import reasons
from billing.debits.model import Back, DebitState, Report, Unclear
from billing.debits.reasons import After
from billing.debits.store import debit, mandate
from billing.flows import movements
from billing.flows.attempts import Failure
from billing.flows.debits.book import book_due
from billing.flows.desk import Desk
from billing.flows.movements import Told
from billing.payments.model import DEBIT, MAY_GO_ON, WENT_BACK, Moved, MovementKind, Refused
from billing.payments.store import attempt, payment_method
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.ids import AccountId
from terms.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """A debit of ours that the bank tells of with another amount: nothing is decided by that."""

    mark: str
    ours: Money
    said: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """How many debits were told of for the first time, how many before; the marks nobody knows.

    Of `others` and of what is `unclear` nothing became: a statement has what moved.
    """

    new: int
    known: int
    unknown: Sequence[str]
    others: Sequence[Other] = ()
    unclear: Sequence[Unclear] = ()


async def hear(desk: Desk, tx: Tx, told: Report, now: datetime) -> Heard:
    """Take up what a bank says of debits."""
    by_mark = await _spread(tx, told)
    # What had come to count as paid goes back as such, also where nobody has booked it yet.
    await book_due(desk, tx, now, marks=sorted(by_mark), rows_max=len(by_mark))
    rows = {row.attempt_id: row for row in await load(tx, list(by_mark))}
    unknown = [mark for mark in by_mark if mark not in rows]
    others = _others(rows, by_mark)
    fitting = [row for mark, row in rows.items() if mark not in others]
    fresh = [row for row in fitting if row.state != DebitState.RETURNED.value]
    failures = [
        Failure(provider=DEBIT, refused=_refused(row, by_mark[row.attempt_id].code))
        for row in fresh
        if row.state == DebitState.PRESENTED.value
    ]
    back = [_went_back(row, now) for row in fresh if row.state == DebitState.BOOKED.value]
    await movements.hear(desk, tx, back, failures, now)
    await _note(tx, fresh, by_mark, now)
    await _stop(tx, [(row.method_id, by_mark[row.attempt_id].code) for row in fresh])
    await _never_first(tx, fresh)
    return Heard(
        new=len(fresh),
        known=len(fitting) - len(fresh),
        unknown=sorted(unknown),
        others=list(others.values()),
        unclear=told.unclear,
    )


async def load(tx: Tx, marks: Iterable[str]) -> Sequence[Row[Any]]:
    """Load and lock debits that are in a batch, with their attempts and accounts."""
    c, a = debit.c, attempt.c
    query = (
        select(
            *(debit, a.account_id, a.amount_minor, a.currency, account.c.number),
            account.c.currency.label("kept_in"),
        )
        .join_from(debit, attempt, a.id == c.attempt_id)
        .join(account, account.c.id == a.account_id)
        .where(among(tx.engine, c.attempt_id), c.batch_id.is_not(None))
        .where(c.state != DebitState.DROPPED.value)
        .order_by(c.attempt_id)
    )
    if tx.engine == "postgresql":
        query = query.with_for_update(of=debit)
    return await tx.rows(query, {KEYS: packed(tx.engine, sorted(set(marks)))})


async def _spread(tx: Tx, told: Report) -> dict[str, Back]:
    """Tell by the mark of each debit what became of it.

    What is said of a block goes before what is said of its batch, and of a debit before both; of
    what is unclear nothing became.
    """
    found: dict[str, Back] = {}
    said: list[Back | Unclear] = [*sorted(told.back, key=lambda one: one.code), *told.unclear]
    # The name of a block begins with that of its batch.
    for one in sorted(said, key=lambda one: (not one.is_batch, one.mark)):
        marks = await _in_batch(tx, one.mark) if one.is_batch else []
        for mark in marks or [one.mark]:
            if isinstance(one, Unclear):
                found.pop(mark, None)
            else:
                found[mark] = Back(mark=mark, code=one.code, amount=one.amount)
    return found


async def _in_batch(tx: Tx, name: str) -> list[str]:
    """List the debits of a batch, or of a block of it."""
    batch, _, kind = name.partition("-")
    c = debit.c
    query = select(c.attempt_id).where(c.batch_id == batch)
    if kind:
        query = query.where(c.sequence == kind)
    return [row.attempt_id for row in await tx.rows(query)]


def _others(rows: dict[str, Row[Any]], by_mark: dict[str, Back]) -> dict[str, Other]:
    """Find debits that are told of with another amount than ours."""
    found = {}
    for mark, row in rows.items():
        ours, said = Money(row.amount_minor, row.currency), by_mark[mark].amount
        if said is not None and said != ours:
            found[mark] = Other(mark=mark, ours=ours, said=said)
    return found


def _refused(row: Row[Any], code: str) -> Refused:
    return Refused(
        charge=row.attempt_id,
        ref=row.attempt_id,
        amount=Money(row.amount_minor, row.currency),
        attempt=row.attempt_id,
        account=row.number,
        code=code,
        decline=reasons.decline(code),
    )


def _went_back(row: Row[Any], now: datetime) -> Told:
    moved = Moved(
        charge=row.attempt_id,
        ref=row.attempt_id,
        amount=Money(row.amount_minor, row.currency),
        account=row.number,
        kind=MovementKind.DISPUTED,
    )
    owner = AccountId(row.account_id)
    return Told(account=owner, number=row.number, provider=DEBIT, moved=moved, received_at=now)


async def _note(tx: Tx, rows: Sequence[Row[Any]], by_mark: dict[str, Back], now: datetime) -> None:
    if rows:
        await tx.execute(
            update(debit)
            .where(debit.c.attempt_id == bindparam("key"))
            .values(state=DebitState.RETURNED.value, code=bindparam("said"), returned_at=now),
            [{"key": row.attempt_id, "said": by_mark[row.attempt_id].code} for row in rows],
        )


async def _stop(tx: Tx, told: Sequence[tuple[str, str]]) -> None:
    """Stop mandates by what was said; for good is stronger than until a person has decided."""
    p = payment_method.c
    for wish in (After.END, After.ASK):
        rows = [
            {"key": method, "why": code if wish is After.END else WENT_BACK}
            for method, code in sorted(told)
            if reasons.after(code) is wish
        ]
        if rows:
            is_open = p.stopped.in_(sorted(MAY_GO_ON))
            await tx.execute(
                update(payment_method)
                .where(p.id == bindparam("key"), is_open)
                .values(stopped=bindparam("why"), is_default=False),
                rows,
            )


async def _never_first(tx: Tx, rows: Sequence[Row[Any]]) -> None:
    """Have the next debit of a mandate be its first where its first never went through."""
    keys = [row.method_id for row in rows if row.state == DebitState.PRESENTED.value]
    if keys:
        m = mandate.c
        await tx.execute(
            update(mandate).where(among(tx.engine, m.method_id)).values(is_used=False),
            {KEYS: packed(tx.engine, sorted(keys))},
        )
