"""Attempts at a mandate become debits: their payers are told the amount and the day before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, select, update

from billing.accounts.store import account, service
from billing.debits.model import EXPIRED, Creditor, DebitState, is_expired
from billing.debits.store import debit, mandate
from billing.flows.debits import creditor
from billing.flows.desk import Desk
from billing.payments.store import payment_method
from runtime import log
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.calendar import local_date
from terms.ids import NoticeId, ServiceId
from terms.money import Money
from terms.notice import Notice

NOTICE = "debit_comes"
NOTICE_LIFE = timedelta(hours=24)


async def announce(desk: Desk, tx: Tx, attempts: Sequence[Row[Any]]) -> list[Row[Any]]:
    """Announce attempts that are not announced yet; returns those whose mandate is over.

    While nobody is set up who collects, they wait: they are marked again every day.
    """
    c = debit.c
    keys = {KEYS: packed(tx.engine, [row.id for row in attempts])}
    known = select(c.attempt_id).where(among(tx.engine, c.attempt_id))
    there = {row.attempt_id for row in await tx.rows(known, keys)}
    fresh = [row for row in attempts if row.id not in there]
    rules = await creditor.find(tx) if fresh else None
    if rules is None:
        return []
    now = await desk.clock.business_now(tx)
    today = local_date(now, rules.zone)
    given = await _mandates(tx, [row.method_id for row in fresh])
    over = [row for row in fresh if _is_over(given.get(row.method_id), rules, today)]
    gone = {row.id for row in over}
    fresh = [row for row in fresh if row.id not in gone]
    await _expire(tx, sorted({row.method_id for row in over}))
    collect_on = rules.announced_for(today)
    rows = [_row(row, collect_on, now) for row in fresh]
    await tx.insert_new(debit, rows, key=("attempt_id",))
    await _tell(desk, tx, fresh, given, (rules.identifier, collect_on))
    return over


async def tell_again(
    desk: Desk, tx: Tx, attempts: Sequence[Row[Any]], rules: Creditor, collect_on: date
) -> None:
    """Tell payers another day than the one that they were told before."""
    given = await _mandates(tx, [row.method_id for row in attempts])
    told = (rules.identifier, collect_on)
    await _tell(desk, tx, attempts, given, told, mark=collect_on.strftime(".%y%m%d"))


def _is_over(one: Row[Any] | None, rules: Creditor, today: date) -> bool:
    collect_on = rules.announced_for(today)
    return one is None or is_expired(one.signed_on, one.used_on, collect_on)


async def _mandates(tx: Tx, methods: Sequence[str]) -> dict[str, Row[Any]]:
    m, p = mandate.c, payment_method.c
    query = (
        select(m.method_id, m.reference, m.signed_on, m.used_on, p.label)
        .join_from(mandate, payment_method, p.id == m.method_id)
        .where(among(tx.engine, m.method_id))
    )
    rows = await tx.rows(query, {KEYS: packed(tx.engine, sorted(set(methods)))})
    return {row.method_id: row for row in rows}


async def _expire(tx: Tx, methods: Sequence[str]) -> None:
    if methods:
        await tx.execute(
            update(payment_method)
            .where(among(tx.engine, payment_method.c.id), payment_method.c.stopped == "")
            .values(stopped=EXPIRED, is_default=False),
            {KEYS: packed(tx.engine, methods)},
        )


def _row(attempt: Row[Any], collect_on: date, now: datetime) -> dict[str, Any]:
    return {
        "attempt_id": attempt.id,
        "method_id": attempt.method_id,
        "state": DebitState.ANNOUNCED.value,
        "collect_on": collect_on,
        "announced_at": now,
        "batch_id": None,
        "sequence": "",
        "is_amended": False,
        "code": "",
        "returned_at": None,
        "entry_id": None,
    }


async def _tell(
    desk: Desk,
    tx: Tx,
    attempts: Sequence[Row[Any]],
    given: dict[str, Row[Any]],
    told: tuple[str, date],
    *,
    mark: str = "",
) -> None:
    if not attempts:
        return
    identifier, collect_on = told
    s, a = service.c, account.c
    query = (
        select(s.id, s.account_id, s.contract, a.locale)
        .join_from(service, account, a.id == s.account_id)
        .where(among(tx.engine, s.account_id))
        .order_by(s.id)
    )
    homes: dict[str, list[Row[Any]]] = {}
    keys = {KEYS: packed(tx.engine, sorted({row.account_id for row in attempts}))}
    for home in await tx.rows(query, keys):
        homes.setdefault(home.account_id, []).append(home)
    machine_now = desk.clock.machine_now()
    notices = [
        Notice(
            id=NoticeId(f"{row.id}.debit.{home.id}{mark}"),
            service=ServiceId(home.id),
            kind=NOTICE,
            not_after=machine_now + NOTICE_LIFE,
            params={
                "contract": home.contract,
                "amount": str(Money(row.amount_minor, row.currency)),
                "number": row.document,
                "day": collect_on.isoformat(),
                "account": given[row.method_id].label,
                "mandate": given[row.method_id].reference,
                "creditor": identifier,
            },
            locale=home.locale,
        )
        for row in attempts
        for home in homes.get(row.account_id, ())
    ]
    entries = [
        log.Entry(id=one.id, kind="notice", key=one.service, value=one.encode(), at=machine_now)
        for one in notices
    ]
    await log.append(tx, entries)
    await desk.work.mark(tx, "notify", [entry.id for entry in entries])
