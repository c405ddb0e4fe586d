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
from billing.debits.model import Back, DebitState
from billing.debits.model import Sequence as SequenceType
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
class Heard:
    """How many debits were told of for the first time, how many before; the marks nobody knows."""

    new: int
    known: int
    unknown: Sequence[str]


async def hear(desk: Desk, tx: Tx, told: Sequence[Back], now: datetime) -> Heard:
    """Take up what a bank says of debits."""
    singles = await _spread(tx, told)
    by_mark = {one.mark: one for one in sorted(singles, key=lambda one: (one.mark, one.code))}
    # What had come to count as paid goes back as such, also where nobody has booked it yet.
    await book_due(desk, tx, now, marks=sorted(by_mark), rows_max=len(by_mark))
    rows = {row.attempt_id: row for row in await load(tx, list(by_mark))}
    unknown = [mark for mark, one in by_mark.items() if not _fits(rows.get(mark), one)]
    fresh = [
        row
        for mark, row in rows.items()
        if mark not in unknown and row.state != DebitState.RETURNED.value
    ]
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
    known = len(rows) - len(fresh) - sum(mark in rows for mark in unknown)
    return Heard(new=len(fresh), known=known, unknown=sorted(unknown))


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


async def _spread(tx: Tx, told: Sequence[Back]) -> list[Back]:
    """Put the debits of a batch in the place of the batch, or of a block of it."""
    singles = [one for one in told if not one.is_batch]
    for one in told:
        if not one.is_batch:
            continue
        batch, _, kind = one.mark.partition("-")
        c = debit.c
        query = select(c.attempt_id).where(c.batch_id == batch)
        if kind in set(SequenceType):
            query = query.where(c.sequence == kind)
        found = [Back(mark=row.attempt_id, code=one.code) for row in await tx.rows(query)]
        singles += found or [Back(mark=one.mark, code=one.code)]
    return singles


def _fits(row: Row[Any] | None, one: Back) -> bool:
    amount = Money(row.amount_minor, row.currency) if row else None
    return amount is not None and one.amount in {None, amount}


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
