"""While a bill run goes on, whoever pays does not wait for its end."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select

from app.desk import paying
from app.desk.boxes import holder_of
from app.imports.load import import_paths
from app.roles.crew import lanes, settling
from app.roles.pace import ALONE_S, BESIDE_OTHERS, BY_ITSELF, longer_while_alone
from app.roles.possessions import take_possessions
from app.wiring import House
from billing.reads import account
from runtime.presence import Presence
from runtime.store import to_micros
from runtime.work import work
from terms.money import Money
from tests.flows.app.served import ENVIRONMENT, HARBOUR, HARBOUR_BEGINS, go_to
from tests.flows.app.shop import opened, settings_for

CONTRACT = "200001"
DUE_COUNT = 1_000
WITHIN_S = 30.0


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
    """A payment amid a thousand accounts due at midnight waits for none of their batches."""
    paid_lane, lane = (lanes(house)[name] for name in ("settle", "settle by time"))
    async with house.store.begin() as tx:
        midnight = await house.clock.business_now(tx) - timedelta(hours=9)
        due = {f"due-{n:04}": midnight for n in range(DUE_COUNT)}
        await house.work.schedule(tx, "settle", due)
    first = await lane.turn()
    assert 0 < first < BESIDE_OTHERS[house.store.engine].rows_max
    async with house.store.begin() as tx:
        cash = Money.parse("26.40", "EUR")
        await paying.take_cash(house, tx, CONTRACT, amount=cash, reference="R-1", actor="test")
        key = (await holder_of(tx, CONTRACT)).account
    assert await paid_lane.turn() == 1
    async with house.store.read() as tx:
        look = await tx.scalar(select(work.c.is_scheduled).where(work.c.key == key))
        paid = (await account.view(tx, CONTRACT)).payments
    assert look in {None, 1}, "it was settled and waits for its next bill"
    assert [one.amount for one in paid] == [cash]
    assert await waiting(house) == DUE_COUNT - first
    while await lane.turn():
        pass
    assert await waiting(house) == 0


async def test_a_run_that_is_alone_takes_more_at_once(house: House):
    """On SQLite, for as long as no other process is there; on PostgreSQL nobody waits for it."""
    lane = settling(house, BY_ITSELF)
    stride = lane.stride
    assert stride is not None
    beside_others_s = BY_ITSELF[house.store.engine].within_s
    alone_s = ALONE_S if house.store.is_sqlite else beside_others_s
    other = Presence(house.store, house.clock, house.chance, role="all", version="1")

    async def until(within_s: float) -> None:
        async with asyncio.timeout(WITHIN_S):
            while stride.within_s != within_s:  # noqa: ASYNC110 - a stride tells nobody
                await asyncio.sleep(0.02)

    async with longer_while_alone(house, lane):
        assert stride.within_s == alone_s
        await other.tell()
        await until(beside_others_s)
        await other.leave()
        await until(alone_s)
    await other.tell()
    async with longer_while_alone(house, lane):
        assert stride.within_s == beside_others_s
