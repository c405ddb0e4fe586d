"""The last rungs of the ladder are carried out: what an account has ends, what it owes is given up.

One account at a time, by its row of work. What stands is looked at afresh, so that doing it again
changes nothing, and whoever has paid, promised or become exempt meanwhile is left alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import exists, or_, select

from billing.accounts.store import account, service
from billing.catalog.terms import When
from billing.dunning.model import CARRIED_OUT, Action
from billing.dunning.store import dunning_cut
from billing.flows.cancel import cancel
from billing.flows.desk import Desk
from billing.flows.write_off import WrittenOff, write_off_invoice
from billing.invoicing.store import invoice, voided
from billing.payments.model import UNSETTLED, fact_id
from billing.payments.store import INVOICE, attempt, movement, open_item
from billing.promises.model import PromiseState
from billing.promises.store import promise
from billing.subscriptions.store import subscription
from runtime import log
from runtime.store import Tx
from terms.calendar import days_after, local_date
from terms.ids import AccountId

AGAIN = timedelta(hours=1)  # money may be on its way
REASON = "dunning"
INVOICES_MAX = 1_000


class DebtFact(StrEnum):
    """Kinds of facts in the log for those above billing."""

    TERMINATED = "debt.terminated"  # an account was ended for what it owes
    WRITTEN_OFF = "debt.written_off"  # what it owes was given up: somebody else may collect it


@dataclass(frozen=True, slots=True, kw_only=True)
class Dunned:
    """What was done: contracts that end, invoices that were given up. `again_at` where it waits."""

    ended: Sequence[str] = ()
    given_up: Sequence[WrittenOff] = ()
    invoice: str = ""
    again_at: datetime | None = None


async def carry_out(desk: Desk, tx: Tx, account_id: AccountId, now: datetime) -> Dunned:
    """Do what the rung asks for on which an account stands. Raises what cancelling raises."""
    one = await _lock(tx, account_id)
    if one is None or await _is_spared(desk, tx, one):
        return Dunned()
    if await _may_pay(tx, account_id):
        return Dunned(again_at=now + AGAIN)
    today = local_date(now, one.zone)
    if one.rung == Action.TERMINATE:
        return await _terminate(desk, tx, one, today, now)
    return await _give_up(desk, tx, one, now)


async def _lock(tx: Tx, key: AccountId) -> Any | None:
    """Find the account and its rung, and have whoever settles it wait for us, or wait for him."""
    ours = select(account.c.id).where(account.c.id == key)
    if tx.engine == "postgresql":
        await tx.first(ours.with_for_update(key_share=True))
    c = dunning_cut.c
    joined = dunning_cut.join(open_item, open_item.c.id == c.invoice_id).join(
        account, account.c.id == open_item.c.account_id
    )
    query = (
        select(account.c.id, account.c.number, account.c.zone, account.c.segment, c.rung)
        .add_columns(invoice.c.number.label("invoice"), c.invoice_id)
        .select_from(joined.join(invoice, invoice.c.id == c.invoice_id))
        .where(account.c.id == key, c.rung.in_(sorted(CARRIED_OUT)), ~c.rests)
    )
    return await tx.first(query)


async def _is_spared(desk: Desk, tx: Tx, one: Any) -> bool:
    """Whether the account is exempt or has promised since; settling takes the rung away."""
    if (await desk.shelf.newest(tx)).segments.of(one.segment).is_exempt:
        return True
    c = promise.c
    stands = exists().where(c.account_id == one.id, c.state == PromiseState.STANDING.value)
    return bool(await tx.scalar(select(stands)))


async def _may_pay(tx: Tx, key: AccountId) -> bool:
    """Whether money has come that is not settled, or a charge is under way."""
    moved = exists().where(movement.c.account_id == key, movement.c.settled_at.is_(None))
    tried = exists().where(attempt.c.account_id == key, attempt.c.state.in_(sorted(UNSETTLED)))
    return bool(await tx.scalar(select(or_(moved, tried))))


async def _terminate(desk: Desk, tx: Tx, one: Any, today: date, now: datetime) -> Dunned:
    """End all that the account has, now, as its own notice would."""
    s = subscription.c
    goes_on = or_(s.until_on.is_(None), s.until_on > days_after(today, 1))
    live = exists().where(s.service_id == service.c.id, goes_on)
    query = select(service.c.contract).where(service.c.account_id == one.id, live)
    contracts = [row.contract for row in await tx.rows(query.order_by(service.c.contract))]
    for contract in contracts:
        await cancel(desk, tx, contract, When.NOW, now)
    if contracts:
        await _tell(desk, tx, one, DebtFact.TERMINATED, {"contracts": contracts})
    return Dunned(ended=contracts, invoice=one.invoice)


async def _give_up(desk: Desk, tx: Tx, one: Any, now: datetime) -> Dunned:
    """Give up all that is open of the account."""
    c = open_item.c
    query = (
        select(invoice.c.number, invoice.c.due_on)
        .select_from(open_item.join(invoice, invoice.c.id == c.id))
        .where(c.account_id == one.id, c.kind == INVOICE)
        # Of one that is void nothing is owed as soon as it is settled.
        .where(~exists().where(voided.c.invoice_id == c.id))
    )
    rows = await tx.rows(query.order_by(invoice.c.sequence).limit(INVOICES_MAX))
    given_up = [await write_off_invoice(desk, tx, row.number, now, reason=REASON) for row in rows]
    debts = [
        {"number": each.number, "due_on": row.due_on.isoformat(), "amount": str(each.amount)}
        for each, row in zip(given_up, rows, strict=True)
    ]
    await _tell(desk, tx, one, DebtFact.WRITTEN_OFF, {"invoices": debts})
    return Dunned(given_up=given_up, invoice=one.invoice)


async def _tell(desk: Desk, tx: Tx, one: Any, fact: DebtFact, told: dict[str, Any]) -> None:
    entry = log.Entry(
        id=fact_id(fact.value, one.invoice_id),
        kind=fact.value,
        key=one.id,
        value=json.dumps({"account": one.number, "invoice": one.invoice, **told}),
        at=desk.clock.machine_now(),
    )
    await log.append(tx, [entry])
