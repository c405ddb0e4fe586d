"""Facts that change while a batch is decided on: nothing is written by what is not so any more."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select

from billing.flows.settle import settle
from billing.invoicing import store as invoicing
from runtime.patience import Moved
from tests.fixtures.billing import PUBLICATION, household, price

KIND = "settle"


async def numbers(office) -> list[int]:
    """List the numbers of all invoices."""
    async with office.store.read() as tx:
        rows = await tx.rows(select(invoicing.invoice.c.sequence).order_by("sequence"))
    return [row.sequence for row in rows]


async def settled(office, claims, meanwhile=None) -> None:
    """Settle claimed rows as a lane does, with something happening in between."""
    accounts = [claim.key for claim in claims]
    try:
        async with office.store.decide() as deciding:
            look, tx = deciding.look, deciding.tx
            await settle(office.desk, tx, accounts, office.now, look=look)
            if meanwhile:
                await meanwhile()
            if tx.is_later:
                await office.desk.work.insist(tx, claims)
            await office.desk.work.complete(tx, claims)
    except BaseException:
        office.desk.numbers.forget()
        raise


def apart(story):
    """Have a story happen in a task of its own, as somebody else's would."""
    return lambda: asyncio.create_task(story())


async def test_a_mark_meanwhile_undoes_the_batch_and_the_next_look_is_whole(small_office):
    """An account that was marked keeps everybody's batch from counting; no number is lost."""
    office = small_office
    made = await office.sign_up(household("1"), household("2"))
    claims = await office.desk.work.claim(KIND)

    async def mark() -> None:
        async with office.store.begin() as tx:
            await office.desk.work.mark(tx, KIND, [made[0].account])

    with pytest.raises(Moved):
        await settled(office, claims, apart(mark))
    assert await numbers(office) == []
    claims = await office.desk.work.anew(claims)
    await settled(office, claims)
    assert await numbers(office) == [1, 2]
    assert await office.desk.work.claim(KIND) == []


async def test_a_new_edition_meanwhile_undoes_the_batch(small_office):
    """Nobody is charged by a catalogue that was replaced while he was rated."""
    office = small_office
    await office.sign_up(household("1"))
    claims = await office.desk.work.claim(KIND)
    dearer = price("KIDS", "4.10", since=office.now.date().replace(year=2040))

    async def publish() -> None:
        await office.publish(replace(PUBLICATION, prices=(*PUBLICATION.prices, dearer)))

    with pytest.raises(Moved):
        await settled(office, claims, apart(publish))
    assert await numbers(office) == []
    await settled(office, claims)
    assert await numbers(office) == [1]


async def test_numbers_taken_elsewhere_meanwhile_leave_no_gap_and_no_double(small_office):
    """Where another process draws an invoice in between, the batch fails and is numbered anew."""
    office = small_office
    await office.sign_up(household("1"), household("2"))
    first, second = await office.desk.work.claim(KIND, rows_max=1), []

    async def draw() -> None:
        second.extend(await office.desk.work.claim(KIND, rows_max=1))
        async with office.store.begin() as tx:
            await settle(office.desk, tx, [second[0].key], office.now)
            await office.desk.work.complete(tx, second)

    with pytest.raises(Moved):
        await settled(office, first, apart(draw))
    await settled(office, first)
    assert await numbers(office) == [1, 2]


async def test_a_lease_that_was_taken_over_writes_nothing(small_office):
    """A zombie that comes to the end of its batch finds that the row is another's."""
    office = small_office
    await office.sign_up(household("1"))
    claims = await office.desk.work.claim(KIND)

    async def take_over() -> None:
        office.machine.forward(office.desk.work.lease * 2)
        (again,) = await office.desk.work.claim(KIND)
        assert again.token != claims[0].token

    with pytest.raises(Moved):
        await settled(office, claims, apart(take_over))
    assert await numbers(office) == []
    assert await office.desk.work.anew(claims) == []
