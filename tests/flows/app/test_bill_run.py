"""While a bill run goes on, whoever pays does not wait for its end."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select

from app.desk import paying
from app.desk.boxes import holder_of
from app.imports.load import import_paths
from app.roles.crew import BESIDE_OTHERS, lanes
from app.roles.possessions import take_possessions
from app.wiring import House
from billing.reads import account
from runtime.store import to_micros
from runtime.work import work
from terms.money import Money
from tests.flows.app.served import ENVIRONMENT, HARBOUR, HARBOUR_BEGINS, go_to
from tests.flows.app.shop import opened, settings_for

CONTRACT = "200001"
DUE_COUNT = 1_000


@pytest.fixture
async def house(migrated_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """Return a house with an operator and no work to do, once on each database."""
    async with opened(settings_for(tmp_path, migrated_url)) as built:
        await go_to(built, HARBOUR_BEGINS)
        outcome = await import_paths(built, [HARBOUR], ENVIRONMENT)
        assert list(outcome.problems) == []
        await take_possessions(built)
        async with built.store.begin() as tx:
            await tx.execute(delete(work))
        yield built


async def waiting(house: House) -> int:
    """How many accounts the bill run has still to settle."""
    async with house.store.read() as tx:
        now = await house.clock.business_now(tx)
        due = work.c.kind == "settle", work.c.key.like("due-%"), work.c.due_at <= to_micros(now)
        return int(await tx.scalar(select(func.count()).select_from(work).where(*due)))


async def test_a_bill_run_delays_no_restore(house: House):
    """A payment amid a thousand accounts due at midnight is settled by the very next batch."""
    lane = lanes(house)["settle"]
    async with house.store.begin() as tx:
        midnight = await house.clock.business_now(tx) - timedelta(hours=9)
        due = {f"due-{n:04}": midnight for n in range(DUE_COUNT)}
        await house.work.schedule(tx, "settle", due)
    first = await lane.turn()
    assert 0 < first < BESIDE_OTHERS.rows_max
    async with house.store.begin() as tx:
        cash = Money.parse("26.40", "EUR")
        await paying.take_cash(house, tx, CONTRACT, amount=cash, reference="R-1", actor="test")
        key = (await holder_of(tx, CONTRACT)).account
    second = await lane.turn()
    async with house.store.read() as tx:
        look = await tx.scalar(select(work.c.is_scheduled).where(work.c.key == key))
        paid = (await account.view(tx, CONTRACT)).payments
    assert look in {None, 1}, "it was settled and waits for its next bill"
    assert [one.amount for one in paid] == [cash]
    assert await waiting(house) == DUE_COUNT - first - (second - 1), "one was the payment's"
    while await lane.turn():
        pass
    assert await waiting(house) == 0
