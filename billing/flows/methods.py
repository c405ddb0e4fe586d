"""Payment methods come and go: left on the provider's page, made the one to charge, removed.

What is charged is a reference; a card's number never comes here. A new one is tried at once where
something is due: settle does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update

from billing.accounts.store import account, service
from billing.flows.contract import lock
from billing.flows.desk import Desk
from billing.flows.receive import provider_of
from billing.payments.model import DEBIT, MAY_GO_ON, MethodTold
from billing.payments.provider import SetupOrder
from billing.payments.store import payment_method
from runtime.chance import new_id
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.errors import InvalidTransition, NotFound
from terms.ids import AccountId

REMOVED, REPLACED, GONE = "removed", "replaced", "gone"
OVER = frozenset({REMOVED, REPLACED, GONE})
METHODS_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """What was told of a method, by which provider, and whose it is if that is said."""

    provider: str
    owner: AccountId | None
    told: MethodTold


async def setup_order(
    desk: Desk, tx: Tx, contract: str, *, provider: str = "", replaces: str = "", return_url: str
) -> SetupOrder:
    """Prepare a page on which a method is left; the caller then asks the provider.

    Raises NotFound for an unknown contract, provider or method to be replaced.
    """
    number, owner = await _account(tx, contract)
    kept = await _of_account(tx, owner)
    if replaces:
        known = _one(kept, replaces).provider
        provider = provider if known == DEBIT else known
    cards = [row.provider for row in kept if row.provider != DEBIT]
    name = provider or (cards[-1] if cards else next(iter(desk.providers), ""))
    if not name:
        raise NotFound("no payment provider is configured that keeps payment methods")
    provider_of(desk, name)
    customers = [row.customer_ref for row in kept if row.provider == name]
    return SetupOrder(
        provider=name,
        account=number,
        customer=customers[-1] if customers else "",
        return_url=return_url,
        replaces=replaces,
    )


async def take(desk: Desk, tx: Tx, told: Sequence[Owned], now: datetime) -> None:
    """Write down methods that were left, have those that changed described anew."""
    if not told:
        return
    known = await _known(tx, [one.told.ref for one in told])
    looked_at: set[str] = set()
    for one in sorted(told, key=lambda one: (one.provider, one.told.ref, one.owner is None)):
        held = known.get((one.provider, one.told.ref))
        if held is not None:
            looked_at.add(held)
        elif one.owner is not None and one.told.customer:
            key = known[one.provider, one.told.ref] = new_id(now, desk.chance)
            customer, ref = one.told.customer, one.told.ref
            await keep(
                *(tx, one.owner, key, now), provider=one.provider, customer=customer, ref=ref
            )
            if one.told.replaces:
                looked_at |= await _end(tx, one.owner, one.told.replaces, REPLACED)
            looked_at.add(key)
            await desk.work.mark(tx, "settle", [one.owner])
    await desk.work.mark(tx, "method", sorted(looked_at))


async def keep(
    tx: Tx,
    owner: AccountId,
    key: str,
    now: datetime,
    *,
    provider: str,
    customer: str,
    ref: str,
    label: str = "",
) -> None:
    """Write a method down; from now on it is the one that is charged."""
    await _clear_default(tx, owner)
    row = {
        "id": key,
        "account_id": owner,
        "provider": provider,
        "customer_ref": customer,
        "method_ref": ref,
        "stopped": "",
        "is_default": True,
        "label": label,
        "created_at": now,
    }
    await tx.insert(payment_method, [row])


async def prefer(desk: Desk, tx: Tx, contract: str, method: str, now: datetime) -> str:
    """Make a method the one that is charged; returns how people call it.

    One that rests since money went back is charged again. Raises NotFound;
    InvalidTransition for one that its bank has refused for good.
    """
    held = await lock(tx, contract, now)
    row = _one(await _of_account(tx, held.account), method)
    if row.stopped not in MAY_GO_ON:
        raise InvalidTransition(f"it is not charged any more ({row.stopped}): leave another one")
    await _clear_default(tx, held.account)
    await tx.execute(
        update(payment_method)
        .where(payment_method.c.id == method)
        .values(is_default=True, stopped="")
    )
    await desk.work.mark(tx, "settle", [held.account])
    return _called(row)


async def remove(desk: Desk, tx: Tx, contract: str, method: str, now: datetime) -> str:
    """Never charge a method again, here and at its provider; returns how people call it.

    Raises NotFound.
    """
    held = await lock(tx, contract, now)
    row = _one(await _of_account(tx, held.account), method)
    await desk.work.mark(tx, "method", sorted(await _end(tx, held.account, method, REMOVED)))
    await desk.work.mark(tx, "settle", [held.account])
    return _called(row)


async def _end(tx: Tx, owner: AccountId, method: str, why: str) -> set[str]:
    """End a method of an account, if it has it; returns it."""
    c = payment_method.c
    found = await tx.execute(
        update(payment_method)
        .where(c.id == method, c.account_id == owner, c.stopped.not_in(sorted(OVER)))
        .values(stopped=why, is_default=False, is_leaving=c.provider != DEBIT)
    )
    return {method} if found.rowcount else set()


async def _clear_default(tx: Tx, owner: AccountId) -> None:
    c = payment_method.c
    await tx.execute(
        update(payment_method).where(c.account_id == owner, c.is_default).values(is_default=False)
    )


async def _known(tx: Tx, refs: Sequence[str]) -> dict[tuple[str, str], str]:
    c = payment_method.c
    query = select(c.id, c.provider, c.method_ref).where(among(tx.engine, c.method_ref))
    rows = await tx.rows(query.order_by(c.id), {KEYS: packed(tx.engine, sorted(set(refs)))})
    return {(row.provider, row.method_ref): row.id for row in rows}


async def _account(tx: Tx, contract: str) -> tuple[str, AccountId]:
    query = select(account.c.number, account.c.id).join_from(account, service)
    row = await tx.first(query.where(service.c.contract == contract))
    if row is None:
        raise NotFound(f"there is no contract {contract!r}", field="contract")
    return row.number, AccountId(row.id)


async def _of_account(tx: Tx, owner: AccountId) -> Sequence[Row[Any]]:
    """List the methods that an account has now, the newest last."""
    c = payment_method.c
    query = select(payment_method).where(c.account_id == owner, c.stopped.not_in(sorted(OVER)))
    return await tx.rows(query.order_by(c.id))


def _one(kept: Sequence[Row[Any]], method: str) -> Row[Any]:
    for row in kept:
        if row.id == method:
            return row
    raise NotFound(f"the account has no payment method {method!r}", field="method")


def _called(row: Row[Any]) -> str:
    return str(row.label or row.method_ref)
