"""Counts the sessions of a process, and how long they took."""

import math
from array import array
from collections import Counter
from typing import Any

from simulators.stb.cwmp.session import Told

KEPT_MAX = 100_000
PERCENTS = (50, 95, 99)


class Tally:
    """Sessions that ended well, that failed, that were tried again, and their times."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin at nothing."""
        self._counts: Counter[str] = Counter()
        self._events: Counter[str] = Counter()
        self._broken: Counter[str] = Counter()
        self._took_s = array("f")
        self._late_s = 0.0
        self._began_at = math.inf
        self._ended_at = 0.0

    def add(self, told: Told, *, began_at: float, ended_at: float, due_at: float) -> None:
        """Count a session; times are of one clock, in seconds."""
        self._counts["retried"] += told.retries > 0
        self._late_s = max(self._late_s, began_at - due_at)
        self._began_at = min(self._began_at, began_at)
        self._ended_at = max(self._ended_at, ended_at)
        if told.broken:
            self._counts["failed"] += 1
            self._counts["shed"] += told.broken == "503"
            self._broken[told.broken] += 1
            return
        took_s = ended_at - began_at
        if len(self._took_s) < KEPT_MAX:
            self._took_s.append(took_s)
        else:
            self._took_s[self._counts["done"] % KEPT_MAX] = took_s
        self._counts["done"] += 1
        self._events.update(code for code, _ in told.news.events)

    def shown(self) -> dict[str, Any]:
        """Show it as plain values."""
        names = ("done", "failed", "shed", "retried")
        span_s = max(0.0, self._ended_at - self._began_at) if self._counts else 0.0
        return {
            **{name: self._counts[name] for name in names},
            "broken": dict(self._broken),
            "events_delivered": dict(self._events),
            "took_ms": self._percentiles(),
            "late_max_ms": round(self._late_s * 1000, 1),
            "span_s": round(span_s, 3),
        }

    def _percentiles(self) -> dict[str, float]:
        if not self._took_s:
            return {}
        ordered = sorted(self._took_s)
        last = len(ordered) - 1
        told = {f"p{one}": ordered[math.ceil(last * one / 100)] for one in PERCENTS}
        return {name: round(s * 1000, 2) for name, s in {**told, "max": ordered[-1]}.items()}
