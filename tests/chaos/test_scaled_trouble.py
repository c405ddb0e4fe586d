"""A thousand households pay while Redis, PostgreSQL and every process fail in random order.

Each fault has a test of its own in the default run (README.md beside this); here several meet.
"""

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.flows.scaled.topology import Scaled, make_database, scaled
from tests.services.hurt import PostgresServer
from tests.services.redis import RedisServer

HOUSEHOLDS = 1_000
LAST = 600  # whoever comes after them pays while nobody works
WORKERS = 3
LEASE_S = 2.0
CONVERGES_S = 30.0
PEOPLE = range(1, HOUSEHOLDS + 1)

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1_800)]


class Trouble:
    """What may go wrong, each ending well by itself."""

    def __init__(
        self, running: Scaled, redis: RedisServer, postgres: PostgresServer, dice: random.Random
    ) -> None:
        self.running = running
        self.redis = redis
        self.postgres = postgres
        self.dice = dice
        self.kinds: list[Callable[[], None]] = [
            self.flush_redis,
            self.kill_redis,
            self.freeze_redis,
            self.restart_postgres,
            self.kill_a_worker,
            self.kill_a_worker,
            self.freeze_a_worker,
            self.kill_the_web,
            self.kill_the_scheduler,
        ]

    def flush_redis(self) -> None:
        """Have it forget everything."""
        self.redis.say("FLUSHALL")

    def kill_redis(self) -> None:
        """Kill it; it comes back empty."""
        self.redis.kill()
        time.sleep(self.dice.uniform(0, 2))
        self.redis.start()

    def freeze_redis(self) -> None:
        """Let it hang for a while."""
        self.redis.freeze()
        time.sleep(self.dice.uniform(1, 4))
        self.redis.thaw()

    def restart_postgres(self) -> None:
        """Break every connection in the middle of what it did."""
        self.postgres.stop_immediately()
        time.sleep(self.dice.uniform(0, 1))
        self.postgres.start()

    def kill_a_worker(self) -> None:
        """Kill one, with whatever it has in hand, and start it again."""
        self._kill(f"worker-{self.dice.randint(1, WORKERS)}")

    def kill_the_web(self) -> None:
        """Kill who is asked."""
        self._kill("web")

    def kill_the_scheduler(self) -> None:
        """Kill who leads."""
        self._kill("scheduler")

    def freeze_a_worker(self) -> None:
        """Let one sleep for three leases."""
        member = self.running.members[f"worker-{self.dice.randint(1, WORKERS)}"]
        member.freeze()
        time.sleep(3 * LEASE_S)
        member.thaw()

    def sleep_while(self, act: Callable[[], None]) -> None:
        """Let all workers sleep meanwhile; one of them never wakes up."""
        workers = [self.running.members[f"worker-{number + 1}"] for number in range(WORKERS)]
        for one in workers:
            one.freeze()
        act()
        workers[0].kill()
        for one in workers[1:]:
            one.thaw()

    def _kill(self, name: str) -> None:
        self.running.members[name].kill()
        self.running.start(name)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_thousand_households_whatever_fails(
    hurt_postgres: PostgresServer, redis_server: RedisServer, tmp_path: Path, seed: int
):
    """What was acknowledged counts once; each picture comes on by one write, within 30 s."""
    dice = random.Random(seed)
    url = make_database(hurt_postgres, f"chaos-{seed}")
    with scaled(tmp_path, url, redis_server.url, workers=WORKERS) as running:
        running.start(*running.members)
        running.sign_up(PEOPLE)
        redis_server.start()
        running.portal.admin("/faults", {"spec": "slow:150ms"})
        trouble = Trouble(running, redis_server, hurt_postgres, dice)
        till = threading.Thread(target=running.pay_all, args=(PEOPLE[:LAST],))
        till.start()
        told = []
        while till.is_alive():
            what = dice.choice(trouble.kinds)
            told.append(what.__name__)
            what()
            time.sleep(dice.uniform(0, 0.5))
        till.join()
        trouble.sleep_while(lambda: running.pay_all(PEOPLE[LAST:]))
        waiting = len(PEOPLE) - len(running.lit())
        took_s = running.until_lit(PEOPLE, CONVERGES_S)
        print(f"{told}; {waiting} pictures were off, and on {took_s:.1f} s later")  # noqa: T201
        running.start("worker-1")
        assert running.acknowledged.keys() == set(PEOPLE)
        running.portal.admin("/faults", {"clear": True})
        running.check(PEOPLE)
