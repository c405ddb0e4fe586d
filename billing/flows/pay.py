"""Somebody pays by themselves: cash at the desk, or on a provider's page for all that is owed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, select

from billing.accounts.store import account, service
from billing.flows import movements
from billing.flows.desk import Desk
from billing.flows.movements import Told
from billing.flows.receive import provider_of
from billing.payments.model import Moved, MovementKind
from billing.payments.provider import CheckoutOrder
from billing.payments.store import INVOICE, movement, open_item, payment_method
from runtime.store import Tx
from runtime.store.prepared import PreparedQuery
from terms.errors import Duplicate, Invalid, NotFound
from terms.ids import AccountId
from terms.money import Money

CASH = "cash"  # the provider of money that is put on the table
REFERENCE_CHARS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payer:
    account: AccountId
    number: str
    currency: str


async def take_cash(
    desk: Desk, tx: Tx, contract: str, now: datetime, *, amount: Money, reference: str
) -> bool:
    """Take money for an account, once per receipt; False where the same was taken already.

    Raises NotFound for an unknown contract, Invalid for an amount or a reference that is none,
    Duplicate where the receipt's number stands for another household or amount.
    """
    payer = await _payer(tx, contract)
    if amount.amount_minor <= 0:
        raise Invalid("amount", "must be more than nothing")
    if amount.currency != payer.currency:
        raise Invalid("amount", f"the account is kept in {payer.currency}")
    if not 0 < len(reference) <= REFERENCE_CHARS_MAX:
        raise Invalid("reference", f"needs 1 to {REFERENCE_CHARS_MAX} characters")
    moved = Moved(
        charge=reference,
        ref=reference,
        amount=amount,
        account=payer.number,
        kind=MovementKind.CLEARED,
    )
    told = Told(account=payer.account, number=payer.number, provider=CASH, moved=moved)
    if await movements.hear(desk, tx, [told], [], now):
        return True
    await _check_same(tx, payer, moved)
    return False


async def pay_order(
    desk: Desk, tx: Tx, contract: str, provider: str = "", return_url: str = ""
) -> CheckoutOrder:
    """Prepare a provider's page for all that an account owes; the caller then asks the provider.

    Raises NotFound for an unknown contract or provider, Invalid where nothing is owed.
    """
    payer = await _payer(tx, contract)
    c = open_item.c
    owed = await tx.scalar(
        select(func.sum(c.rest_minor)).where(
            c.account_id == payer.account, c.kind == INVOICE, c.currency == payer.currency
        )
    )
    if not owed:
        raise Invalid("contract", f"{contract} owes nothing")
    m = payment_method.c
    pages = [name for name, one in desk.providers.items() if "checkout" not in one.lacks]
    known = await tx.first(
        select(m.provider, m.customer_ref)
        .where(m.account_id == payer.account, m.provider.in_(pages))
        .order_by(m.id.desc())
    )
    name = provider or (known.provider if known else next(iter(pages), ""))
    if not name:
        raise NotFound("no payment provider is configured that could make a page to pay on")
    why = provider_of(desk, name).lacks.get("checkout")
    if why:
        raise Invalid("provider", f"{name} makes no page to pay on: {why}")
    return CheckoutOrder(
        provider=name,
        account=payer.number,
        customer=known.customer_ref if known and known.provider == name else "",
        amount=Money(int(owed), payer.currency),
        text=payer.number,
        return_url=return_url,
    )


async def _check_same(tx: Tx, payer: _Payer, moved: Moved) -> None:
    c = movement.c
    known = await tx.first(
        select(c.account_id, c.amount_minor, c.currency, account.c.number)
        .join_from(movement, account)
        .where(c.provider == CASH, c.ref == moved.ref, c.kind == moved.kind.value)
    )
    if known is None:
        return
    taken = Money(known.amount_minor, known.currency)
    if (known.account_id, taken) != (payer.account, moved.amount):
        raise Duplicate(f"receipt {moved.ref} is used: {taken} of account {known.number}")


async def _payer(tx: Tx, contract: str) -> _Payer:
    rows = await _PAYER.rows(tx, {"contract": contract})
    if not rows:
        raise NotFound(f"there is no contract {contract!r}")
    (row,) = rows
    return _Payer(account=AccountId(row.id), number=row.number, currency=row.currency)


_PAYER = PreparedQuery(
    lambda _engine: (
        select(account.c.id, account.c.number, account.c.currency)
        .select_from(account.join(service, service.c.account_id == account.c.id))
        .where(service.c.contract == bindparam("contract"))
    )
)
