"""How fast somebody may call, counted in this process, for so many callers at most."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

from app.identity.guesses import NOTHING, Pace

KEYS_MAX = 10_000


class Pacer:
    """One pace for each of many keys; who has not called for longest is forgotten first."""

    def __init__(self, pace: Pace, keys_max: int = KEYS_MAX) -> None:
        self._pace = pace
        self._keys_max = keys_max
        self._fresh_at: OrderedDict[str, datetime] = OrderedDict()

    def wait(self, key: str, now: datetime) -> timedelta:
        """Tell how long until a key may call; counts nothing."""
        found = self._fresh_at.get(key)
        return NOTHING if found is None else self._pace.wait(found, now)

    def take(self, key: str, now: datetime) -> timedelta:
        """Count a call; where the key has to wait, tell how long and count none."""
        fresh_at = self._fresh_at.get(key, now)
        longest = self._pace.wait(fresh_at, now)
        if not longest:
            self._fresh_at[key] = self._pace.guessed(fresh_at, now)
            self._fresh_at.move_to_end(key)
            if len(self._fresh_at) > self._keys_max:
                self._fresh_at.popitem(last=False)
        return longest


def per_second(calls: float, *, burst_s: float) -> Pace:
    """Make a pace of so many calls a second; those of `burst_s` may come at once."""
    return Pace(at_once=max(1, round(calls * burst_s)), every=timedelta(seconds=1 / calls))
