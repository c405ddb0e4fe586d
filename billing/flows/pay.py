"""Somebody pays by themselves: cash at the desk, or on a provider's page for all that is owed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, select

from billing.accounts.store import account, service
from billing.cash.model import CASH, Receipt, ReceiptKind
from billing.flows import movements, receipts
from billing.flows.desk import Desk
from billing.flows.movements import Told
from billing.flows.receipts import Passed
from billing.flows.receive import provider_of
from billing.payments.model import Moved, MovementKind
from billing.payments.provider import CheckoutOrder
from billing.payments.store import INVOICE, movement, open_item, payment_method
from runtime.store import Tx
from runtime.store.prepared import PreparedQuery
from terms.errors import Duplicate, Invalid, NotFound
from terms.ids import AccountId
from terms.money import Money

REFERENCE_CHARS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payer:
    account: AccountId
    number: str
    currency: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CashTaken:
    """Cash that was taken; `is_new` where it had not been before. Of long ago is no receipt."""

    receipt: Receipt | None
    is_new: bool


async def take_cash(
    desk: Desk,
    tx: Tx,
    contract: str,
    now: datetime,
    *,
    amount: Money,
    reference: str,
    by: str = "",
) -> CashTaken:
    """Take money for an account, once per reference, into the drawer of whoever takes it.

    Raises NotFound for an unknown contract, Invalid for an amount or a reference that is none,
    Duplicate where the reference stands for another household or amount, InvalidTransition where
    there are tills and no shift of theirs is open.
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
    is_new = bool(await movements.hear(desk, tx, [told], [], now))
    key = await _same(tx, payer, moved)
    if not is_new:
        return CashTaken(receipt=await receipts.of_cause(tx, key), is_new=False)
    passed = Passed(
        kind=ReceiptKind.PAYMENT,
        account=payer.account,
        zone=payer.zone,
        cause=key,
        amount=amount,
        reference=reference,
    )
    return CashTaken(receipt=await receipts.write(desk, tx, passed, now, by=by), is_new=True)


async def pay_order(
    desk: Desk, tx: Tx, contract: str, provider: str = "", return_url: str = ""
) -> CheckoutOrder:
    """Prepare a provider's page for all that an account owes; the caller then asks the provider.

    Raises NotFound for an unknown contract or provider, Invalid where nothing is owed.
    """
    amount = await owed(tx, contract)
    if not amount.amount_minor:
        raise Invalid("contract", f"{contract} owes nothing")
    return await page_order(desk, tx, contract, amount, provider=provider, return_url=return_url)


async def owed(tx: Tx, contract: str) -> Money:
    """Tell all that the account of a contract owes. Raises NotFound."""
    payer = await _payer(tx, contract)
    c = open_item.c
    found = await tx.scalar(
        select(func.sum(c.rest_minor)).where(
            c.account_id == payer.account, c.kind == INVOICE, c.currency == payer.currency
        )
    )
    return Money(int(found or 0), payer.currency)


async def is_taken(tx: Tx, reference: str) -> bool:
    """Whether cash was taken by a reference."""
    c = movement.c
    known = select(c.id).where(
        c.provider == CASH, c.ref == reference, c.kind == MovementKind.CLEARED.value
    )
    return await tx.first(known) is not None


async def page_order(
    desk: Desk,
    tx: Tx,
    contract: str,
    amount: Money,
    *,
    provider: str = "",
    return_url: str = "",
) -> CheckoutOrder:
    """Prepare a provider's page for an amount. Raises NotFound for an unknown contract or provider,
    Invalid for another currency than the account's.
    """
    payer = await _payer(tx, contract)
    if amount.currency != payer.currency:
        raise Invalid("amount", f"the account is kept in {payer.currency}")
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
        amount=amount,
        text=payer.number,
        return_url=return_url,
    )


async def _same(tx: Tx, payer: _Payer, moved: Moved) -> str:
    """Find the movement of a reference. Raises Duplicate where it stands for another payment."""
    c = movement.c
    (known,) = await tx.rows(
        select(c.id, c.account_id, c.amount_minor, c.currency, account.c.number)
        .join_from(movement, account)
        .where(c.provider == CASH, c.ref == moved.ref, c.kind == moved.kind.value)
    )
    taken = Money(known.amount_minor, known.currency)
    if (known.account_id, taken) != (payer.account, moved.amount):
        raise Duplicate(
            f"reference {moved.ref} is used: {taken} of account {known.number}", field="reference"
        )
    return str(known.id)


async def _payer(tx: Tx, contract: str) -> _Payer:
    rows = await _PAYER.rows(tx, {"contract": contract})
    if not rows:
        raise NotFound(f"there is no contract {contract!r}", field="contract")
    (row,) = rows
    return _Payer(
        account=AccountId(row.id), number=row.number, currency=row.currency, zone=row.zone
    )


_PAYER = PreparedQuery(
    lambda _engine: (
        select(account.c.id, account.c.number, account.c.currency, account.c.zone)
        .select_from(account.join(service, service.c.account_id == account.c.id))
        .where(service.c.contract == bindparam("contract"))
    )
)
