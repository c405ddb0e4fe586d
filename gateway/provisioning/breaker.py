"""The breaker of one target: open while nobody answers there, probed by one worker at a time.

Its state stands in the target's row, so that every worker and every page sees the same. One lost
answer does not open it: a probe has to go unanswered, too.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update

from gateway.adapters.sdk import Adapter
from gateway.provisioning.keys import RECONCILE
from gateway.provisioning.tables import target as table
from gateway.provisioning.targets import Target
from runtime.clock import Clock
from runtime.store import Store
from runtime.telemetry import get_log
from terms.errors import TargetError, Unreachable

PROBE_DEADLINE_S = 5.0
FIRST_PROBE_AFTER_S = 1.0
PROBE_GROWTH = 1.5
PROBE_EVERY_S_MAX = 5.0
REASON_CHARS_MAX = 500

_log = get_log()


def probe_after(probes: int) -> timedelta:
    """How long to leave a silent target alone after so many probes: 1 s at first, 5 s at most."""
    grown = FIRST_PROBE_AFTER_S * PROBE_GROWTH ** min(probes, 10)
    return timedelta(seconds=min(grown, PROBE_EVERY_S_MAX))


class Breaker:
    """Opens and closes one target. `target` is the row as last seen."""

    def __init__(self, store: Store, clock: Clock, target: Target, adapter: Adapter[Any]) -> None:
        self.store = store
        self.clock = clock
        self.target = target
        self.adapter = adapter
        self._doubt: asyncio.Task[bool] | None = None

    async def confirm(self, error: Unreachable) -> bool:
        """After a call that nobody answered: is the target down? Many askers share one probe."""
        if self.target.is_down:
            return True
        if self._doubt is None or self._doubt.done():
            self._doubt = asyncio.create_task(self._find_out(str(error)))
        return await asyncio.shield(self._doubt)

    async def try_close(self) -> bool:
        """Probe if it is time and our turn; True when the target answers again."""
        now = self.clock.machine_now()
        if not await self._take_turn(now):
            return False
        if not await self.answers():
            return False
        await self._close(self.clock.machine_now())
        return True

    async def answers(self) -> bool:
        """Whether anybody is there; an answer that refuses is an answer."""
        try:
            async with asyncio.timeout(PROBE_DEADLINE_S):
                await self.adapter.probe()
        except (Unreachable, TimeoutError):
            return False
        except TargetError:
            return True
        except Exception:  # noqa: BLE001 - a bug of the adapter must not keep its target down
            _log.exception("target.probe_failed", target=self.target.name)
        return True

    def wait_s(self, now: datetime) -> float:
        """Seconds until the next probe may be made."""
        if self.target.probe_at is None:
            return 0.0
        return max((self.target.probe_at - now).total_seconds(), 0.0)

    async def _find_out(self, reason: str) -> bool:
        if await self.answers():
            return False
        now = self.clock.machine_now()
        reason = reason[:REASON_CHARS_MAX]
        values = {
            "down_since": now,
            "down_reason": reason,
            "probes": 0,
            "probe_at": now + probe_after(0),
        }
        async with self.store.begin() as tx:
            closed = update(table).where(
                table.c.name == self.target.name, table.c.down_since.is_(None)
            )
            first = (await tx.execute(closed.values(**values))).rowcount == 1
        self.target = replace(self.target, **values)  # type: ignore[arg-type]
        if first:
            _log.warning("target.down", target=self.target.name, reason=reason)
        return True

    async def _take_turn(self, now: datetime) -> bool:
        probes = self.target.probes
        later = now + probe_after(probes + 1)
        due = update(table).where(
            table.c.name == self.target.name,
            table.c.down_since.is_not(None),
            table.c.probes == probes,
            table.c.probe_at <= now,
        )
        async with self.store.begin() as tx:
            done = await tx.execute(due.values(probes=probes + 1, probe_at=later))
        ours = done.rowcount == 1
        # Where another worker was first, its next try is the earliest for us, too.
        self.target = replace(self.target, probes=probes + 1 if ours else probes, probe_at=later)
        return ours

    async def _close(self, now: datetime) -> None:
        since = self.target.down_since or now
        values = {"down_since": None, "down_reason": None, "probes": 0, "probe_at": None}
        async with self.store.begin() as tx:
            opened = update(table).where(
                table.c.name == self.target.name, table.c.down_since.is_not(None)
            )
            last = (await tx.execute(opened.values(**values))).rowcount == 1
            tx.ring((RECONCILE,))
        self.target = replace(self.target, **values)  # type: ignore[arg-type]
        if last:
            after_s = round((now - since).total_seconds(), 1)
            _log.warning("target.up", target=self.target.name, after_s=after_s)
