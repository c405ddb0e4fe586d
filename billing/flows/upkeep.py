"""What is known of payment methods is kept up: described by their providers, or forgotten there.

Prepared, called outside any transaction, recorded. An end that is near is told to its holder. One
without a name that a bank has refused for good is asked for once: people have to know which it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, or_, select, update

from billing.accounts.store import account, service
from billing.flows.calls import Recorded
from billing.flows.desk import Desk
from billing.flows.methods import GONE, OVER
from billing.payments.model import DEBIT, MAY_GO_ON
from billing.payments.provider import Described, Missing, Postponed
from billing.payments.store import payment_method
from runtime import log
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.calendar import days_after, local_date
from terms.errors import Permanent, TargetError, Throttled, Unauthorized
from terms.ids import AccountId, NoticeId, ServiceId
from terms.notice import Notice

NOTICE = "card_expires"
WARNED_DAYS = 30
NOTICE_LIFE = timedelta(hours=24)
ROWS_MAX = 500

AGAIN_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck:
    """The provider will never say; a person has to look why."""

    reason: str


Found = Described | Missing | Postponed | Stuck | None  # None: it was forgotten


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A method to be looked at; one that `is_leaving` is forgotten at its provider."""

    id: str
    account: AccountId
    provider: str
    ref: str
    is_leaving: bool


def is_refused_unnamed() -> ColumnElement[bool]:
    """Build the condition of a method that was refused for good before anybody knew its name."""
    c = payment_method.c
    is_refused = c.stopped.not_in([*sorted(MAY_GO_ON), *sorted(OVER)])
    return and_(is_refused, c.label == "", c.asked_at.is_(None), c.provider != DEBIT)


async def prepare(_: Desk, tx: Tx, method_ids: Sequence[str]) -> list[Kept]:
    """List methods to talk to providers about."""
    c = payment_method.c
    query = select(payment_method).where(
        among(tx.engine, c.id),
        or_(c.is_leaving, c.stopped.in_(sorted(MAY_GO_ON)), is_refused_unnamed()),
        c.provider != DEBIT,
    )
    return [
        Kept(
            id=row.id,
            account=AccountId(row.account_id),
            provider=row.provider,
            ref=row.method_ref,
            is_leaving=row.is_leaving,
        )
        for row in await tx.rows(query.order_by(c.id), {KEYS: packed(tx.engine, method_ids)})
    ]


async def call(desk: Desk, one: Kept) -> Found:
    """Ask the provider, with no transaction open."""
    provider = desk.providers.get(one.provider)
    if provider is None:
        return Postponed(reason=f"no provider {one.provider} is set up", after_s=AGAIN_S)
    try:
        if one.is_leaving:
            await provider.forget(one.ref)
            return None
        return await provider.describe(one.ref)
    except TargetError as error:
        if isinstance(error, Permanent) and not isinstance(error, Unauthorized):
            return Stuck(reason=str(error))
        wait_s = error.retry_after_s if isinstance(error, Throttled) else AGAIN_S
        return Postponed(reason=str(error), after_s=wait_s)


async def record(desk: Desk, tx: Tx, found: Sequence[tuple[Kept, Found]], _: datetime) -> Recorded:
    """Write down what a method is, or that it cannot be charged any more."""
    c = payment_method.c
    left = [one.id for one, what in found if what is None]
    gone = [one for one, what in found if isinstance(what, Missing)]
    rows = [
        {"key": one.id, "to_label": what.label or one.ref, "to_end": what.expires_on}
        for one, what in found
        if isinstance(what, Described)
    ]
    if rows:
        await tx.execute(
            update(payment_method)
            .where(c.id == bindparam("key"))
            .values(label=bindparam("to_label"), expires_on=bindparam("to_end")),
            rows,
        )
    if left:
        forgotten = update(payment_method).where(among(tx.engine, c.id)).values(is_leaving=False)
        await tx.execute(forgotten, {KEYS: packed(tx.engine, left)})
    if gone:
        await tx.execute(
            update(payment_method)
            .where(among(tx.engine, c.id), c.stopped.in_(sorted(MAY_GO_ON)))
            .values(stopped=GONE, is_default=False),
            {KEYS: packed(tx.engine, [one.id for one in gone])},
        )
        await tx.execute(
            update(payment_method)
            .where(among(tx.engine, c.id), is_refused_unnamed())
            .values(asked_at=desk.clock.machine_now()),
            {KEYS: packed(tx.engine, [one.id for one in gone])},
        )
        await desk.work.mark(tx, "settle", sorted({one.account for one in gone}))
    later = [(one.id, what) for one, what in found if isinstance(what, Postponed)]
    return Recorded(
        again={key: timedelta(seconds=what.after_s) for key, what in later},
        stuck={one.id: what.reason for one, what in found if isinstance(what, Stuck)},
        why={key: what.reason for key, what in later},
    )


async def warn(desk: Desk, tx: Tx, now: datetime) -> int:
    """Tell holders once of each end of a card that comes within a month; returns of how many."""
    c, today = payment_method.c, now.date()
    # A day more on each side: whose day it is, their zone says.
    soon = c.expires_on.between(days_after(today, -1), days_after(today, WARNED_DAYS + 1))
    untold = or_(c.warned_of.is_(None), c.warned_of != c.expires_on)
    query = (
        select(payment_method, account.c.zone, account.c.locale)
        .join_from(payment_method, account, account.c.id == c.account_id)
        .where(c.stopped == "", soon, untold)
        .order_by(c.id)
        .limit(ROWS_MAX)
    )
    due = [row for row in await tx.rows(query) if _is_soon(row, now)]
    if not due:
        return 0
    homes = await _homes(tx, sorted({row.account_id for row in due}))
    told_until = desk.clock.machine_now() + NOTICE_LIFE
    notices = [
        _notice(row, home, told_until) for row in due for home in homes.get(row.account_id, ())
    ]
    machine_now = desk.clock.machine_now()
    entries = [
        log.Entry(id=one.id, kind="notice", key=one.service, value=one.encode(), at=machine_now)
        for one in notices
    ]
    await log.append(tx, entries)
    await desk.work.mark(tx, "notify", [entry.id for entry in entries])
    await tx.execute(
        update(payment_method).where(among(tx.engine, c.id)).values(warned_of=c.expires_on),
        {KEYS: packed(tx.engine, [row.id for row in due])},
    )
    return len(due)


def _is_soon(row: Any, now: datetime) -> bool:
    today = local_date(now, row.zone)
    end: date = row.expires_on
    return today <= end <= days_after(today, WARNED_DAYS)


async def _homes(tx: Tx, accounts: Sequence[str]) -> dict[str, list[Any]]:
    c = service.c
    query = select(c.id, c.account_id, c.contract).where(among(tx.engine, c.account_id))
    homes: dict[str, list[Any]] = {}
    for row in await tx.rows(query.order_by(c.id), {KEYS: packed(tx.engine, accounts)}):
        homes.setdefault(row.account_id, []).append(row)
    return homes


def _notice(row: Any, home: Any, not_after: datetime) -> Notice:
    return Notice(
        id=NoticeId(f"{row.id}.{row.expires_on:%y%m}.{home.id}"),
        service=ServiceId(home.id),
        kind=NOTICE,
        not_after=not_after,
        params={
            "contract": home.contract,
            "card": row.label,
            "month": f"{row.expires_on:%m/%Y}",
        },
        locale=row.locale,
    )
