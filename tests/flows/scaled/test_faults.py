"""Trouble in turns: Redis, PostgreSQL and workers fail while households pay.

One story, told once: what was acknowledged counts, each picture comes on by one write, and soon.
The longer one, with a thousand households, is `python3 dev.py chaos`.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.flows.app.operation import until
from tests.flows.scaled.topology import Scaled, make_database, scaled
from tests.services.hurt import PostgresServer
from tests.services.redis import RedisServer

pytestmark = pytest.mark.timeout(400)

HOUSEHOLDS = 42
# Thirty seconds for a thousand, on a machine that does nothing else.
CONVERGES_S = 60.0
ANSWERS_S = 10.0


@pytest.fixture
def running(
    hurt_postgres: PostgresServer, redis_server: RedisServer, tmp_path: Path
) -> Iterator[Scaled]:
    """Return the processes at work, started without the Redis that they were told of."""
    url = make_database(hurt_postgres, "faults")
    with scaled(tmp_path, url, redis_server.url) as made:
        made.start("web", "scheduler", "worker-1", "worker-2")
        made.sign_up(range(1, HOUSEHOLDS + 1))
        # Each call takes its time, so that trouble meets work under way.
        made.portal.admin("/faults", {"spec": "slow:30ms"})
        yield made


@contextmanager
def paying(running: Scaled, numbers: Sequence[int]) -> Iterator[None]:
    """Have households pay while something happens; then every picture comes on."""
    failed: list[BaseException] = []

    def pay() -> None:
        try:
            running.pay_all(numbers)
        except BaseException as error:  # noqa: BLE001 - told by the test itself
            failed.append(error)

    till = threading.Thread(target=pay)
    till.start()
    time.sleep(0.1)
    yield
    till.join()
    assert failed == []
    running.until_lit(numbers, CONVERGES_S)


def test_trouble_in_turns_loses_nothing_and_repeats_nothing(running, redis_server, hurt_postgres):
    """In one story, as it takes long to start them: each step says what goes wrong."""
    pay_with_no_redis_from_the_start(running)
    flush_redis(running, redis_server)
    kill_redis(running, redis_server)
    freeze_redis(running, redis_server)
    restart_postgres(running, hurt_postgres)
    kill_a_worker(running)
    freeze_a_worker(running)
    running.portal.admin("/faults", {"clear": True})
    running.check(range(1, HOUSEHOLDS + 1))


def pay_with_no_redis_from_the_start(running: Scaled) -> None:
    """Processes find each other's work by themselves."""
    with paying(running, range(1, 7)):
        pass


def flush_redis(running: Scaled, redis: RedisServer) -> None:
    """Flushed again and again while everybody is at work."""
    redis.start()
    with paying(running, range(7, 13)):
        for _ in range(5):
            assert redis.say("FLUSHALL") == "+OK"
            time.sleep(0.2)


def kill_redis(running: Scaled, redis: RedisServer) -> None:
    """Without warning, and on the same address."""
    with paying(running, range(13, 19)):
        redis.kill()
        time.sleep(1)
        redis.start()


def freeze_redis(running: Scaled, redis: RedisServer) -> None:
    """It answers nothing; the web process answers as ever."""
    redis.freeze()
    try:
        with paying(running, range(19, 25)):
            began_at = time.monotonic()
            running.web.ask("GET", "work")
            assert time.monotonic() - began_at < ANSWERS_S
    finally:
        redis.thaw()


def restart_postgres(running: Scaled, hurt_postgres: PostgresServer) -> None:
    """Every connection breaks in the middle of whatever it did; processes go on by themselves."""
    with paying(running, range(25, 31)):
        hurt_postgres.stop_immediately()
        time.sleep(0.5)
        hurt_postgres.start()
    for name in running.members:
        assert running.members[name].pid, f"{name} has lived through it"


def kill_a_worker(running: Scaled) -> None:
    """Its rows are free when its lease is over."""
    with paying(running, range(31, 37)):
        until(lambda: bool(running.claimed()), "somebody has rows in hand")
        running.members["worker-1"].kill()
    running.start("worker-1")


def freeze_a_worker(running: Scaled) -> None:
    """What it still believes to hold is another's by then: it writes nothing any more."""
    with paying(running, range(37, HOUSEHOLDS + 1)):
        until(lambda: bool(running.claimed()), "somebody has rows in hand")
        running.members["worker-2"].freeze()
        time.sleep(3 * 2)  # three leases
        running.members["worker-2"].thaw()
