"""Money is put into a wallet without anything being owed, and paid back out of it.

Topping up is a payment like any other: settle pays the oldest debt with it and keeps the rest. Out
of a wallet goes what is unused, back the way it came, as refunds; a voucher's money and what we
gave ourselves stay. What it pays for then is nothing: no invoice is open again by it. More than a
person gives back alone waits for a second one, all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from billing.accounts.store import account, service
from billing.cash.model import CASH
from billing.flows import pay, refund
from billing.flows.contract import Contract, lock
from billing.flows.desk import Desk
from billing.flows.refund import Refunding
from billing.flows.settle import settle
from billing.payments.model import HOUSE, Movement, MovementKind
from billing.payments.provider import CheckoutOrder
from billing.payments.refunds import UNDECIDED, RefundWish, left_of
from billing.payments.store import CREDIT, movement, movement_from, open_item
from billing.payments.store import refund as refunds
from billing.payments.wallet import WalletRules, check_amount
from billing.vouchers.model import PROVIDER as VOUCHER
from runtime.store import Tx
from terms.errors import Duplicate, Invalid, InvalidTransition, NotFound
from terms.money import Money

STAYS = frozenset({*HOUSE, VOUCHER})
MOVEMENTS_MAX = 2_000
REFUNDS_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class PayOut:
    """How much is paid out of a wallet, why, and somebody's own name for it; all unless said."""

    amount: Money | None = None
    reason: str
    reference: str


async def page_order(
    desk: Desk,
    tx: Tx,
    contract: str,
    amount: Money,
    *,
    provider: str = "",
    return_url: str = "",
) -> CheckoutOrder:
    """Prepare a provider's page for an amount; the caller then asks the provider.

    Raises NotFound for an unknown contract or provider, Invalid for an amount that may not be.
    """
    check_amount(amount)
    if rules := await rules_of(desk, tx, contract):
        rules.check_top_up(amount)
    return await pay.page_order(
        desk, tx, contract, amount, provider=provider, return_url=return_url
    )


async def rules_of(desk: Desk, tx: Tx, contract: str) -> WalletRules | None:
    """Find the rules of the wallet of a contract. Raises NotFound for an unknown one."""
    row = await tx.first(
        select(account.c.segment).join_from(service, account).where(service.c.contract == contract)
    )
    if row is None:
        raise NotFound(f"there is no contract {contract!r}", field="contract")
    return (await desk.shelf.newest(tx)).segments.of(row.segment).wallet


async def pay_out(
    desk: Desk, tx: Tx, contract: str, wish: PayOut, now: datetime, *, by: str
) -> list[Refunding]:
    """Pay money out of a wallet, once for each reference; never more than is unused in it.

    Raises NotFound for an unknown contract, Invalid for more than there is, InvalidTransition where
    nothing is there that could go back, and what refunds raise.
    """
    held = await lock(tx, contract, now)
    if before := await _before(tx, held, wish):
        sums = sum(one.amount.amount_minor for one in before)
        if wish.amount is not None and wish.amount.amount_minor != sums:
            raise Duplicate(
                f"reference {wish.reference} stands for another amount", field="reference"
            )
        return before
    await settle(desk, tx, [held.account], now)  # what has come or gone counts
    there = await payable(tx, held)
    amount = wish.amount or there
    if wish.amount:
        check_amount(amount)
    if there.amount_minor <= 0:
        raise InvalidTransition("nothing is in the wallet that could be paid out", field="amount")
    if amount.currency != there.currency or amount.amount_minor > there.amount_minor:
        raise Invalid("amount", f"no more than {there} can be paid out of the wallet")
    is_alone = await refund.is_alone(tx, held, amount, now, by=by)
    done = []
    for n, (came, part) in enumerate(await _shares(desk, tx, held, amount), 1):
        one = RefundWish(
            charge=came.charge,
            provider=came.provider,
            amount=part,
            reason=wish.reason,
            reference=_reference(wish, n),
        )
        going = await refund.find(desk, tx, held, one)
        key = await refund.write_down(desk, tx, going, now, by=by, pay_out=wish.reference)
        if is_alone:
            done.append(await refund.leave(desk, tx, going, key, now, by=by))
        else:
            done.append(refund.waiting(going, key))
    return done


async def payable(tx: Tx, held: Contract) -> Money:
    """Tell what is unused in the wallet of an account, was paid in, and is not on its way back."""
    c, m = open_item.c, movement.c
    unused = await tx.scalar(
        select(func.sum(c.rest_minor))
        .select_from(open_item.outerjoin(movement, m.id == c.id))
        .where(
            c.account_id == held.account,
            c.kind == CREDIT,
            c.currency == held.currency,
            m.provider.is_(None) | m.provider.not_in(sorted(STAYS)),
        )
    )
    r = refunds.c
    leaving = await tx.scalar(
        select(func.sum(r.amount_minor)).where(
            r.account_id == held.account,
            r.currency == held.currency,
            r.state.in_(sorted(UNDECIDED)),
        )
    )
    return Money(max(int(unused or 0) - int(leaving or 0), 0), held.currency)


async def _shares(
    desk: Desk, tx: Tx, held: Contract, amount: Money
) -> list[tuple[Movement, Money]]:
    """Choose which payments an amount goes back of: what is unused of them first, then the newest.

    Raises Invalid where not so much can go back the way it came.
    """
    undecided, unused = await _undecided(tx, held), await _unused(tx, held)
    charges = await _charges(tx, held)
    left = {
        key: left_of(each, undecided.get(key, ())).amount_minor
        for key, each in charges.items()
        if key[0] == CASH or key[0] in desk.providers
    }
    parts: dict[Charge, int] = {}
    missing = amount.amount_minor
    own = {key: min(left[key], unused.get(charges[key][0].id, 0)) for key in left}
    for most in (own, left):
        for key in most:
            part = min(most[key] - parts.get(key, 0), missing)
            if part > 0 and (key in parts or len(parts) < REFUNDS_MAX):
                parts[key] = parts.get(key, 0) + part
                missing -= part
    if missing:
        there = Money(amount.amount_minor - missing, amount.currency)
        by_bank = any(key[0] in refund.BY_BANK for key in charges)
        why = "; what came from a bank goes back by a transfer of your own" if by_bank else ""
        raise Invalid("amount", f"only {there} can go back the way it came{why}")
    return [(charges[key][0], Money(part, amount.currency)) for key, part in parts.items()]


Charge = tuple[str, str]  # its provider and its name there


async def _charges(tx: Tx, held: Contract) -> dict[Charge, list[Movement]]:
    """Find the payments of an account that may go back, each with all its movements."""
    c = movement.c
    query = select(movement).where(
        c.account_id == held.account,
        c.currency == held.currency,
        c.provider.not_in(sorted(STAYS)),
    )
    found: dict[Charge, list[Movement]] = {}
    for row in await tx.rows(query.order_by(c.id.desc()).limit(MOVEMENTS_MAX)):
        one = movement_from(row)
        found.setdefault((one.provider, one.charge), []).append(one)
    for each in found.values():
        each.sort(key=lambda one: one.kind is not MovementKind.CLEARED)
    return {key: each for key, each in found.items() if each[0].kind is MovementKind.CLEARED}


async def _undecided(tx: Tx, held: Contract) -> Mapping[Charge, Sequence[Money]]:
    c = refunds.c
    query = select(c.provider, c.charge, c.amount_minor, c.currency).where(
        c.account_id == held.account, c.state.in_(sorted(UNDECIDED))
    )
    found: dict[Charge, list[Money]] = {}
    for row in await tx.rows(query):
        found.setdefault((row.provider, row.charge), []).append(
            Money(row.amount_minor, row.currency)
        )
    return found


async def _unused(tx: Tx, held: Contract) -> dict[str, int]:
    """Tell what is unused, by the movement it came with."""
    c = open_item.c
    query = select(c.id, c.rest_minor).where(c.account_id == held.account, c.kind == CREDIT)
    return {row.id: row.rest_minor for row in await tx.rows(query)}


async def _before(tx: Tx, held: Contract, wish: PayOut) -> list[Refunding]:
    """Find what a reference stands for already. Raises what refunds raise for another."""
    c = refunds.c
    references = [_reference(wish, n) for n in range(1, REFUNDS_MAX + 1)]
    query = select(refunds).where(c.account_id == held.account, c.reference.in_(references))
    return [refund.refunding_from(row) for row in await tx.rows(query.order_by(c.id))]


def _reference(wish: PayOut, n: int) -> str:
    return wish.reference if n == 1 else f"{wish.reference} {n}"
