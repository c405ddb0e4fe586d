"""Boxes change hands: billing learns of it in order, and one bad fact holds nobody up."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from app.desk.boxes import holder_of
from app.imports.load import import_paths
from app.roles.possessions import CONSUMER, KINDS, take_possessions
from app.wiring import House
from billing.accounts.store import account
from billing.equipment.store import rental
from gateway.reads import queue
from runtime import log
from runtime.telemetry import metrics
from runtime.work import work
from terms.facts import Possession, PossessionChanged
from terms.ids import ResourceId, ServiceId
from tests.flows.app.served import ENVIRONMENT, HARBOUR, HARBOUR_BEGINS, at_work, go_to, rest
from tests.flows.app.shop import opened, settings_for

CONTRACT = "200001"
SET_ASIDE = 'boxoffice_facts_set_aside_total{kind="possession.changed"}'


@pytest.fixture
async def house(migrated_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """Return a house whose imported boxes billing has heard of, once on each database."""
    async with opened(settings_for(tmp_path, migrated_url)) as built:
        await go_to(built, HARBOUR_BEGINS)
        outcome = await import_paths(built, [HARBOUR], ENVIRONMENT)
        assert list(outcome.problems) == []
        await take_possessions(built)
        yield built


async def tell(house: House, *facts: tuple[str, str]) -> None:
    """Append possession facts, each a name and a text."""
    async with house.store.begin() as tx:
        now = house.clock.machine_now()
        entries = [
            log.Entry(id=name, kind=PossessionChanged.KIND, key="box", value=value, at=now)
            for name, value in facts
        ]
        await log.append(tx, entries)


def handed_over(service: str, serial: str) -> str:
    """Write the fact that a box of the operator's model was handed over."""
    fact = PossessionChanged(
        kind=Possession.HANDED_OVER,
        resource=ResourceId(f"R-{serial}"),
        service=ServiceId(service),
        serial=serial,
        model="HT-2",
        on=date(2040, 4, 2),
    )
    return fact.encode()


async def service_of(house: House) -> str:
    """Return the service of the household."""
    async with house.store.read() as tx:
        return (await holder_of(tx, CONTRACT)).service


async def rented(house: House) -> list[str]:
    """Return the serials of the test's own boxes that are rented out."""
    ours = rental.c.serial.like("S-%")
    async with house.store.read() as tx:
        found = await tx.rows(select(rental.c.serial).where(ours).order_by(rental.c.serial))
    return [row.serial for row in found]


async def settle_all(house: House) -> None:
    """Have every account settled; none of their rows is set aside."""
    async with house.store.begin() as tx:
        accounts = [row.id for row in await tx.rows(select(account.c.id))]
        await house.work.mark(tx, "settle", accounts)
    async with at_work(house):
        await rest(house, "settle")
    async with house.store.read() as tx:
        assert [one for one in await queue.parked(tx, rows_max=10) if one.kind == "settle"] == []
        failed = work.c.kind == "settle", work.c.error.is_not(None)
        assert await tx.scalar(select(func.count()).select_from(work).where(*failed)) == 0


def set_aside() -> float:
    """How many facts this process has set aside."""
    lines = metrics().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(SET_ASIDE))


async def test_a_bad_fact_is_set_aside_alone(house: House, capfd: pytest.CaptureFixture[str]):
    """Of five facts two cannot be taken: the others are, all accounts are settled, it is told."""
    service, before = await service_of(house), set_aside()
    await tell(
        house,
        ("f1", handed_over(service, "S-1")),
        ("f2", handed_over("nobody", "S-2")),
        ("f3", handed_over(service, "S-3")),
        ("f4", '{"kind": "eaten"}'),
        ("f5", handed_over(service, "S-5")),
    )
    await settle_all(house)
    assert await rented(house) == ["S-1", "S-3", "S-5"]
    async with house.store.begin() as tx:
        assert await log.read(tx, CONSUMER, KINDS) == []
    assert set_aside() == before + 2
    told = "".join(capfd.readouterr())
    assert told.count("fact.set_aside") == 2
    assert "there is no service 'nobody'" in told


async def test_settling_goes_on_where_no_fact_can_be_taken(house: House):
    """While the place in the log is unreadable accounts are settled; no fact is lost by that."""
    await tell(house, ("f1", handed_over(await service_of(house), "S-1")))
    before = set_aside()
    async with house.store.begin() as tx:
        await tx.execute(text("ALTER TABLE log_cursor RENAME TO gone"))
    await settle_all(house)
    async with house.store.begin() as tx:
        await tx.execute(text("ALTER TABLE gone RENAME TO log_cursor"))
    assert await rented(house) == []
    await take_possessions(house)
    assert await rented(house) == ["S-1"]
    assert set_aside() == before


async def test_taking_a_fact_marks_its_account(house: House):
    """An account settled before its fact was taken is settled again, with the box."""
    await settle_all(house)
    await tell(house, ("f1", handed_over(await service_of(house), "S-1")))
    await take_possessions(house)
    async with house.store.read() as tx:
        expected = (await holder_of(tx, CONTRACT)).account
    assert [claim.key for claim in await house.work.claim("settle")] == [expected]
