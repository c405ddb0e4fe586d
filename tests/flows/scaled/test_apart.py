"""Web, workers and scheduler apart: together they do what one process does, and each may go."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from urllib.request import Request, urlopen

import pytest

from tests.flows.app.operation import until
from tests.flows.scaled.topology import Scaled, scaled

pytestmark = pytest.mark.timeout(300)

HOUSEHOLDS = 24
WITHIN_S = 60.0
DRAIN_S = 10.0


@pytest.fixture
def running(copied_postgres: str, redis_url: str, tmp_path: Path) -> Iterator[Scaled]:
    """Return the processes at work, with a lease as short as tests can wait for."""
    with scaled(tmp_path, copied_postgres, redis_url) as made:
        made.start("web", "scheduler", "worker-1", "worker-2")
        made.sign_up(range(1, HOUSEHOLDS + 1))
        yield made


def test_processes_apart_do_what_one_process_does(running: Scaled):
    """In one story, as it takes long to start them: each step says what is true of it."""
    pay_here_and_watch_there(running)
    see_who_is_here(running)
    watch_a_live_page(running)
    stop_a_worker_in_a_batch(running)
    kill_the_scheduler_that_leads(running)
    kill_a_worker_in_a_batch(running)
    running.check(range(1, HOUSEHOLDS + 1))


def pay_here_and_watch_there(running: Scaled) -> None:
    """Taken by the web process, it is settled, composed and brought to the portal by a worker."""
    running.pay_all([1, 2])
    running.until_lit([1, 2], WITHIN_S)
    until(lambda: running.view_state(1) == "active", "the web process tells so, too")


def see_who_is_here(running: Scaled) -> None:
    """Each process is told by its role and number."""
    found = running.web.ask("GET", "processes")["items"]
    roles = sorted((one["role"], one["pid"]) for one in found if not one["is_silent"])
    assert roles == sorted(
        (name.partition("-")[0], one.pid) for name, one in running.members.items()
    )


def watch_a_live_page(running: Scaled) -> None:
    """An open page of the web process tells of one more picture once a worker has put it on."""
    url = f"{running.web.url}/console/events?parts=tiles"
    watching = Request(url, headers={"Cookie": running.web.enter()})
    with urlopen(watching, timeout=WITHIN_S) as feed:
        read_until_on(feed, 2)
        running.pay(3)
        read_until_on(feed, 3)


def stop_a_worker_in_a_batch(running: Scaled) -> None:
    """SIGTERM with calls under way: it ends with 0 within ten seconds, and no row stays claimed."""
    running.portal.admin("/faults", {"spec": "slow:200ms"})
    running.members["worker-2"].stop()
    batch = range(4, 14)
    running.pay_all(batch)
    until(lambda: bool(running.claimed()), "the worker has rows in hand")
    began_at = time.monotonic()
    assert running.members["worker-1"].stop() == 0
    assert time.monotonic() - began_at < DRAIN_S
    assert running.claimed() == []
    running.portal.admin("/faults", {"clear": True})
    running.start("worker-1", "worker-2")
    running.until_lit(batch, WITHIN_S)


def kill_the_scheduler_that_leads(running: Scaled) -> None:
    """Of two schedulers one leads; killed, the other one does within a lease and a heartbeat."""
    running.add("scheduler-2")
    running.start("scheduler-2")
    first = running.leader()
    time.sleep(1.5)
    assert running.leader() == first, "the second one waits"
    running.members["scheduler"].kill()
    until(lambda: running.leader() not in {first, None}, "the second one leads")
    assert running.members["scheduler-2"].stop() == 0
    assert running.leader() is None, "who stops leaves the lead at once"
    running.start("scheduler")


def kill_a_worker_in_a_batch(running: Scaled) -> None:
    """Killed with rows in hand: the other one takes them over, and nothing is written twice."""
    running.portal.admin("/faults", {"spec": "slow:200ms"})
    batch = range(14, HOUSEHOLDS + 1)
    running.pay_all(batch)
    until(lambda: bool(running.claimed()), "the workers have rows in hand")
    running.members["worker-1"].kill()
    running.portal.admin("/faults", {"clear": True})
    running.until_lit(batch, WITHIN_S)
    running.start("worker-1")


def read_until_on(feed: IO[bytes], count: int) -> None:
    """Read drawings of the tiles until so many pictures are on."""
    ends_at = time.monotonic() + WITHIN_S
    seen: list[str] = []
    while str(count) not in seen[-1:]:
        assert time.monotonic() < ends_at, f"{count} pictures, not {seen}"
        line = feed.readline()
        if line.startswith(b"data: "):
            html = json.loads(line.removeprefix(b"data: "))["html"]
            seen += re.findall(r">May watch<.*?value\">([0-9]+)<", html, re.DOTALL)
