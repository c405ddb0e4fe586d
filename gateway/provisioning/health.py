"""How one target is doing, as its pump sees it, and what each error says about it.

Silence opens the breaker, refused credentials park the target, a throttling slows it down. All of
it stands in the target's row; what is kept here is that row as last seen.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from gateway.provisioning import targets
from gateway.provisioning.breaker import Breaker
from gateway.provisioning.opening import Opened
from gateway.provisioning.targets import Target
from runtime.telemetry import get_log
from runtime.work import Work
from terms.errors import Throttled, Unauthorized, Unreachable

# Halving once per second answers one throttling, not each of the rows that met it.
_ONE_THROTTLING = timedelta(seconds=1)
_log = get_log()


class Health:
    """The health of one target."""

    def __init__(self, opened: Opened, work: Work) -> None:
        self.work = work
        self.breaker = Breaker(work.store, work.clock, opened.target, opened.adapter)

    @property
    def target(self) -> Target:
        """The target's row as last seen."""
        return self.breaker.target

    @target.setter
    def target(self, row: Target) -> None:
        self.breaker.target = row

    def is_open(self) -> bool:
        """Whether rows may be worked on now."""
        target = self.target
        return target.is_working and not target.is_down and not self.rest_s()

    def rest_s(self) -> float:
        """Seconds for which the target asked to be left alone."""
        until = self.target.throttled_until
        if until is None:
            return 0.0
        return max((until - self.work.clock.machine_now()).total_seconds(), 0.0)

    async def learn(self, error: Exception) -> bool:
        """Take from an error what it says about the target; True when the target is down."""
        if isinstance(error, Unreachable):
            return await self.breaker.confirm(error)
        if isinstance(error, Unauthorized):
            await self._park(error)
        elif isinstance(error, Throttled):
            await self._slow_down(error)
        return False

    async def _park(self, error: Unauthorized) -> None:
        now = self.work.clock.machine_now()
        async with self.work.store.begin() as tx:
            first = await targets.park(tx, self.target.name, reason=str(error), now=now)
        self.target = replace(self.target, parked_at=now, parked_reason=str(error))
        if first:
            _log.error("target.parked", target=self.target.name, reason=str(error))

    async def _slow_down(self, error: Throttled) -> None:
        now = self.work.clock.machine_now()
        until = now + timedelta(seconds=error.retry_after_s)
        pace, paced_at = _halved(self.target, now)
        self.target = replace(self.target, throttled_until=until, pace=pace, paced_at=paced_at)
        async with self.work.store.begin() as tx:
            await targets.slow_down(tx, self.target.name, until=until, pace=pace, now=paced_at)


def _halved(target: Target, now: datetime) -> tuple[int, datetime]:
    pace, paced_at = target.in_flight_allowed(now), target.paced_at
    if paced_at is not None and now - paced_at < _ONE_THROTTLING:
        return pace, paced_at
    return max(pace // 2, 1), now
