"""A household promises to pay what it owes by a day. Settle does what follows from it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select

from billing.flows.contract import lock
from billing.flows.desk import Desk
from billing.invoicing.model import SERIES, number
from billing.payments.model import Debt
from billing.payments.store import INVOICE, open_item
from billing.promises import store as promises
from billing.promises.model import Asked, Promise, check
from runtime.chance import new_id
from runtime.store import Tx
from terms.ids import AccountId, InvoiceId
from terms.money import Money


async def promise(desk: Desk, tx: Tx, contract: str, until_on: date, now: datetime) -> Promise:
    """Write a promise down and mark the account for settling.

    Raises NotFound for an unknown contract, Invalid where the policy refuses it.
    """
    held = await lock(tx, contract, now)
    debts = await _debts(tx, held.account, held.currency)
    owed = Money(sum(debt.rest.amount_minor for debt in debts), held.currency)
    newest = await promises.newest(tx, held.account)
    policy = await promises.load_policy(tx)
    check(Asked(debts=debts, owed=owed, newest=newest), policy, until_on, held.today)
    made = Promise(
        id=new_id(now, desk.chance),
        account=held.account,
        until_on=until_on,
        through=max(debt.sequence for debt in debts),
        amount=owed,
    )
    await tx.insert(promises.promise, [promises.row(made, now)])
    await desk.work.mark(tx, "settle", [held.account])
    return made


async def _debts(tx: Tx, account: AccountId, currency: str) -> list[Debt]:
    c = open_item.c
    query = select(open_item).where(
        c.account_id == account, c.kind == INVOICE, c.currency == currency
    )
    return [
        Debt(
            invoice=InvoiceId(row.id),
            number=number(SERIES, row.sequence),
            sequence=row.sequence,
            due_on=row.due_on,
            rest=Money(row.rest_minor, row.currency),
            is_fee=row.is_fee,
        )
        for row in await tx.rows(query)
    ]
