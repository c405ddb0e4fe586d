"""How often a token may call, of all web processes together.

A process takes the right to a few calls at once from the database and makes them without asking
again; so an agreed pace costs a write for every quarter of a second of it, not one for each call.
What one process has taken and not used yet is all that another one may lack. An embedded database
has one process, which counts for itself.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from datetime import datetime, timedelta

from app.identity import guesses
from app.identity.guesses import NOTHING, Pace
from app.web.pacing import Pacer, per_second
from runtime.store import Store
from runtime.store.shared_now import shared_now

AHEAD_S = 0.25
BURST_S = 2.0
KEYS_MAX = 1_000


class Allowance:
    """What this process may let through, by key; who has not called for longest is forgotten."""

    def __init__(self, store: Store, calls_per_s: float) -> None:
        self._store = store
        pace = per_second(calls_per_s, burst_s=BURST_S)
        self._alone = Pacer(pace, KEYS_MAX)
        self._at_once = max(1, int(calls_per_s * AHEAD_S))
        self._shared = Pace(
            at_once=max(1, pace.at_once // self._at_once), every=pace.every * self._at_once
        )
        self._left: OrderedDict[str, int] = OrderedDict()
        self._closed_until: dict[str, datetime] = {}
        self._asking = asyncio.Lock()

    async def take(self, key: str, now: datetime) -> timedelta:
        """Count a call; where the key has to wait, tell how long and count none."""
        if self._store.is_sqlite:
            return self._alone.take(key, now)
        if self._spend(key):
            return NOTHING
        async with self._asking:  # many at once ask once
            if self._spend(key):
                return NOTHING
            closed = self._closed_until.get(key, now) - now
            return closed if closed > NOTHING else await self._ask(key, now)

    def _spend(self, key: str) -> bool:
        left = self._left.get(key, 0)
        if left:
            self._left[key] = left - 1
            self._left.move_to_end(key)
        return left > 0

    async def _ask(self, key: str, now: datetime) -> timedelta:
        """Take the next few calls from the database, and one of them at once."""
        async with self._store.begin() as tx:
            agreed = await shared_now(tx, now)
            wait = await guesses.take(tx, {f"token {key}": self._shared}, agreed)
        if wait:
            self._closed_until[key] = now + wait
            return wait
        self._closed_until.pop(key, None)
        self._left[key] = self._at_once - 1
        self._left.move_to_end(key)
        if len(self._left) > KEYS_MAX:
            forgotten, _ = self._left.popitem(last=False)
            self._closed_until.pop(forgotten, None)
        return NOTHING
