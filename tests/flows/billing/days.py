"""What must be true of days: each is charged once where it is had, and not where it is not."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta

from sqlalchemy import ColumnElement, Date, and_, func, literal, select

from billing.equipment.store import rental
from billing.invoicing.store import credit_line, invoice_line
from billing.rating.coverage import less, within
from billing.rating.model import BY_THE_PERIOD
from billing.subscriptions.store import pause, pause_from, subscription
from runtime.store import Store
from terms.calendar import Period


def every(periods: Iterable[Period]) -> Counter[date]:
    """Count how often each day is in periods."""
    return Counter(one.start + timedelta(days=n) for one in periods for n in range(one.days))


async def each_day_once(store: Store, today: date) -> None:
    """Check that each subject has paid once for each day it is had up to its last line.

    Days to come that were given back and are to be had after all are charged when they come. Of a
    line that charged nothing, or whose all was given back otherwise, there is nothing to give back.
    """
    charged, back = await _charged(store), await _given_back(store)
    c, line = credit_line.c, invoice_line.c
    mine = and_(c.invoice_id == line.invoice_id, c.invoice_n == line.n)
    gone = select(func.coalesce(func.sum(c.amount_minor), 0)).where(mine).scalar_subquery()
    free = await _charged(store, line.amount_minor == gone)
    rests = await _rests(store)
    for subject, service, start, until in await _subjects(store):
        lines = charged.get(subject, [])
        paid = every(lines)
        paid.subtract(every(back.get(subject, [])))
        assert set(paid.values()) <= {0, 1}, subject
        end = max((one.end for one in lines), default=start)
        lasts = within(start, until, Period(start, end)) if start < end else None
        wanted = every(less([lasts], rests.get(service, []))) if lasts else Counter()
        has = {day for day, count in paid.items() if count}
        assert has <= set(wanted) | set(every(free.get(subject, []))), subject
        assert all(day > today for day in set(wanted) - has), subject


async def _subjects(store: Store) -> list[tuple[str, str, date, date | None]]:
    async with store.read() as tx:
        return [
            (row.id, row.service_id, row.charged_from, row.until_on)
            for table in (subscription, rental)
            for row in await tx.rows(select(table))
        ]


async def _charged(store: Store, *of: ColumnElement[bool]) -> dict[str, list[Period]]:
    kinds = [kind.value for kind in BY_THE_PERIOD]
    query = select(invoice_line).where(invoice_line.c.kind.in_(kinds), *of)
    async with store.read() as tx:
        return _by_subject(await tx.rows(query))


async def _given_back(store: Store) -> dict[str, list[Period]]:
    c, line = credit_line.c, invoice_line.c
    kinds = [kind.value for kind in BY_THE_PERIOD]
    query = (
        select(line.subject, c.period_start, c.period_end)
        .join_from(
            credit_line, invoice_line, and_(line.invoice_id == c.invoice_id, line.n == c.invoice_n)
        )
        .where(line.kind.in_(kinds), c.period_end > literal(date(1990, 1, 1), Date))
        .where(c.goodwill_id.is_(None))
    )
    async with store.read() as tx:
        return _by_subject(await tx.rows(query))


def _by_subject(rows) -> dict[str, list[Period]]:
    found: dict[str, list[Period]] = {}
    for row in rows:
        found.setdefault(row.subject, []).append(Period(row.period_start, row.period_end))
    return found


async def _rests(store: Store) -> dict[str, list[Period]]:
    found: dict[str, list[Period]] = {}
    async with store.read() as tx:
        for row in await tx.rows(select(pause)):
            days = pause_from(row).days
            if days:
                found.setdefault(row.service_id, []).append(days)
    return found
