"""A technician's jobs: opened once, closed once, and what a phone sends twice is done once."""

import asyncio
from datetime import timedelta

import pytest

from gateway.inventory import events, jobs
from gateway.inventory.jobs import JobKind, JobState, NewJob
from runtime.store import audit
from terms.errors import Duplicate, Invalid, InvalidTransition, NotFound
from tests.flows.inventory.shelf import ONE

NEW = NewJob(kind=JobKind.INSTALL, service=ONE, contract="200001", assignee="ben", note="3rd floor")


async def opened(shelf, new=NEW, event=""):
    """Open a job."""
    async with shelf.store.begin() as tx:
        return await jobs.open_job(tx, shelf.work, new, actor="ann", event=event)


async def test_a_job_is_opened_and_done(shelf):
    """It tells what is to be done where and by whom; done, it tells by whom and when."""
    job = await opened(shelf)
    assert (job.kind, job.contract, job.assignee, job.state) == (
        JobKind.INSTALL,
        "200001",
        "ben",
        JobState.OPEN,
    )
    async with shelf.store.begin() as tx:
        done = await jobs.close(tx, shelf.work, job.id, JobState.DONE, actor="ben")
        assert await jobs.close(tx, shelf.work, job.id, JobState.DONE, actor="cay") == done
    assert (done.state, done.closed_by, done.closed_at) == (
        JobState.DONE,
        "ben",
        shelf.clock.machine_now(),
    )
    async with shelf.store.read() as tx:
        deeds = await audit.history(tx, f"job:{job.id}")
    assert [(one.actor, one.action, one.after) for one in deeds] == [
        ("ben", "job.close", "done"),
        ("ann", "job.open", "install for 200001"),
    ]


async def test_what_is_done_is_not_cancelled(rack):
    """A closed job is neither closed the other way nor given to anybody."""
    job = await opened(rack)
    async with rack.store.begin() as tx:
        await jobs.close(tx, rack.work, job.id, JobState.CANCELLED, actor="ann")
    with pytest.raises(InvalidTransition, match="is cancelled"):
        async with rack.store.begin() as tx:
            await jobs.close(tx, rack.work, job.id, JobState.DONE, actor="ann")
    with pytest.raises(InvalidTransition, match="nobody can take it"):
        async with rack.store.begin() as tx:
            await jobs.assign(tx, rack.work, job.id, "cay", actor="ann")
    with pytest.raises(NotFound):
        async with rack.store.begin() as tx:
            await jobs.close(tx, rack.work, "nosuch", JobState.DONE, actor="ann")


async def test_jobs_are_listed_for_whom_they_are(shelf):
    """A technician sees his own open ones, in the order they were opened."""
    first, second = await opened(shelf), await opened(shelf)
    other = await opened(shelf, NewJob(kind=JobKind.SWAP, service=ONE, contract="200001"))
    async with shelf.store.begin() as tx:
        await jobs.close(tx, shelf.work, first.id, JobState.DONE, actor="ben")
        mine = await jobs.listing(tx, assignee="ben", state="open")
        assert [one.id for one in mine] == [second.id]
        await jobs.assign(tx, shelf.work, other.id, "ben", actor="ann")
        mine = await jobs.listing(tx, assignee="ben", state="open", jobs_max=10)
        assert {one.id for one in mine} == {second.id, other.id}
        every = await jobs.listing(tx)
        assert [one.id for one in every] == sorted(one.id for one in every)
        behind = await jobs.listing(tx, after=every[0].id, jobs_max=1)
        assert [one.id for one in behind] == [every[1].id]


async def test_the_same_event_opens_one_job(shelf):
    """What is sent again, at once or later, is the same job; another job under it is refused."""
    both = await asyncio.gather(opened(shelf, event="e1"), opened(shelf, event="e1"))
    assert both[0] == both[1] == await opened(shelf, event="e1")
    assert (await opened(shelf, event="e2")).id != both[0].id
    with pytest.raises(Duplicate, match="event e1 was something else"):
        await opened(shelf, NewJob(kind=JobKind.SWAP, service=ONE, contract="200001"), event="e1")


async def test_an_event_that_failed_may_be_sent_again(rack):
    """A deed that was undone has not used its event up; events of two people are two."""

    async def begin(actor):
        async with rack.store.begin() as tx:
            now = rack.clock.machine_now()
            return await events.begin(
                tx, actor=actor, event="e1", deed="claim RB1", about="R1", now=now
            )

    with pytest.raises(RuntimeError):
        async with rack.store.begin() as tx:
            now = rack.clock.machine_now()
            await events.begin(tx, actor="ben", event="e1", deed="other", about="x", now=now)
            raise RuntimeError
    assert [await begin("ben"), await begin("ben"), await begin("cay")] == [None, "R1", None]


async def test_events_are_kept_for_half_a_year(rack):
    """What was sent long ago is forgotten, so that the table does not grow for ever."""
    job = await opened(rack, event="e1")
    rack.machine.forward(events.KEPT)
    assert (await opened(rack, event="e1")).id == job.id
    rack.machine.forward(timedelta(seconds=1))
    assert (await opened(rack, event="e1")).id != job.id


async def test_too_much_is_named(rack):
    """Overlong notes, nameless events and nobody are refused by their field."""
    for wrong, field in (({"note": "x" * 401}, "note"), ({"assignee": "x" * 81}, "assignee")):
        new = NewJob(kind=JobKind.SWAP, service=ONE, contract="200001", **wrong)
        with pytest.raises(Invalid) as caught:
            await opened(rack, new)
        assert caught.value.field == field
    with pytest.raises(Invalid, match="event"):
        await opened(rack, event="x" * 81)
