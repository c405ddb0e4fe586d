"""Refunds are carried out at their providers: prepared, called outside any transaction, recorded.

That a provider is about to be asked is written down before it is asked. From then on a refund is
looked up, so that a lost answer or a crash never gives back twice, also after the provider has
forgotten the key. Once it is certain that nothing was done there, it starts again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, exists, or_, select, update

from billing.accounts.store import account
from billing.flows import movements
from billing.flows.calls import OUR_FAULT_S, Recorded, asked, is_untouched
from billing.flows.desk import Desk
from billing.flows.movements import Told
from billing.payments.looks import UNKNOWN_LOOKS
from billing.payments.model import MovementKind
from billing.payments.provider import (
    Declined,
    GivenBack,
    Lost,
    Missing,
    Outcome,
    Postponed,
    RefundOrder,
)
from billing.payments.refunds import UNDECIDED, RefundState, step
from billing.payments.store import movement, refund
from runtime.store import Instant, Tx
from runtime.store.among import KEYS, among, packed
from terms.ids import AccountId
from terms.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class GivingBack:
    """One refund on its way. `is_asked`: the provider was asked before, so it is looked up now."""

    provider: str
    order: RefundOrder
    owner: AccountId
    number: str
    looks: int
    is_asked: bool
    called_at: datetime


async def prepare(desk: Desk, tx: Tx, refund_ids: Sequence[str]) -> list[GivingBack]:
    """List what to talk to providers about; the other refunds need nothing any more."""
    machine_now = desk.clock.machine_now()
    rows = await _undecided(tx, refund_ids)
    first = [row.id for row in rows if row.called_at is None]
    if first:
        await tx.execute(
            update(refund).where(among(tx.engine, refund.c.id)).values(called_at=machine_now),
            {KEYS: packed(tx.engine, first)},
        )
    return [_giving_back(row, machine_now) for row in rows]


async def call(desk: Desk, one: GivingBack) -> Outcome:
    """Give back, or look up what was asked for before, with no transaction open. Never both."""
    provider = desk.providers.get(one.provider)
    if provider is None:
        why = f"no provider {one.provider} is set up"
        return Postponed(reason=why, after_s=OUR_FAULT_S, is_untouched=not one.is_asked)
    verb = provider.look_up_refund if one.is_asked else provider.refund
    return await asked(verb(one.order), is_asked=one.is_asked)


async def record(
    desk: Desk, tx: Tx, outcomes: Sequence[tuple[GivingBack, Outcome]], now: datetime
) -> Recorded:
    """Write down what providers answered: the money, how far each refund is."""
    done = [(one, out) for one, out in outcomes if isinstance(out, GivenBack)]
    refused = [(one, out) for one, out in outcomes if isinstance(out, Declined)]
    told = [
        Told(account=one.owner, number=one.number, provider=one.provider, moved=out.moved)
        for one, out in done
    ]
    await movements.hear(desk, tx, told, [], now)
    again: dict[str, timedelta] = {}
    stuck = {one.order.refund: f"the provider refuses it: {out.code}" for one, out in refused}
    lost: list[GivingBack] = []
    for one, out in outcomes:
        key = one.order.refund
        if isinstance(out, Postponed):
            again[key] = timedelta(seconds=out.after_s)
        elif isinstance(out, Missing):
            again[key] = timedelta()
        elif isinstance(out, Lost):
            lost.append(one)
            wait = UNKNOWN_LOOKS.wait_after(one.looks)
            if wait is not None:
                again[key] = wait
            else:
                stuck[key] = f"unknown, needs a look: {one.looks} looks have decided nothing: {out}"
    await _become(tx, RefundState.DONE, [_row(one, vendor_id=out.refund) for one, out in done])
    await bounce(tx, [out.refund for _, out in done])
    await _become(tx, RefundState.REFUSED, [_row(one, code=out.code) for one, out in refused])
    await _become(tx, RefundState.UNKNOWN, [_row(one, looks=one.looks + 1) for one in lost])
    await _start_again(tx, [one for one, out in outcomes if is_untouched(out)])
    return Recorded(again=again, stuck=stuck)


async def bounce(tx: Tx, vendor_ids: Sequence[str]) -> None:
    """Note which of some refunds did not arrive, as their providers have told."""
    if not vendor_ids:
        return
    c, m = refund.c, movement.c
    is_told = exists().where(
        m.provider == c.provider, m.ref == c.vendor_id, m.kind == MovementKind.BOUNCED
    )
    await tx.execute(
        update(refund)
        .where(among(tx.engine, c.vendor_id), c.state == RefundState.DONE, is_told)
        .values(state=step(RefundState.DONE, RefundState.BOUNCED).value),
        {KEYS: packed(tx.engine, sorted(vendor_ids))},
    )


async def _undecided(tx: Tx, keys: Sequence[str]) -> Sequence[Row[Any]]:
    c = refund.c
    query = (
        select(refund, account.c.number)
        .join_from(refund, account, account.c.id == c.account_id)
        .where(among(tx.engine, c.id), c.state.in_(sorted(UNDECIDED)))
        .order_by(c.id)
    )
    if tx.engine == "postgresql":
        query = query.with_for_update(of=refund)
    return await tx.rows(query, {KEYS: packed(tx.engine, keys)})


def _giving_back(row: Row[Any], machine_now: datetime) -> GivingBack:
    return GivingBack(
        provider=row.provider,
        order=RefundOrder(
            refund=row.id,
            charge=row.charge,
            amount=Money(row.amount_minor, row.currency),
            asked_at=row.called_at,
        ),
        owner=AccountId(row.account_id),
        number=row.number,
        looks=row.looks,
        is_asked=row.called_at is not None,
        called_at=row.called_at or machine_now,
    )


def _row(one: GivingBack, *, vendor_id: str = "", code: str = "", looks: int = 0) -> dict[str, Any]:
    return {
        "key": one.order.refund,
        "to_vendor_id": vendor_id,
        "to_code": code,
        "to_looks": looks or one.looks,
    }


def _is_undecided() -> ColumnElement[bool]:
    """Build the condition; fit for an executemany."""
    return or_(*(refund.c.state == state.value for state in sorted(UNDECIDED)))


async def _become(tx: Tx, state: RefundState, rows: Sequence[dict[str, Any]]) -> None:
    """Have refunds take a step; what is decided already stays as it is."""
    if rows:
        await tx.execute(
            update(refund)
            .where(
                refund.c.id == bindparam("key"),
                _is_undecided(),
            )
            .values(
                state=state.value,
                vendor_id=bindparam("to_vendor_id"),
                code=bindparam("to_code"),
                looks=bindparam("to_looks"),
            ),
            list(rows),
        )


async def _start_again(tx: Tx, refunds: Sequence[GivingBack]) -> None:
    """Let refunds of which nothing is known there start again, unless somebody has asked since."""
    if refunds:
        await tx.execute(
            update(refund)
            .where(
                refund.c.id == bindparam("key"),
                refund.c.called_at == bindparam("called", type_=Instant),
                _is_undecided(),
            )
            .values(state=RefundState.OPEN.value, called_at=None),
            [{"key": one.order.refund, "called": one.called_at} for one in refunds],
        )
