"""Attempts are carried out at their providers: prepared, called outside any transaction, recorded.

That a provider is about to be asked is written down before it is asked. From then on an attempt is
looked up, so that a lost answer or a crash never charges twice. Once it is certain that nothing was
done there, it starts again: no charge follows without a look at what is owed by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, exists, func, select, update

from billing.accounts.store import account
from billing.flows import movements
from billing.flows.attempts import Failure, stands
from billing.flows.calls import OUR_FAULT_S, Recorded, asked, is_untouched
from billing.flows.debits.announce import announce
from billing.flows.desk import Desk
from billing.flows.movements import Told
from billing.invoicing.store import invoice
from billing.payments.looks import PENDING_LOOKS, UNKNOWN_LOOKS, until_due
from billing.payments.model import (
    DEBIT,
    SUPERSEDED,
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
)
from billing.payments.store import attempt, movement, open_item, payment_method
from runtime.store import Instant, Tx
from runtime.store.among import KEYS, among, packed
from terms.ids import AccountId, AttemptId
from terms.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One attempt on its way. `is_asked`: the provider was asked before, so it is looked up now.

    `called_at` is the machine's time since which its answer is awaited.
    """

    provider: str
    order: ChargeOrder
    owner: AccountId
    number: str
    looks: int
    is_asked: bool
    called_at: datetime


async def prepare(desk: Desk, tx: Tx, attempt_ids: Sequence[str]) -> list[Charge]:
    """List what to talk to providers about; the other attempts need nothing any more.

    Those at a mandate are announced: a person hands them to the bank, in a batch.

    An attempt of which a provider knows nothing is given up where less is open than it would
    collect, where money has come in that is on no book yet, or where its method is not charged any
    more: its id stands for its amount and its method. Settling then makes another one.
    """
    machine_now = desk.clock.machine_now()
    rows = await fit(desk, tx, attempt_ids)
    at_once = [row for row in rows if row.provider != DEBIT]
    if len(at_once) < len(rows):
        untold = [row for row in rows if row.provider == DEBIT and row.called_at is None]
        await give_up(desk, tx, await announce(desk, tx, untold))
    await note_called(tx, [row.id for row in at_once if row.called_at is None], machine_now)
    return [_charge(row, machine_now) for row in at_once]


async def fit(desk: Desk, tx: Tx, attempt_ids: Sequence[str]) -> list[Row[Any]]:
    """Load and lock attempts whose outcome is to come; those that ask too much are given up."""
    rows: list[Row[Any]] = []
    too_much: list[Row[Any]] = []
    for row in await _unsettled(tx, attempt_ids):
        is_too_much = row.has_fresh_money or (row.rest_minor or 0) < row.amount_minor
        is_given_up = row.called_at is None and (is_too_much or row.stopped)
        (too_much if is_given_up else rows).append(row)
    await give_up(desk, tx, too_much)
    return rows


async def note_called(tx: Tx, attempt_ids: Sequence[str], machine_now: datetime) -> None:
    """Write down that somebody is asked for these now."""
    if attempt_ids:
        await tx.execute(
            update(attempt).where(among(tx.engine, attempt.c.id)).values(called_at=machine_now),
            {KEYS: packed(tx.engine, attempt_ids)},
        )


async def call(desk: Desk, charge: Charge) -> Outcome:
    """Charge, or look up what was asked for before, with no transaction open.

    Never both: whoever has looked up reads first what is owed by then.
    """
    provider = desk.providers.get(charge.provider)
    if provider is None:
        why = f"no provider {charge.provider} is set up"
        return Postponed(reason=why, after_s=OUR_FAULT_S, is_untouched=not charge.is_asked)
    verb = provider.look_up if charge.is_asked else provider.charge
    return await asked(verb(charge.order), is_asked=charge.is_asked)


async def record(
    desk: Desk, tx: Tx, outcomes: Sequence[tuple[Charge, Outcome]], now: datetime
) -> Recorded:
    """Write down what providers answered; marks the accounts concerned."""
    told = [_told(charge, out) for charge, out in outcomes if isinstance(out, Charged)]
    refusals = [_refused(charge, out) for charge, out in outcomes if isinstance(out, Declined)]
    await movements.hear(desk, tx, told, refusals, now)
    again: dict[str, timedelta] = {}
    stuck: dict[str, str] = {}
    undecided: list[Charge] = []
    machine_now = desk.clock.machine_now()
    for charge, out in outcomes:
        key = charge.order.attempt
        due = until_due(out.due_on, machine_now) if isinstance(out, Processing) else None
        if isinstance(out, Postponed):
            again[key] = timedelta(seconds=out.after_s)
        elif isinstance(out, Missing):
            again[key] = timedelta()
        elif due is not None:
            undecided.append(replace(charge, looks=charge.looks - 1))  # it is no look that counts
            again[key] = due
        elif isinstance(out, (Lost, Processing)):
            undecided.append(charge)
            looks = PENDING_LOOKS if isinstance(out, Processing) else UNKNOWN_LOOKS
            wait = looks.wait_after(charge.looks)
            if wait is not None:
                again[key] = wait
            else:
                stuck[key] = f"its outcome is unknown after {charge.looks} looks: {out}"
    await _reopen(tx, [charge for charge, out in outcomes if is_untouched(out)])
    await _leave_unknown(tx, undecided)
    return Recorded(again=again, stuck=stuck)


async def _unsettled(tx: Tx, attempt_ids: Sequence[str]) -> Sequence[Row[Any]]:
    c, method = attempt.c, payment_method.c
    has_fresh_money = exists().where(
        movement.c.account_id == c.account_id,
        movement.c.settled_at.is_(None),
        movement.c.kind == MovementKind.CLEARED,
    )
    query = (
        select(
            *(c.id, c.account_id, c.amount_minor, c.currency, c.called_at, c.looks),
            *(method.id.label("method_id"), method.provider, method.stopped),
            *(method.customer_ref, method.method_ref),
            *(account.c.number, invoice.c.number.label("document"), open_item.c.rest_minor),
            has_fresh_money.label("has_fresh_money"),
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


def _charge(row: Row[Any], machine_now: datetime) -> Charge:
    return Charge(
        provider=row.provider,
        order=ChargeOrder(
            attempt=AttemptId(row.id),
            account=row.number,
            customer=row.customer_ref,
            method=row.method_ref,
            amount=Money(row.amount_minor, row.currency),
            text=row.document,
            asked_at=row.called_at,
        ),
        owner=AccountId(row.account_id),
        number=row.number,
        looks=row.looks,
        is_asked=row.called_at is not None,
        called_at=row.called_at or machine_now,
    )


async def give_up(desk: Desk, tx: Tx, rows: Sequence[Row[Any]]) -> None:
    """Fail attempts that nobody refused: settling makes others where something is still owed."""
    if not rows:
        return
    await tx.execute(
        update(attempt)
        .where(among(tx.engine, attempt.c.id))
        .values(
            state=step(AttemptState.OPEN, AttemptState.FAILED).value,
            code=SUPERSEDED,
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


async def _reopen(tx: Tx, charges: Sequence[Charge]) -> None:
    """Let attempts of which nothing is known there start again.

    One that somebody else has asked for since stays as it is.
    """
    if charges:
        await tx.execute(
            update(attempt)
            .where(
                attempt.c.id == bindparam("key"),
                attempt.c.called_at == bindparam("called", type_=Instant),
                stands(UNSETTLED),
            )
            .values(state=AttemptState.OPEN.value, called_at=None),
            [{"key": each.order.attempt, "called": each.called_at} for each in charges],
        )


async def _leave_unknown(tx: Tx, charges: Sequence[Charge]) -> None:
    if charges:
        called_at = func.coalesce(attempt.c.called_at, bindparam("called", type_=Instant))
        await tx.execute(
            update(attempt)
            .where(attempt.c.id == bindparam("key"), stands(UNSETTLED))
            .values(state=AttemptState.UNKNOWN.value, looks=bindparam("seen"), called_at=called_at),
            [
                {"key": each.order.attempt, "seen": each.looks + 1, "called": each.called_at}
                for each in charges
            ],
        )
