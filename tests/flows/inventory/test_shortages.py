"""Households with fewer boxes than they are granted: who is sent, how often, and until when."""

from datetime import timedelta

import pytest

from gateway.inventory import flows, jobs, sending, shortages
from gateway.inventory.flows import HandOver, TakeBack
from gateway.inventory.jobs import JobKind, JobState, NewJob
from gateway.inventory.sending import Sending
from gateway.inventory.shortages import Supply
from gateway.inventory.store import macs
from tests.flows.inventory.shelf import ACTOR, DAY, ONE

CONTRACT = "200001"


async def look(shelf, granted=1, *, is_on_hold=False, contracts=None):
    """Compare what a household has with what it is granted, as its composing does."""
    known = {ONE: CONTRACT} if contracts is None else contracts
    shelf.machine.forward(timedelta(seconds=1))  # jobs stand in the order of their time
    async with shelf.store.begin() as tx:
        held = len((await macs(tx, [ONE])).get(ONE, ()))
        supply = Supply(service=ONE, granted=granted, held=held, is_on_hold=is_on_hold)
        short = await shortages.balance(tx, shelf.work, [supply])
        await shortages.open_for(tx, shelf.work, short, known)


async def told(shelf):
    """Tell all jobs, in the order in which they were opened."""
    async with shelf.store.read() as tx:
        return [(j.kind, j.state, j.note, j.closed_by) for j in await jobs.listing(tx)]


async def close(shelf, to, n=-1):
    """Close a job as a person."""
    async with shelf.store.begin() as tx:
        one = (await jobs.listing(tx))[n]
        await jobs.close(tx, shelf.work, one.id, to, actor=ACTOR)


async def take_back(shelf, box):
    """Take a box back."""
    async with shelf.store.begin() as tx:
        move = TakeBack(resource=box.id, on=DAY, actor=ACTOR)
        await flows.take_back(tx, shelf.work, [move])


INSTALL, OPEN, DONE, CANCELLED = JobKind.INSTALL, JobState.OPEN, JobState.DONE, JobState.CANCELLED


async def test_one_job_opens_and_is_done_when_the_box_has_come(shelf):
    """However often it is looked at there is one job; the box is handed over, and it is done."""
    for _ in range(3):
        await look(shelf)
    assert await told(shelf) == [(INSTALL, OPEN, "has 0 of 1 boxes", None)]
    async with shelf.store.read() as tx:
        (job,) = await jobs.offered(tx)
    assert (job.contract, job.service, job.opened_by) == (CONTRACT, ONE, "inventory")
    box = await shelf.held("RB1")
    for _ in range(2):
        await look(shelf)
    assert await told(shelf) == [(INSTALL, DONE, "has 0 of 1 boxes", "inventory")]
    await take_back(shelf, box)
    await look(shelf)
    assert [state for _, state, _, _ in await told(shelf)] == [DONE, OPEN]


async def test_a_job_follows_the_shortage(shelf):
    """It tells how many boxes are missing now, and is cancelled where they are granted no more."""
    await look(shelf, 2)
    await shelf.held("RB1")
    await look(shelf, 3)
    assert await told(shelf) == [(INSTALL, OPEN, "has 1 of 3 boxes", None)]
    await look(shelf, 1)
    assert await told(shelf) == [(INSTALL, CANCELLED, "has 1 of 3 boxes", "inventory")]
    await look(shelf, 2)
    await look(shelf, 0)
    assert [state for _, state, _, _ in await told(shelf)] == [CANCELLED, CANCELLED]


@pytest.mark.parametrize("to", [DONE, CANCELLED])
async def test_what_a_person_has_closed_stays_closed(rack, to):
    """The same shortage opens nothing again, another one does, and so does the same one later."""
    await look(rack)
    await close(rack, to)
    for _ in range(2):
        await look(rack)
    assert [state for _, state, _, _ in await told(rack)] == [to]
    await look(rack, 2)
    assert [state for _, state, _, _ in await told(rack)] == [to, OPEN]
    box = await rack.held("RB1")
    await look(rack)
    await take_back(rack, box)
    await look(rack)
    assert [state for _, state, _, _ in await told(rack)] == [to, CANCELLED, OPEN]


async def test_a_person_was_faster(rack):
    """Where somebody has opened a job for a box already, no second one opens beside it."""
    new = NewJob(kind=INSTALL, service=ONE, contract=CONTRACT, assignee="ben")
    async with rack.store.begin() as tx:
        await jobs.open_job(tx, rack.work, new, actor=ACTOR)
    await look(rack)
    assert len(await told(rack)) == 1
    await rack.marked()
    await close(rack, DONE)
    assert await rack.marked() == {ONE}
    await look(rack)
    assert [state for _, state, _, _ in await told(rack)] == [DONE, OPEN]
    rack.machine.forward(timedelta(seconds=1))
    async with rack.store.begin() as tx:
        await jobs.open_job(tx, rack.work, new, actor=ACTOR)
        await shortages.give_way(tx, rack.work, ONE)
    for _ in range(2):
        assert [state for _, state, _, _ in await told(rack)] == [DONE, CANCELLED, OPEN]
        await look(rack)


async def test_nobody_is_sent_where_nobody_pays(rack):
    """On hold a household gets no box, and who is under way to it is not called back."""
    await look(rack, is_on_hold=True)
    assert await told(rack) == []
    await look(rack)
    await look(rack, is_on_hold=True)
    assert await told(rack) == [(INSTALL, OPEN, "has 0 of 1 boxes", None)]
    await look(rack, 0)
    assert await told(rack) == [(INSTALL, CANCELLED, "has 0 of 1 boxes", "inventory")]


async def test_a_household_nobody_could_find_gets_no_job(rack):
    """Without a contract nobody knows where to go."""
    await look(rack, contracts={})
    assert await told(rack) == []


async def test_a_box_more_than_granted_is_nobodys_job(rack):
    """What a household has beyond its grant opens nothing."""
    await rack.held("RB1")
    (box,) = await rack.boxes("RB2")
    async with rack.store.begin() as tx:
        move = HandOver(resource=box.id, service=ONE, on=DAY, actor=ACTOR)
        await flows.hand_over(tx, rack.work, [move])
    await look(rack)
    assert await told(rack) == []


async def test_where_people_send_people_no_job_opens_by_itself(shelf):
    """What had opened is cancelled, what a person opens stays, and automatic opens it again."""
    await look(shelf)
    for policy, is_new in ((Sending.BY_HAND, True), (Sending.BY_HAND, False)):
        async with shelf.store.begin() as tx:
            assert await sending.keep(tx, policy) is is_new
        await look(shelf)
    assert await told(shelf) == [(INSTALL, CANCELLED, "has 0 of 1 boxes", "inventory")]
    shelf.machine.forward(timedelta(seconds=1))
    new = NewJob(kind=INSTALL, service=ONE, contract=CONTRACT, assignee="ben")
    async with shelf.store.begin() as tx:
        await jobs.open_job(tx, shelf.work, new, actor=ACTOR)
    await look(shelf)
    assert [state for _, state, _, _ in await told(shelf)] == [CANCELLED, OPEN]
    await close(shelf, CANCELLED)
    async with shelf.store.begin() as tx:
        await sending.keep(tx, Sending.AUTOMATIC)
    await look(shelf)
    assert [state for _, state, _, _ in await told(shelf)] == [CANCELLED, CANCELLED, OPEN]
