"""The effects journal: what was asked of a simulator and what it really changed, in order.

The ground truth for assertions. It only grows, up to a bound; the oldest entries leave first and
are counted. It knows nothing of the kind of system it is kept for.
"""

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any, Literal

from simulators.call import Call

Face = Literal["api", "device", "outgoing", "admin"]

ENTRIES_MAX = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One write attempt, or one effect at the far side, and what became of it."""

    n: int
    at: str
    at_ns: int
    call_id: int
    face: Face
    call: str
    subject: str
    changed: bool
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    fault: str | None


class Journal:
    """An append-only, bounded list of entries with counters of all calls beside it."""

    def __init__(self, entries_max: int = ENTRIES_MAX) -> None:
        self._entries: deque[Entry] = deque(maxlen=entries_max)
        self._last = 0
        self._grown = asyncio.Event()
        self._calm = asyncio.Event()
        self._calm.set()
        self.calls: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self._in_flight: Counter[str] = Counter()
        self.in_flight_max = 0
        self.overlapping_writes = 0
        self.more: Callable[[], Mapping[str, Any]] = dict  # counters that a kind keeps itself

    @property
    def last(self) -> int:
        """The number of the newest entry; 0 while there is none."""
        return self._last

    @property
    def dropped(self) -> int:
        """How many of the oldest entries have left."""
        return self._last - len(self._entries)

    def effect(
        self,
        call: Call,
        subject: str,
        *,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any] | None,
        face: Face = "api",
    ) -> None:
        """Record what one call did to one subject; equal before and after mean no change."""
        call.entries += 1
        self._append(
            call_id=call.id,
            face=face,
            call=call.verb_path,
            subject=subject,
            changed=before != after,
            before=before,
            after=after,
            fault=call.fault,
        )

    def attempt(self, call: Call, subject: str) -> None:
        """Record a write attempt that changed nothing."""
        self.effect(call, subject, before=None, after=None)

    def event(
        self,
        what: str,
        subject: str,
        *,
        face: Face,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        fault: str | None = None,
    ) -> None:
        """Record an effect that no call of the product's asked for."""
        self._append(
            call_id=0,
            face=face,
            call=what,
            subject=subject,
            changed=before != after,
            before=before,
            after=after,
            fault=fault,
        )

    def after(self, n: int, limit: int, wanted: Mapping[str, str]) -> list[dict[str, Any]]:
        """List the entries that follow number `n` and match face, subject and changed."""
        chosen: list[dict[str, Any]] = []
        for entry in self._since(n):
            if len(chosen) >= limit:
                break
            if _matches(entry, wanted):
                chosen.append(asdict(entry))
        return chosen

    async def grown(self, n: int, wait_s: float) -> None:
        """Wait until an entry follows number `n`, at most `wait_s` seconds."""
        deadline = asyncio.get_running_loop().time() + wait_s
        while self._last <= n:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return
            self._grown.clear()
            try:
                await asyncio.wait_for(self._grown.wait(), left)
            except TimeoutError:
                return

    async def calmed(self, wait_s: float) -> None:
        """Wait until no call is under way, at most `wait_s` seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._calm.wait(), wait_s)

    def begin(self, call: Call, label: str) -> None:
        """Count a call that starts."""
        self._calm.clear()
        self.calls[label] += 1
        self._in_flight[""] += 1
        self.in_flight_max = max(self.in_flight_max, self._in_flight[""])
        if call.is_write:
            self._in_flight[call.path] += 1
            if self._in_flight[call.path] > 1:
                self.overlapping_writes += 1

    def end(self, call: Call) -> None:
        """Count a call that is over."""
        self._in_flight[""] -= 1
        if not self._in_flight[""]:
            self._calm.set()
        if call.is_write:
            self._in_flight[call.path] -= 1
            if self._in_flight[call.path] <= 0:
                del self._in_flight[call.path]

    def counters(self) -> dict[str, Any]:
        """Show the counters as plain values."""
        return {
            "calls": dict(self.calls),
            "faults": dict(self.faults),
            "in_flight": self._in_flight[""],
            "in_flight_max": self.in_flight_max,
            "overlapping_writes": self.overlapping_writes,
            **self.more(),
        }

    def clear(self) -> None:
        """Forget entries and counters; the numbering goes on."""
        self._entries.clear()
        self.calls.clear()
        self.faults.clear()
        self.in_flight_max = 0
        self.overlapping_writes = 0

    def _since(self, n: int) -> list[Entry]:
        newest_first = takewhile(lambda entry: entry.n > n, reversed(self._entries))
        return list(newest_first)[::-1]

    def _append(self, **fields: Any) -> None:
        self._last += 1
        at_ns = time.time_ns()
        at = datetime.fromtimestamp(at_ns // 1000 / 1_000_000, UTC).isoformat(
            timespec="microseconds"
        )
        self._entries.append(Entry(n=self._last, at=at, at_ns=at_ns, **fields))
        self._grown.set()


def _matches(entry: Entry, wanted: Mapping[str, str]) -> bool:
    if "face" in wanted and entry.face != wanted["face"]:
        return False
    if "subject" in wanted and entry.subject != wanted["subject"]:
        return False
    return "changed" not in wanted or entry.changed == (wanted["changed"] in {"1", "true"})
