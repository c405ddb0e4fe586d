"""A whole base is billed: what that comes to is told first, and what is broken stops nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, update

from app.desk import billdays
from app.imports.load import import_paths
from app.roles import billing
from app.roles.billing import Asked
from app.wiring import House
from billing.accounts.store import account, service
from billing.billdays.model import DayState
from billing.equipment.store import rental
from billing.flows.publish import Publication, publish
from billing.invoicing.store import credit_note, invoice
from billing.subscriptions.store import subscription
from runtime.store import audit, to_micros
from runtime.work import work
from terms.errors import DomainError, Invalid
from tests.flows.app.served import ENVIRONMENT, HARBOUR, HARBOUR_BEGINS, go_to
from tests.flows.app.shop import opened, settings_for

APRIL = datetime(2040, 4, 1, 12, tzinfo=UTC)
HOUSEHOLDS = 25


def quiet(_done: int, _many: int) -> None:
    """Tell nobody."""


@pytest.fixture
async def house(migrated_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """Return a house whose operator has been paid up to April, once on each database."""
    async with opened(settings_for(tmp_path, migrated_url)) as built:
        await go_to(built, HARBOUR_BEGINS)
        assert list((await import_paths(built, [HARBOUR], ENVIRONMENT)).problems) == []
        yield built


async def totals(house: House) -> tuple[int, int]:
    """Count the invoices and sum what they are for."""
    async with house.store.read() as tx:
        found = await tx.rows(select(invoice.c.total_minor))
    return len(found), sum(row.total_minor for row in found)


async def test_what_is_foretold_is_what_is_billed(house: House):
    """A preview of April writes nothing; the run in April bills that, to the cent, and once."""
    foretold = await billing.preview(house, Asked(day=APRIL.date()), quiet)
    (sums,) = foretold.sums.values()
    assert (foretold.accounts, sums.invoices) == (HOUSEHOLDS, HOUSEHOLDS)
    assert await totals(house) == (0, 0)
    await go_to(house, APRIL)
    ran = await billing.run(house, quiet, actor="test")
    assert (ran.accounts, ran.left) == (HOUSEHOLDS, 0)
    assert await totals(house) == (sums.invoices, sums.total.amount_minor)
    again = await billing.run(house, quiet, actor="test")
    assert (again.accounts, await totals(house)) == (0, (HOUSEHOLDS, sums.total.amount_minor))


async def test_a_broken_account_is_named_and_the_rest_goes_on(house: House):
    """One account in a currency without prices is told before and left behind, nobody else is."""
    async with house.store.begin() as tx:
        key = await tx.scalar(select(service.c.account_id).where(service.c.contract == "200007"))
        await tx.execute(update(account).where(account.c.id == key).values(currency="USD"))
    foretold = await billing.preview(house, Asked(day=APRIL.date()), quiet)
    assert [(one.number, "no price in USD" in one.why) for one in foretold.broken] == [
        ("200007", True)
    ]
    assert foretold.sums["EUR"].invoices == HOUSEHOLDS - 1
    await go_to(house, APRIL)
    ran = await billing.run(house, quiet, actor="test")
    assert (await totals(house))[0] == HOUSEHOLDS - 1
    assert ran.left == 1


async def test_a_much_larger_bill_is_shown(house: House):
    """Whoever would pay twice the usual is on the list, with both amounts; nobody else is."""
    await go_to(house, APRIL)
    await billing.run(house, quiet, actor="test")
    async with house.store.begin() as tx:
        key = await tx.scalar(select(service.c.id).where(service.c.contract == "200003"))
        mine = update(subscription).where(subscription.c.service_id == key)
        await tx.execute(mine.values(quantity=3))
    foretold = await billing.preview(house, Asked(day=date(2040, 5, 1)), quiet)
    assert foretold.shocks_count == 1
    (shock,) = foretold.shocks
    assert (shock.number, shock.name) == ("200003", "Subscriber 03")
    assert shock.total.amount_minor > 2 * shock.usual.amount_minor
    calm = Asked(day=date(2040, 5, 1), shock_percent=1_000)
    assert (await billing.preview(house, calm, quiet)).shocks == []


async def test_who_comes_and_who_goes_is_told(house: House):
    """In April all are billed for the first time; in May nobody is, and who has left is named."""
    foretold = await billing.preview(house, Asked(day=APRIL.date()), quiet)
    assert (foretold.fresh_count, foretold.gone_count) == (HOUSEHOLDS, 0)
    numbers = [one.number for one in foretold.fresh]
    assert numbers == sorted(numbers)
    await go_to(house, APRIL)
    await billing.run(house, quiet, actor="test")
    async with house.store.begin() as tx:
        for contract in ("200003", "200004"):
            key = await tx.scalar(select(service.c.id).where(service.c.contract == contract))
            for had in (subscription, rental):
                mine = update(had).where(had.c.service_id == key)
                await tx.execute(mine.values(until_on=date(2040, 5, 1)))
        home = await tx.scalar(select(service.c.account_id).where(service.c.contract == "200004"))
        await tx.execute(delete(work).where(work.c.kind == "settle", work.c.key == home))
    foretold = await billing.preview(house, Asked(day=date(2040, 5, 1)), quiet)
    assert (foretold.fresh_count, foretold.gone_count) == (0, 2)
    assert [one.number for one in foretold.gone] == ["200003", "200004"]
    assert foretold.sums["EUR"].invoices == HOUSEHOLDS - 2


async def test_a_bill_day_is_looked_at_and_let_go(house: House):
    """With a preview window April stays a draft: a run bills nothing until somebody releases it.

    What the preview told is kept beside the day, and what is billed then is that.
    """
    async with house.store.begin() as tx:
        await publish(tx, Publication(zone="Europe/Vienna", window_days=4), APRIL)
    await go_to(house, APRIL)
    ran = await billing.run(house, quiet, actor="test")
    assert (ran.left, ran.waiting[-1], await totals(house)) == (0, APRIL.date(), (0, 0))
    foretold = await billing.preview(house, Asked(day=APRIL.date()), quiet)
    async with house.store.read() as tx:
        days = {one.day: one for one in (await billdays.days(house, tx)).days}
    draft = days[APRIL.date()]
    assert (draft.state, draft.opens_on) == (DayState.DRAFT, date(2040, 4, 5))
    assert draft.sums[0].total == str(foretold.sums["EUR"].total)
    assert (draft.accounts, draft.fresh) == (HOUSEHOLDS, HOUSEHOLDS)
    assert days[date(2040, 4, 2)].state is DayState.COMING
    with pytest.raises(DomainError, match=f"{HOUSEHOLDS} accounts are due"):
        await billing.preview(house, Asked(day=APRIL.date(), accounts_max=3), quiet)
    async with house.store.begin() as tx:
        done = await billdays.release(house, tx, APRIL.date(), "cli:olga", reason="looks right")
    assert (done.state, done.released_by) == (DayState.RELEASED, "cli:olga")
    ran = await billing.run(house, quiet, actor="test")
    assert (ran.accounts, ran.left, ran.waiting) == (HOUSEHOLDS, 0, ())
    assert await totals(house) == (HOUSEHOLDS, foretold.sums["EUR"].total.amount_minor)
    with pytest.raises(Invalid, match="is over"):
        await billing.preview(house, Asked(day=date(2040, 3, 1)), quiet)
    with pytest.raises(Invalid, match="too far ahead"):
        await billing.preview(house, Asked(day=date.max), quiet)
    async with house.store.read() as tx:
        (deed,) = await audit.history(tx, f"bill:{APRIL.date()}")
    assert (deed.action, deed.reason) == ("bill.release", "looks right")


async def test_what_is_due_is_no_difference(house: House):
    """Before April is billed it is due; whoever the work does not know to be due differs."""
    await go_to(house, APRIL)
    since = APRIL - timedelta(days=60)
    found = await billing.recheck(house, since, quiet)
    assert (found.due["EUR"].invoices, found.differs, found.is_right) == (HOUSEHOLDS, {}, True)
    assert await totals(house) == (0, 0)
    async with house.store.begin() as tx:
        lost, odd = [
            await tx.scalar(select(service.c.account_id).where(service.c.contract == contract))
            for contract in ("200003", "200007")
        ]
        mine = update(work).where(work.c.kind == "settle", work.c.key == lost)
        await tx.execute(mine.values(due_at=to_micros(APRIL + timedelta(days=20))))
        await tx.execute(update(account).where(account.c.id == odd).values(currency="USD"))
    found = await billing.recheck(house, since, quiet)
    assert (found.due["EUR"].invoices, found.differs["EUR"].invoices) == (HOUSEHOLDS - 2, 1)
    assert [one.number for one in found.broken] == ["200007"]
    assert (found.accounts, found.is_right) == (HOUSEHOLDS, False)


async def test_a_recheck_finds_what_nobody_reopened(house: House):
    """Books that are right show nothing; an end that was written past the stories is found."""
    await go_to(house, APRIL)
    await billing.run(house, quiet, actor="test")
    since = APRIL - timedelta(days=60)
    found = await billing.recheck(house, since, quiet)
    assert (found.accounts, found.differs, found.due, found.broken_count) == (HOUSEHOLDS, {}, {}, 0)
    assert found.is_right
    async with house.store.begin() as tx:
        key = await tx.scalar(select(service.c.id).where(service.c.contract == "200003"))
        mine = update(subscription).where(subscription.c.service_id == key)
        await tx.execute(mine.values(until_on=APRIL.date() + timedelta(days=9)))
    found = await billing.recheck(house, since, quiet)
    (sums,) = found.differs.values()
    assert (sums.invoices, sums.given_back.amount_minor > 0) == (0, True)
    assert (found.due, found.is_right) == ({}, False)
    async with house.store.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(credit_note)) == 0
