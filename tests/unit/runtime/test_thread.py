"""The thread of a SQLite connection: jobs in order, errors to whoever waits, nothing left over."""

import asyncio
import threading
from functools import partial

import pytest

from runtime.store.thread import OwnThread


async def test_jobs_are_done_in_order_in_one_other_thread():
    """Each job sees what the one before has done, away from the event loop."""
    thread, done = OwnThread("test"), []

    def job(number: int) -> str:
        done.append(number)
        return threading.current_thread().name

    names = await asyncio.gather(*(thread.do(partial(job, n)) for n in range(20)))
    assert done == list(range(20))
    assert set(names) == {"test"}
    thread.end()


async def test_an_error_comes_out_where_the_job_was_given():
    """The thread goes on after it."""
    thread = OwnThread("test")
    with pytest.raises(ZeroDivisionError):
        await thread.do(lambda: 1 // 0)
    assert await thread.do(lambda: 7) == 7
    thread.end()


async def test_a_job_nobody_waits_for_is_done_all_the_same():
    """Cancelling whoever waits stops neither the job nor those behind it."""
    thread, may_go_on, done = OwnThread("test"), threading.Event(), []

    def slow() -> None:
        may_go_on.wait(10)
        done.append("slow")

    waiting = asyncio.create_task(thread.do(slow))
    await asyncio.sleep(0)
    waiting.cancel()
    next_one = asyncio.create_task(thread.do(lambda: done.append("next")))
    await asyncio.sleep(0)
    may_go_on.set()
    await next_one
    assert waiting.cancelled()
    assert done == ["slow", "next"]
    thread.end()


def test_a_loop_that_is_gone_is_no_error():
    """A job may outlive the loop that gave it."""
    thread, may_go_on, ended = OwnThread("test"), threading.Event(), threading.Event()

    async def give() -> None:
        task = asyncio.create_task(thread.do(lambda: may_go_on.wait(10)))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(give())
    may_go_on.set()

    async def ask() -> None:
        await thread.do(ended.set)

    asyncio.run(ask())
    assert ended.is_set()
    thread.end()
