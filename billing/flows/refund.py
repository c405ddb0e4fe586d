"""A person gives money back of a payment: all that is left of it, or a part.

The wish is written down; its provider is asked later, with no transaction open. Cash is handed over
by whoever says so: it is booked at once. Never more goes back than came and is still here, also
while the outcome of another is to come. More than a person gives back alone waits for a second one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import select, update

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
from billing.invoicing.store import invoice
from billing.payments.model import BANK, DEBIT, HOUSE, Moved, Movement, MovementKind
from billing.payments.refunds import (
    ALONE_FOR,
    LEAVES,
    UNDECIDED,
    RefundState,
    RefundWish,
    left_of,
    refunded_so_far,
    step,
)
from billing.payments.store import load_alone, movement, movement_from, refund
from billing.vouchers.model import PROVIDER as VOUCHER
from runtime.chance import new_id
from runtime.store import Tx
from terms.errors import Duplicate, Invalid, InvalidTransition, NotFound
from terms.money import Money

# Whose money a bank alone moves, by a transfer of the operator's own.
BY_BANK = {BANK: "by a transfer", DEBIT: "by direct debit"}


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """A refund that can go now: of which payment, all that moved of it, how much goes."""

    held: Contract
    wish: RefundWish
    came: Movement
    moved: Sequence[Movement]
    amount: Money


async def give_back(
    desk: Desk, tx: Tx, contract: str, wish: RefundWish, now: datetime, *, by: str
) -> Refunding:
    """Write a refund down, once for each reference, and have it carried out.

    More than one person gives back alone waits for a second one. Raises NotFound for an unknown
    contract or charge; Invalid for more than is left; Duplicate where the reference stands for
    another; InvalidTransition where there is nothing to give back.
    """
    held = await lock(tx, contract, now)
    before = await _before(tx, held, wish)
    if before is not None:
        return before
    going = await find(desk, tx, held, wish)
    key = await write_down(desk, tx, going, now, by=by)
    if await is_alone(tx, held, going.amount, now, by=by):
        return await leave(desk, tx, going, key, now, by=by)
    return waiting(going, key)


async def find(desk: Desk, tx: Tx, held: Contract, wish: RefundWish) -> Going:
    """Find what a refund is of, and what goes; of a line that is what its credit note comes to.

    Raises what giving back raises.
    """
    moved = await _charge(tx, held, wish)
    await _check_line(tx, held, wish.line)
    came = next(one for one in moved if one.kind is MovementKind.CLEARED)
    if came.provider != CASH:
        provider_of(desk, came.provider)
    left = left_of(moved, await _undecided(tx, came))
    amount = wish.amount or left
    if left.amount_minor <= 0:
        raise InvalidTransition(f"nothing is left to give back of {wish.charge}", field="payment")
    if amount.currency != left.currency:
        raise Invalid("amount", f"the payment was in {left.currency}")
    if wish.line:
        amount = await goodwill.worth(tx, wish.line, _goodwill(wish, amount))
    if not 0 < amount.amount_minor <= left.amount_minor:
        why = f"must be above nothing and no more than {left}, which is left of {wish.charge}"
        raise Invalid("amount", why)
    return Going(held=held, wish=wish, came=came, moved=moved, amount=amount)


async def is_alone(tx: Tx, held: Contract, amount: Money, now: datetime, *, by: str) -> bool:
    """Whether somebody may give so much back alone, with what they have given within a day.

    What a second person has let go does not count, nor what was refused or did not arrive.
    """
    alone = await load_alone(tx)
    c = refund.c
    query = select(c.amount_minor, c.currency).where(
        c.account_id == held.account,
        c.currency == amount.currency,
        c.asked_by == by[:BY_CHARS_MAX],
        c.decided_by == "",
        c.asked_at > now - ALONE_FOR,
        c.state.in_(sorted(LEAVES)),
    )
    given = [Money(row.amount_minor, row.currency) for row in await tx.rows(query)]
    return alone.allows(amount, given)


async def write_down(
    desk: Desk, tx: Tx, going: Going, now: datetime, *, by: str, pay_out: str = ""
) -> str:
    """Write a refund down as waiting: nothing has left. Returns its id."""
    key, wish = new_id(now, desk.chance), going.wish
    row = {
        "id": key,
        "account_id": going.held.account,
        "reference": wish.reference,
        "movement_id": going.came.id,
        "provider": going.came.provider,
        "charge": going.came.charge,
        "amount_minor": going.amount.amount_minor,
        "currency": going.amount.currency,
        "note": "",
        "line": wish.line,
        "line_minor": wish.amount.amount_minor if wish.line and wish.amount else None,
        "pay_out": pay_out,
        "reason": wish.reason,
        "asked_by": by[:BY_CHARS_MAX],
        "asked_at": now,
        "noted_at": desk.clock.machine_now(),
        "state": RefundState.WAITING.value,
        "called_at": None,
        "looks": 0,
        "vendor_id": "",
        "code": "",
    }
    await tx.insert(refund, [row])
    return key


def waiting(going: Going, key: str) -> Refunding:
    """Tell of a refund that waits for a second person."""
    return Refunding(
        id=key,
        charge=going.came.charge,
        amount=going.amount,
        state=RefundState.WAITING,
        note="",
        is_new=True,
    )


async def leave(desk: Desk, tx: Tx, going: Going, key: str, now: datetime, *, by: str) -> Refunding:
    """Let a refund go that is written down: cash is handed over, a provider is asked later.

    Raises InvalidTransition where `by` has no open shift to hand it over from.
    """
    wish, amount, note = going.wish, going.amount, ""
    if wish.line:
        given = _goodwill(wish, wish.amount or amount)
        note = (await goodwill.give(desk, tx, wish.line, given, now, by=by)).note
    is_cash = going.came.provider == CASH
    state = step(RefundState.WAITING, RefundState.DONE if is_cash else RefundState.OPEN)
    values = {"amount_minor": amount.amount_minor, "note": note, "state": state.value}
    await tx.execute(update(refund).where(refund.c.id == key).values(**values))
    if is_cash:
        await _hand_over(desk, tx, going, key, now, by=by)
    else:
        await desk.work.mark(tx, "refund", [key])
    return replace(waiting(going, key), state=state, note=note)


async def _hand_over(desk: Desk, tx: Tx, going: Going, key: str, now: datetime, *, by: str) -> None:
    """Book cash that goes back, with its receipt."""
    told = await _handed_over(tx, going.held, going.moved, going.amount)
    await movements.hear(desk, tx, [told], [], now)
    passed = Passed(
        kind=ReceiptKind.REFUND,
        account=going.held.account,
        zone=going.held.zone,
        cause=key,
        amount=going.amount,
        reference=going.wish.reference,
    )
    await receipts.write(desk, tx, passed, now, by=by)


def _goodwill(wish: RefundWish, amount: Money) -> Goodwill:
    return Goodwill(of=amount, reason=wish.reason, reference=_named(wish.reference))


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
        raise InvalidTransition(
            "it was given by us: no money came in that could go back", field="payment"
        )
    if came[0].provider == VOUCHER:
        raise InvalidTransition(
            "a voucher is not paid out: its money stays as credit", field="payment"
        )
    if came[0].provider in BY_BANK:
        raise InvalidTransition(
            f"it came {BY_BANK[came[0].provider]}: nobody is asked to give it back. Goodwill on its"
            " line leaves it as credit; or transfer all of it at your bank, and say of the line of"
            f" that `bank return LINE {wish.charge}`",
            field="payment",
        )
    return found


async def _undecided(tx: Tx, came: Movement) -> Sequence[Money]:
    c = refund.c
    query = select(c.amount_minor, c.currency).where(
        c.provider == came.provider,
        c.charge == came.charge,
        c.state.in_(sorted(UNDECIDED)),
    )
    return [Money(row.amount_minor, row.currency) for row in await tx.rows(query)]


async def _handed_over(tx: Tx, held: Contract, charge: Sequence[Movement], amount: Money) -> Told:
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
