"""A whole base is billed: what that comes to is told first, and what is broken stops nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from app.imports.load import import_paths
from app.roles import billing
from app.roles.possessions import take_possessions
from app.wiring import House
from billing.accounts.store import account, service
from billing.invoicing.store import credit_note, invoice
from billing.subscriptions.store import subscription
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
        await take_possessions(built)
        await billing.run(built, quiet, actor="test")
        yield built


async def totals(house: House) -> tuple[int, int]:
    """Count the invoices and sum what they are for."""
    async with house.store.read() as tx:
        found = await tx.rows(select(invoice.c.total_minor))
    return len(found), sum(row.total_minor for row in found)


async def test_what_is_foretold_is_what_is_billed(house: House):
    """A preview of April writes nothing; the run in April bills that, to the cent, and once."""
    foretold = await billing.preview(house, APRIL, quiet)
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
    foretold = await billing.preview(house, APRIL, quiet)
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
    foretold = await billing.preview(house, APRIL + timedelta(days=30), quiet)
    assert foretold.shocks_count == 1
    (shock,) = foretold.shocks
    assert (shock.number, shock.name) == ("200003", "Subscriber 03")
    assert shock.total.amount_minor > 2 * shock.usual.amount_minor


async def test_a_recheck_finds_what_nobody_reopened(house: House):
    """Books that are right show nothing; an end that was written past the stories is found."""
    await go_to(house, APRIL)
    await billing.run(house, quiet, actor="test")
    since = APRIL - timedelta(days=60)
    found = await billing.recheck(house, since, quiet)
    assert (found.accounts, found.sums, found.broken_count) == (HOUSEHOLDS, {}, 0)
    async with house.store.begin() as tx:
        key = await tx.scalar(select(service.c.id).where(service.c.contract == "200003"))
        mine = update(subscription).where(subscription.c.service_id == key)
        await tx.execute(mine.values(until_on=APRIL.date() + timedelta(days=9)))
    (sums,) = (await billing.recheck(house, since, quiet)).sums.values()
    assert (sums.invoices, sums.given_back.amount_minor > 0) == (0, True)
    async with house.store.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(credit_note)) == 0
