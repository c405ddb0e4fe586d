"""A bill run is one run, however often it is begun, who dies in it, and what happens meanwhile.

Every run is over a copy of one base and ends as an undisturbed one, row by row, but for what chance
and order have a part in.
"""

import asyncio
import json
import random
import signal
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.roles import billing, crew
from app.roles.pace import BESIDE_OTHERS
from billing.accounts.store import account
from billing.flows.pay import take_cash
from billing.flows.publish import Publication, publish
from billing.invoicing.store import invoice, invoice_line
from billing.payments.store import movement
from runtime.store import Store
from terms.money import Money
from tests.fixtures.alike import as_it_is, differences
from tests.fixtures.base import RUN_AT
from tests.fixtures.billing import ZONE, price
from tests.fixtures.billing_run import Ground, Told, ended, filled
from tests.services.postgres import Server

pytestmark = pytest.mark.timeout(120)  # it starts many processes

HOUSEHOLDS = 60
KILLED = -signal.SIGKILL
TOMORROW = RUN_AT.date() + timedelta(days=1)
CHARGES = ("invoice", "invoice_line", "invoice_discount", "credit_note", "credit_line")


@pytest.fixture(scope="module")
def sqlite_base(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite file with a base that is due."""
    ground = Ground.copied(sqlite_template, tmp_path_factory.mktemp("base"))
    filled(ground.url, HOUSEHOLDS)
    return ground.folder / "base.db"


@pytest.fixture(scope="module")
def postgres_base(postgres_server: Server, postgres_template: str) -> Iterator[str]:
    """Return the address of a PostgreSQL database with the same base."""
    url = postgres_server.create(postgres_template)
    filled(url, HOUSEHOLDS)
    yield url
    postgres_server.drop(url)


@pytest.fixture(params=["sqlite", "postgres"])
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    """Return a copy of the base, once on each engine."""
    if request.param == "sqlite":
        yield Ground.copied(request.getfixturevalue("sqlite_base"), tmp_path)
        return
    server: Server = request.getfixturevalue("postgres_server")
    url = server.create(request.getfixturevalue("postgres_base"))
    yield Ground(url=url, folder=tmp_path)
    server.drop(url)


@pytest.fixture(scope="module")
def quiet(sqlite_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Tell what an undisturbed run comes to."""
    ground = Ground.copied(sqlite_base, tmp_path_factory.mktemp("quiet"))

    async def story() -> Told:
        await billed(ground)
        return await ground.told()

    return asyncio.run(story())


async def billed(ground: Ground) -> int:
    """Run in this process, to the end; returns how many accounts were settled."""
    async with ground.house() as house:
        ran = await billing.run(house, lambda *_: None, actor="test")
    assert ran.left == 0
    return ran.accounts


async def same_as(quiet: Told, ground: Ground) -> None:
    """Check that a run came to what an undisturbed one does, and that the books are sound."""
    assert differences(await ground.told(), quiet) == []
    assert await ground.broken() == []


async def test_the_base_is_worth_billing(quiet: Told):
    """The run has everything to do that a run may have."""
    told = (*CHARGES, "entry", "allocation", "attempt", "hold", "dunning_notice", "open_item")
    counts = {name: quiet[name].total() for name in told}
    assert min(counts.values()) > 2, counts


async def test_a_month_run_twice_is_run_once(ground: Ground, quiet: Told):
    """The second run settles nobody and leaves every table as it is, to the last id and instant."""
    assert await billed(ground) == HOUSEHOLDS
    await same_as(quiet, ground)
    store = Store(ground.url)
    before = await as_it_is(store)
    assert await billed(ground) == 0
    assert await as_it_is(store) == before
    await store.close()


@pytest.mark.parametrize("crash", ["before_settle", "after_decide:2", "after_settle:2"])
async def test_killed_at_a_point_and_run_again_it_is_one_run(
    ground: Ground, quiet: Told, crash: str
):
    """Whatever was decided or committed when the process died, nothing is lost or done twice."""
    await ground.begin()
    assert await ended(ground.bill(BOXOFFICE_CRASH_AT=crash)) == KILLED
    assert 0 < await ground.due() <= HOUSEHOLDS
    await ground.to_the_end()
    await same_as(quiet, ground)


async def test_killed_at_any_instant_and_run_again_it_is_one_run(ground: Ground, quiet: Told):
    """Killed twice, wherever it was, the run ends as an undisturbed one (tests/chaos: often)."""
    await ground.begin()
    await ground.killed(random.Random(1), deaths=2, at_most=HOUSEHOLDS // 2)
    await ground.to_the_end()
    await same_as(quiet, ground)


async def test_two_runs_at_once_are_one_run(ground: Ground, quiet: Told):
    """Two processes that bill the same base share it: nobody is billed twice, nothing is parked."""
    await ground.begin()
    both = [ground.bill(), ground.bill()]
    told = [json.loads(await asyncio.to_thread(one.stdout.read)) for one in both]
    assert {await ended(one) for one in both} <= {0, 1}, "one may end while the other still writes"
    assert sum(one["accounts"] for one in told) == HOUSEHOLDS
    await same_as(quiet, ground)


async def test_who_pays_while_it_runs_pays_once_and_is_charged_alike(ground: Ground, quiet: Told):
    """Each third household pays in the middle of the run: all of it counts, and no charge moves."""
    store = Store(ground.url)
    async with store.read() as tx:
        rows = await tx.rows(select(account.c.number, account.c.currency))
        before = await tx.scalar(select(func.count()).select_from(movement))
    payers = sorted((row.number, row.currency) for row in rows)[::3]

    async with ground.house() as house:

        async def pay() -> None:
            for contract, currency in payers:
                async with house.store.begin() as tx:
                    await take_cash(
                        house.desk,
                        tx,
                        contract,
                        RUN_AT,
                        amount=Money(1234, currency),
                        reference=f"{contract} meanwhile",
                    )

        await asyncio.gather(billing.run(house, lambda *_: None, actor="test"), pay())
    await billed(ground)
    told = await ground.told()
    for name in CHARGES:
        assert told[name] == quiet[name], name
    async with store.read() as tx:
        unsettled = select(movement.c.id).where(movement.c.settled_at.is_(None))
        assert list(await tx.rows(unsettled)) == []
        assert await tx.scalar(select(func.count()).select_from(movement)) == before + len(payers)
    await store.close()
    assert await ground.broken() == []


async def test_a_price_that_changes_while_it_runs_counts_from_its_day(ground: Ground, quiet: Told):
    """Published between two batches, it changes no charge of a day before it, and each after."""
    async with ground.house() as house:
        lane = crew.settling(house, BESIDE_OTHERS)
        assert 0 < await lane.turn() < HOUSEHOLDS
        dearer = Publication(zone=ZONE, prices=(price("BASIC", "99.00", since=TOMORROW),))
        async with house.store.begin() as tx:
            assert (await publish(tx, dearer, RUN_AT)).changes
        await lane.drain(lambda _: None)
    told = await ground.told()
    for name in CHARGES:
        assert told[name] == quiet[name], name
    async with ground.house(RUN_AT + timedelta(days=20)) as house:
        await billing.run(house, lambda *_: None, actor="test")
        async with house.store.read() as tx:
            query = select(invoice_line.c.rate_minor, invoice_line.c.period_start)
            mine = (invoice.c.currency == "EUR", invoice_line.c.offering == "BASIC")
            lines = await tx.rows(query.join(invoice).where(*mine))
    rates = {(row.rate_minor, row.period_start >= TOMORROW) for row in lines}
    assert rates == {(3100, False), (9900, True)}
    assert await ground.broken() == []


@pytest.fixture(scope="module")
def calls() -> Iterator[list[tuple[str, object]]]:
    """Note every connection and every question for a name that this process makes."""
    noted: list[tuple[str, object]] = []
    is_listening = True

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if is_listening and event in {"socket.connect", "socket.getaddrinfo", "socket.sendto"}:
            noted.append((event, arguments[1] if event == "socket.connect" else arguments[0]))

    sys.addaudithook(note)
    yield noted
    is_listening = False


async def test_a_run_calls_nobody(sqlite_base: Path, tmp_path: Path, quiet: Told, calls):
    """Targets and providers may be alive or dead: a run opens no connection but to its database."""
    ground = Ground.copied(sqlite_base, tmp_path)
    calls.clear()
    await billed(ground)
    assert calls == []
    await same_as(quiet, ground)
