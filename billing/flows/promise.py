"""A household promises to pay what it owes by a day. Settle does what follows from it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import exists, or_, select

from billing.flows.contract import lock
from billing.flows.desk import Desk
from billing.invoicing.model import SERIES, number
from billing.invoicing.store import invoice, voided
from billing.payments.model import Debt
from billing.payments.store import INVOICE, open_item, write_off
from billing.promises import store as promises
from billing.promises.model import Asked, Promise, PromisePolicy, check
from runtime.chance import new_id
from runtime.store import Tx
from terms.calendar import days_after
from terms.ids import AccountId, InvoiceId
from terms.money import Money

INVOICES_MAX = 1_000


async def promise(desk: Desk, tx: Tx, contract: str, until_on: date, now: datetime) -> Promise:
    """Write a promise down and mark the account for settling.

    Raises NotFound for an unknown contract, Invalid where the policy refuses it.
    """
    held = await lock(tx, contract, now)
    debts = await _debts(tx, held.account, held.currency)
    owed = Money(sum(debt.rest.amount_minor for debt in debts), held.currency)
    policy = await policy_of(tx, held.account)
    since = days_after(held.today, -policy.count_days)
    asked = Asked(
        debts=debts,
        owed=owed,
        newest=await promises.newest(tx, held.account),
        lately=await promises.since(tx, held.account, since),
    )
    check(asked, policy, until_on, held.today)
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


async def policy_of(tx: Tx, account: AccountId) -> PromisePolicy:
    """Read which promises are taken of an account, as long as it has paid by now."""
    policy = await promises.load_policy(tx)
    return policy.of(await _paid_months(tx, account)) if policy.standings else policy


async def _paid_months(tx: Tx, account: AccountId) -> int:
    """Count the months for which all invoices were paid, by the day they were due."""
    i = invoice.c
    is_open = exists().where(open_item.c.id == i.id)
    given_up = exists().where(write_off.c.invoice_id == i.id)
    is_void = exists().where(voided.c.invoice_id == i.id)
    query = (
        select(i.due_on, or_(is_open, given_up).label("is_unpaid"))
        .where(i.account_id == account, i.total_minor > 0, ~is_void)
        .order_by(i.sequence.desc())
    )
    paid: dict[tuple[int, int], bool] = {}
    for row in await tx.rows(query.limit(INVOICES_MAX)):
        month = row.due_on.year, row.due_on.month
        paid[month] = paid.get(month, True) and not row.is_unpaid
    return sum(paid.values())


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
