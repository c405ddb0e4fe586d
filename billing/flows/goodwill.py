"""A person gives back of a line for no days of it: an hour without picture, a word that was given.

It is taken of what the line still holds, and settled in the same breath: with a credit note as any
other. Each is known by the giver's own reference: the same one again is the same goodwill.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select

from billing.accounts.store import account
from billing.flows.desk import Desk
from billing.flows.settle import settle
from billing.invoicing.credit import Charged, CreditLine, goodwill_of
from billing.invoicing.goodwill import GIVEN, GIVEN_ON, given_from, goodwill
from billing.invoicing.model import line_named
from billing.invoicing.store import (
    charged_from,
    credit_line,
    credit_note,
    invoice,
    invoice_line,
    voided,
)
from billing.ledger.store import deferred_on
from billing.payments.store import write_off
from billing.rating.model import LineKind
from runtime.chance import new_id
from runtime.store import Tx
from terms.errors import Duplicate, Invalid, InvalidTransition, NotFound
from terms.ids import AccountId
from terms.money import PER_MILLION, Money, Rate

BY_CHARS_MAX, REASON_CHARS_MAX, REFERENCE_CHARS_MAX = 80, 254, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Goodwill:
    """What is given of a line: an amount, which includes its tax where that of the line does, or a
    share of all that the line charged; why; and the giver's own name for it.
    """

    of: Money | Rate
    reason: str
    reference: str

    def __post_init__(self) -> None:
        if not self.reason.strip() or len(self.reason) > REASON_CHARS_MAX:
            raise Invalid("reason", f"needs 1 to {REASON_CHARS_MAX} characters")
        if not 0 < len(self.reference) <= REFERENCE_CHARS_MAX:
            raise Invalid("reference", f"needs 1 to {REFERENCE_CHARS_MAX} characters")
        if isinstance(self.of, Rate) and not 0 < self.of.ppm <= PER_MILLION:
            raise Invalid("percent", "must be above 0 and at most 100%")

    def amount(self, line: Money) -> Money:
        """Tell how much that is of what a line charged."""
        return self.of.of(line) if isinstance(self.of, Rate) else self.of


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgiven:
    """What was given, by which note; where it `is_new` that was done now, else it was before."""

    note: str
    account: AccountId
    amount: Money
    is_new: bool


async def give(
    desk: Desk, tx: Tx, line: str, wish: Goodwill, now: datetime, *, by: str
) -> Forgiven:
    """Give back of a line, named like INV-00000012.3, and settle its account.

    Raises NotFound; Invalid for more than is left of the line; InvalidTransition for a deposit, and
    for an invoice that is void or written off; Duplicate where the reference stands for another.
    """
    row = await _lock(tx, line)
    before = await _before(tx, row, wish)
    if before is not None:
        return before
    key = new_id(now, desk.chance)
    credit = await _credit(tx, row, wish, key)
    charged = credit.of
    share = wish.of.ppm if isinstance(wish.of, Rate) else None
    written = {
        "id": key,
        "account_id": row.account_id,
        "reference": wish.reference,
        "invoice_id": charged.invoice,
        "invoice_n": charged.n,
        "amount_minor": credit.amount.amount_minor,
        "percent_ppm": share,
        "reason": wish.reason,
        "given_by": by[:BY_CHARS_MAX],
        "given_at": now,
    }
    await tx.insert(goodwill, [written])
    settled = await settle(desk, tx, [AccountId(row.account_id)], now, goodwill=credit)
    looks: dict[str, datetime] = {one: at for one, at in settled.next_look.items() if at}
    await desk.work.schedule(tx, "settle", looks)
    note = select(credit_note.c.number).join_from(
        credit_line, credit_note, credit_note.c.id == credit_line.c.note_id
    )
    return Forgiven(
        note=str(await tx.scalar(note.where(credit_line.c.goodwill_id == key))),
        account=AccountId(row.account_id),
        amount=credit.amount,
        is_new=True,
    )


async def worth(tx: Tx, line: str, wish: Goodwill) -> Money:
    """Tell what giving comes to with its tax; nothing is written. Raises what giving raises."""
    credit = await _credit(tx, await _lock(tx, line), wish, "")
    return credit.split.net + credit.split.tax


async def _credit(tx: Tx, row: Any, wish: Goodwill, key: str) -> CreditLine:
    _check(row)
    charged = await _charged(tx, row)
    return goodwill_of(charged, wish.amount(charged.line.charge.amount), key)


async def _lock(tx: Tx, line: str) -> Any:
    """Find a line, and have whoever settles its account wait for us, or wait for him."""
    number, n = line_named(line) or ("", 0)
    c, i = invoice_line.c, invoice.c
    lock = select(account.c.id).join_from(account, invoice, i.account_id == account.c.id)
    lock = lock.where(i.number == number)
    if tx.engine == "postgresql":
        lock = lock.with_for_update(of=account, key_share=True)
    await tx.rows(lock)
    query = (
        select(invoice_line, i.account_id, i.currency, i.groups, i.number)
        .add_columns(voided.c.voided_at, write_off.c.id.label("write_off_id"))
        .add_columns(deferred_on(i.id, i.issued_on).label("deferred_on"))
        .select_from(
            invoice_line.join(invoice, i.id == c.invoice_id)
            .outerjoin(voided, voided.c.invoice_id == i.id)
            .outerjoin(write_off, write_off.c.invoice_id == i.id)
        )
        .where(i.number == number, c.n == n)
    )
    found = await tx.first(query)
    if found is None:
        raise NotFound(
            f"there is no line {line!r} of an invoice: name one like INV-00000012.3", field="line"
        )
    return found


def _check(row: Any) -> None:
    if row.kind == LineKind.DEPOSIT.value:
        raise InvalidTransition(
            "a deposit is no charge: decide about it where it is held", field="line"
        )
    if row.voided_at is not None:
        why = f"{row.number} is void: nothing is left of its lines"
        raise InvalidTransition(why, field="line")
    if row.write_off_id is not None:
        why = f"{row.number} is written off: nothing is left of its lines"
        raise InvalidTransition(why, field="line")


async def _charged(tx: Tx, row: Any) -> Charged:
    """Read a line with all that was given back of it."""
    one = replace(charged_from(row), deferred_on=row.deferred_on)
    c = credit_line.c
    taken_on = deferred_on(c.note_id, GIVEN_ON).label("given_deferred_on")
    query = select(*GIVEN, taken_on).where(c.invoice_id == one.invoice, c.invoice_n == one.n)
    for each in await tx.rows(query):
        one = one.gave(given_from(each, each.given_deferred_on))
    return one


async def _before(tx: Tx, row: Any, wish: Goodwill) -> Forgiven | None:
    """Find what a reference stands for already. Raises Duplicate where that is something else."""
    g, note = goodwill.c, credit_note.c
    query = (
        select(goodwill, note.number)
        .select_from(
            goodwill.join(credit_line, credit_line.c.goodwill_id == g.id).join(
                credit_note, note.id == credit_line.c.note_id
            )
        )
        .where(and_(g.account_id == row.account_id, g.reference == wish.reference))
    )
    found = await tx.first(query)
    if found is None:
        return None
    amount = wish.amount(Money(row.amount_minor, row.currency))
    same = (row.invoice_id, row.n, amount.amount_minor, wish.reason)
    if same != (found.invoice_id, found.invoice_n, found.amount_minor, found.reason):
        raise Duplicate(
            f"reference {wish.reference} stands for another goodwill: {found.number}",
            field="reference",
        )
    return Forgiven(
        note=found.number, account=AccountId(row.account_id), amount=amount, is_new=False
    )
