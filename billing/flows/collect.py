"""Attempts are carried out at their providers: prepared, called outside any transaction, recorded.

That a provider is about to be asked is written down before it is asked. From then on an attempt is
looked up first, so that a lost answer or a crash never charges twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from billing.accounts.store import account
from billing.flows import movements
from billing.flows.attempts import Failure, stands
from billing.flows.desk import Desk
from billing.flows.movements import Told
from billing.invoicing.store import invoice
from billing.payments.model import (
    UNSETTLED,
    AttemptState,
    Decline,
    Moved,
    MovementKind,
    Refused,
    step,
)
from billing.payments.provider import (
    Charged,
    ChargeOrder,
    Declined,
    Lost,
    Missing,
    Outcome,
    Postponed,
    Processing,
    Provider,
)
from billing.payments.store import attempt, open_item, payment_method
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.errors import Conflict, Permanent, Retryable, Throttled, Unreachable
from terms.ids import AccountId, AttemptId
from terms.money import Money

# How long after a look whose answer decided nothing the next one follows; then a person decides.
UNKNOWN_LOOKS = (timedelta(minutes=5), timedelta(hours=1), *(timedelta(days=1),) * 5)
PENDING_LOOKS = (timedelta(hours=1), timedelta(days=1), *(timedelta(days=1),) * 5)
BUSY_S = 60.0  # the provider is there but does not want to be asked now
OUR_FAULT_S = 900.0  # our own credentials or settings: no payer is to suffer from it


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One attempt on its way. `is_asked`: the provider was asked before, so look it up first."""

    provider: str
    order: ChargeOrder
    owner: AccountId
    number: str
    looks: int
    is_asked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What is done, what to look at again after so much machine time, what is stuck and why."""

    done: Sequence[AttemptId]
    again: dict[AttemptId, timedelta]
    stuck: dict[AttemptId, str]


async def prepare(desk: Desk, tx: Tx, attempt_ids: Sequence[str]) -> list[Charge]:
    """List what to talk to providers about; the other attempts need nothing any more.

    An attempt nobody was asked about yet never collects more than is open by now.
    """
    rows = await _unsettled(tx, attempt_ids)
    charges, idle, first = [], [], []
    for row in rows:
        if row.called_at is None and not row.rest_minor:
            idle.append(row)
            continue
        charges.append(_charge(row))
        if row.called_at is None:
            first.append({"key": row.id, "amount": charges[-1].order.amount.amount_minor})
    if first:
        await tx.execute(
            update(attempt)
            .where(attempt.c.id == bindparam("key"))
            .values(called_at=desk.clock.machine_now(), amount_minor=bindparam("amount")),
            first,
        )
    await _drop(desk, tx, idle)
    return charges


async def call(desk: Desk, charge: Charge) -> Outcome:
    """Ask the provider, with no transaction open."""
    provider = desk.providers.get(charge.provider)
    if provider is None:
        return Postponed(reason=f"no provider {charge.provider} is set up", after_s=OUR_FAULT_S)
    try:
        return await _ask(provider, charge)
    except Unreachable as error:
        return Lost(reason=str(error))
    except Throttled as error:
        return Postponed(reason=str(error), after_s=error.retry_after_s)
    except (Retryable, Conflict) as error:
        return Postponed(reason=str(error), after_s=BUSY_S)
    except Permanent as error:
        return Postponed(reason=str(error), after_s=OUR_FAULT_S)


async def record(
    desk: Desk, tx: Tx, outcomes: Sequence[tuple[Charge, Outcome]], now: datetime
) -> Collected:
    """Write down what providers answered; marks the accounts concerned."""
    told = [_told(charge, out) for charge, out in outcomes if isinstance(out, Charged)]
    refusals = [_refused(charge, out) for charge, out in outcomes if isinstance(out, Declined)]
    await movements.hear(desk, tx, told, refusals, now)
    again: dict[AttemptId, timedelta] = {}
    stuck: dict[AttemptId, str] = {}
    undecided: list[dict[str, Any]] = []
    for charge, out in outcomes:
        key = charge.order.attempt
        if isinstance(out, Postponed):
            again[key] = timedelta(seconds=out.after_s)
        elif isinstance(out, (Lost, Missing, Processing)):
            undecided.append({"key": key, "seen": charge.looks + 1})
            schedule = PENDING_LOOKS if isinstance(out, Processing) else UNKNOWN_LOOKS
            if charge.looks < len(schedule):
                again[key] = schedule[charge.looks]
            else:
                stuck[key] = f"its outcome is unknown after {charge.looks} looks: {out}"
    await _leave_unknown(tx, undecided)
    done = [c.order.attempt for c, _ in outcomes if c.order.attempt not in {*again, *stuck}]
    return Collected(done=done, again=again, stuck=stuck)


async def _ask(provider: Provider, charge: Charge) -> Outcome:
    if charge.is_asked:
        found = await provider.look_up(charge.order)
        if not isinstance(found, Missing):
            return found
    # The provider knows the attempt as the key of this order, so it happens once all the same.
    return await provider.charge(charge.order)


async def _unsettled(tx: Tx, attempt_ids: Sequence[str]) -> Sequence[Row[Any]]:
    c, method = attempt.c, payment_method.c
    query = (
        select(
            *(c.id, c.account_id, c.amount_minor, c.currency, c.called_at, c.looks),
            *(method.provider, method.customer_ref, method.method_ref),
            *(account.c.number, invoice.c.number.label("document"), open_item.c.rest_minor),
        )
        .select_from(
            attempt.join(payment_method, method.id == c.method_id)
            .join(account, account.c.id == c.account_id)
            .join(invoice, invoice.c.id == c.invoice_id)
            .outerjoin(open_item, open_item.c.id == c.invoice_id)
        )
        .where(among(tx.engine, c.id), stands(UNSETTLED))
        .order_by(c.id)
    )
    if tx.engine == "postgresql":
        query = query.with_for_update(of=attempt)
    return await tx.rows(query, {KEYS: packed(tx.engine, attempt_ids)})


def _charge(row: Row[Any]) -> Charge:
    amount = row.amount_minor
    if row.called_at is None:
        amount = min(amount, row.rest_minor)
    return Charge(
        provider=row.provider,
        order=ChargeOrder(
            attempt=AttemptId(row.id),
            account=row.number,
            customer=row.customer_ref,
            method=row.method_ref,
            amount=Money(amount, row.currency),
            text=row.document,
            asked_at=row.called_at,
        ),
        owner=AccountId(row.account_id),
        number=row.number,
        looks=row.looks,
        is_asked=row.called_at is not None,
    )


async def _drop(desk: Desk, tx: Tx, rows: Sequence[Row[Any]]) -> None:
    """Fail attempts whose invoice was paid before anybody was asked: no provider refused them."""
    if not rows:
        return
    await tx.execute(
        update(attempt)
        .where(among(tx.engine, attempt.c.id))
        .values(
            state=step(AttemptState.OPEN, AttemptState.FAILED).value,
            code="superseded",
            decline=Decline.SOFT.value,
        ),
        {KEYS: packed(tx.engine, [row.id for row in rows])},
    )
    await desk.work.mark(tx, "settle", [row.account_id for row in rows])


def _told(charge: Charge, out: Charged) -> Told:
    moved = Moved(
        charge=out.charge,
        ref=out.charge,
        amount=out.amount,
        attempt=charge.order.attempt,
        account=charge.number,
        kind=MovementKind.CLEARED,
    )
    return Told(account=charge.owner, number=charge.number, provider=charge.provider, moved=moved)


def _refused(charge: Charge, out: Declined) -> Failure:
    refused = Refused(
        charge=out.charge,
        ref=out.charge,
        amount=charge.order.amount,
        attempt=charge.order.attempt,
        account=charge.number,
        code=out.code,
        decline=out.decline,
    )
    return Failure(provider=charge.provider, refused=refused)


async def _leave_unknown(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        await tx.execute(
            update(attempt)
            .where(attempt.c.id == bindparam("key"), stands(UNSETTLED))
            .values(state=AttemptState.UNKNOWN.value, looks=bindparam("seen")),
            rows,
        )
