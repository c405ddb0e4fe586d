"""A person gives money back of a payment: all that is left of it, or a part.

The wish is written down; its provider is asked later, with no transaction open. Cash is handed over
by whoever says so: it is booked at once. Never more goes back than came and is still here, also
while the outcome of another refund is to come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import select

from billing.accounts.store import account
from billing.cash.model import CASH, ReceiptKind
from billing.flows import goodwill, movements, receipts
from billing.flows.contract import Contract, lock
from billing.flows.desk import Desk
from billing.flows.goodwill import BY_CHARS_MAX, REFERENCE_CHARS_MAX, Goodwill
from billing.flows.movements import Told
from billing.flows.receipts import Passed
from billing.flows.receive import provider_of
from billing.invoicing.model import line_named
from billing.invoicing.store import credit_note, invoice
from billing.payments.model import HOUSE, Moved, Movement, MovementKind
from billing.payments.refunds import UNDECIDED, RefundState, RefundWish, left_of, refunded_so_far
from billing.payments.store import movement, movement_from, refund
from billing.vouchers.model import PROVIDER as VOUCHER
from runtime.chance import new_id
from runtime.store import Tx
from terms.errors import Duplicate, Invalid, InvalidTransition, NotFound
from terms.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Refunding:
    """A refund that was asked for; where it `is_new` that was now, else it was before.

    `note` is the credit note that keeps it from being owed again, if there is one.
    """

    id: str
    charge: str
    amount: Money
    state: RefundState
    note: str
    is_new: bool


async def give_back(
    desk: Desk, tx: Tx, contract: str, wish: RefundWish, now: datetime, *, by: str
) -> Refunding:
    """Write a refund down, once for each reference, and have it carried out.

    Raises NotFound for an unknown contract or charge; Invalid for more than is left; Duplicate
    where the reference stands for another; InvalidTransition where there is nothing to give back.
    """
    held = await lock(tx, contract, now)
    before = await _before(tx, held, wish)
    if before is not None:
        return before
    charge = await _charge(tx, held, wish)
    await _check_line(tx, held, wish.line)
    came = next(one for one in charge if one.kind is MovementKind.CLEARED)
    is_cash = came.provider == CASH
    if not is_cash:
        provider_of(desk, came.provider)
    left = left_of(charge, await _undecided(tx, came))
    amount, note = await _amount(desk, tx, wish, left, now, by=by)
    key = new_id(now, desk.chance)
    state = RefundState.DONE if is_cash else RefundState.OPEN
    row = {
        "id": key,
        "account_id": held.account,
        "reference": wish.reference,
        "movement_id": came.id,
        "provider": came.provider,
        "charge": came.charge,
        "amount_minor": amount.amount_minor,
        "currency": amount.currency,
        "note": note,
        "line": wish.line,
        "reason": wish.reason,
        "asked_by": by[:BY_CHARS_MAX],
        "asked_at": now,
        "state": state.value,
        "called_at": None,
        "looks": 0,
        "vendor_id": "",
        "code": "",
    }
    await tx.insert(refund, [row])
    if is_cash:
        told = await _handed_over(tx, held, charge, amount)
        await movements.hear(desk, tx, [told], [], now)
        passed = Passed(
            kind=ReceiptKind.REFUND,
            account=held.account,
            zone=held.zone,
            cause=key,
            amount=amount,
            reference=wish.reference,
        )
        await receipts.write(desk, tx, passed, now, by=by)
    else:
        await desk.work.mark(tx, "refund", [key])
    return Refunding(id=key, charge=came.charge, amount=amount, state=state, note=note, is_new=True)


async def _amount(
    desk: Desk, tx: Tx, wish: RefundWish, left: Money, now: datetime, *, by: str
) -> tuple[Money, str]:
    """Tell how much goes back; for a line by the credit note that is written for it."""
    amount = wish.amount or left
    if left.amount_minor <= 0:
        raise InvalidTransition(f"nothing is left to give back of {wish.charge}")
    if amount.currency != left.currency:
        raise Invalid("amount", f"the payment was in {left.currency}")
    note = ""
    if wish.line:
        given = Goodwill(of=amount, reason=wish.reason, reference=_named(wish.reference))
        done = await goodwill.give(desk, tx, wish.line, given, now, by=by)
        note = done.note
        c = credit_note.c
        total = await tx.scalar(select(c.total_minor).where(c.number == note))
        amount = Money(int(total or 0), amount.currency)
    if not 0 < amount.amount_minor <= left.amount_minor:
        why = f"must be above nothing and no more than {left}, which is left of {wish.charge}"
        raise Invalid("amount", why)
    return amount, note


def _named(reference: str) -> str:
    """Name the goodwill of a refund: by the reference, or by its digest where that is too long."""
    name = f"refund {reference}"
    if len(name) <= REFERENCE_CHARS_MAX:
        return name
    return f"refund {sha256(reference.encode()).hexdigest()}"


async def _check_line(tx: Tx, held: Contract, line: str) -> None:
    """Raise Invalid for a line of another account; one that is not there is told of later."""
    number, _ = line_named(line) or ("", 0)
    owner = await tx.scalar(select(invoice.c.account_id).where(invoice.c.number == number))
    if owner is not None and owner != held.account:
        raise Invalid("line", f"{line} is on another account's invoice")


async def _charge(tx: Tx, held: Contract, wish: RefundWish) -> list[Movement]:
    """Find all movements of a charge of this account that came in."""
    c = movement.c
    query = select(movement).where(c.account_id == held.account, c.charge == wish.charge)
    if wish.provider:
        query = query.where(c.provider == wish.provider)
    found = [movement_from(row) for row in await tx.rows(query.order_by(c.id))]
    came = [one for one in found if one.kind is MovementKind.CLEARED]
    if not came:
        raise NotFound(f"no payment {wish.charge!r} of this account has come in", field="payment")
    if len(came) > 1:
        raise Invalid("provider", "several have a payment of that name: say which")
    if came[0].provider in HOUSE:
        raise InvalidTransition("it was given by us: no money came in that could go back")
    if came[0].provider == VOUCHER:
        raise InvalidTransition("a voucher is not paid out: its money stays as credit")
    return found


async def _undecided(tx: Tx, came: Movement) -> Sequence[Money]:
    c = refund.c
    query = select(c.amount_minor, c.currency).where(
        c.provider == came.provider,
        c.charge == came.charge,
        c.state.in_(sorted(UNDECIDED)),
    )
    return [Money(row.amount_minor, row.currency) for row in await tx.rows(query)]


async def _handed_over(tx: Tx, held: Contract, charge: list[Movement], amount: Money) -> Told:
    """Word cash that goes back: as the sum so far, as every provider tells it."""
    so_far = refunded_so_far(charge) + amount.amount_minor
    name = charge[0].charge
    moved = Moved(
        charge=name,
        ref=f"{name}/{so_far}",
        amount=Money(so_far, amount.currency),
        kind=MovementKind.REFUNDED,
    )
    number = await tx.scalar(select(account.c.number).where(account.c.id == held.account))
    return Told(account=held.account, number=str(number), provider=CASH, moved=moved)


async def _before(tx: Tx, held: Contract, wish: RefundWish) -> Refunding | None:
    """Find what a reference stands for already. Raises Duplicate where that is something else."""
    c = refund.c
    row: Any = await tx.first(
        select(refund).where(c.account_id == held.account, c.reference == wish.reference)
    )
    if row is None:
        return None
    amount = Money(row.amount_minor, row.currency)
    is_other = wish.amount is not None and not wish.line and wish.amount != amount
    if is_other or (row.charge, row.line) != (wish.charge, wish.line):
        raise Duplicate(
            f"reference {wish.reference} stands for another refund, of {row.charge}",
            field="reference",
        )
    return refunding_from(row)


def refunding_from(row: Any) -> Refunding:
    """Read a row of the table of refunds, as one that was asked for before."""
    return Refunding(
        id=row.id,
        charge=row.charge,
        amount=Money(row.amount_minor, row.currency),
        state=RefundState(row.state),
        note=row.note,
        is_new=False,
    )
