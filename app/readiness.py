"""Whether this process can do its work now, and if not, why: looked at when somebody asks.

A reason names what is wrong and never an address, a name of an account or an error's own text:
anybody may read it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from app import shape
from app.roles import scheduler
from app.web import live
from app.wiring import House
from runtime import presence
from runtime.store import Tx
from runtime.telemetry import gauge

T = TypeVar("T")

ANSWER_WITHIN_S = 2.0
# Whoever asks more often gets the same answer: nobody can keep the database busy by asking.
LOOK_EVERY_S = 1.0
# Below it the embedded database will soon fail in the middle of something.
FREE_BYTES_MIN = 64 * 1024 * 1024
# Without these a process does its work all the same.
LESSER_LOOPS = frozenset({live.LOOP, presence.LOOP, scheduler.ANSWERS})
LONGER = "it does not answer: work of other processes is found a little later"

# A standby, or one that was told to refuse: both answer every question and take no write.
_READ_ONLY = (
    "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean"
)
_given_up: set[asyncio.Task[Any]] = set()  # or nothing would hold them
_ready = gauge("boxoffice_ready", "Whether a part that this process needs was well", "check")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One part that was looked at; `reason` is empty where it is well."""

    name: str
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Whether it was well."""
        return not self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All parts. Those that only make things slower are `lesser`."""

    vital: Sequence[Check]
    lesser: Sequence[Check] = ()

    @property
    def is_ready(self) -> bool:
        """Whether this process can do its work."""
        return all(check.ok for check in self.vital)

    @property
    def is_degraded(self) -> bool:
        """Whether it can, but not as well as usual."""
        return self.is_ready and not all(check.ok for check in self.lesser)

    @property
    def checks(self) -> Sequence[Check]:
        """Everything that was looked at."""
        return (*self.vital, *self.lesser)


class Readiness:
    """Looks at one process; `alive` tells of each of its duties whether it runs."""

    def __init__(self, house: House, alive: Callable[[], Mapping[str, bool]]) -> None:
        self._house = house
        self._alive = alive
        self._looking = asyncio.Lock()
        self._seen: Standing | None = None
        self._seen_at_s = 0.0

    async def look(self) -> Standing:
        """Tell how it stands, as of a second ago at most."""
        async with self._looking:
            now_s = asyncio.get_running_loop().time()
            if self._seen is None or now_s - self._seen_at_s > LOOK_EVERY_S:
                self._seen = await self._standing()
                self._seen_at_s = asyncio.get_running_loop().time()
            return self._with_duties(self._seen)

    async def _standing(self) -> Standing:
        database = await self._database()
        vital = [Check(name="database", reason=database)]
        if self._house.store.is_sqlite:
            folder = Path(str(self._house.store.url.database)).parent
            vital.append(Check(name="disk", reason=await asyncio.to_thread(disk_reason, folder)))
        return Standing(vital=vital, lesser=await self._redis())

    async def _redis(self) -> Sequence[Check]:
        """Look at what rings between processes; without it work is found at the next sweep."""
        if self._house.settings.redis_url is None:
            return ()
        bell = self._house.store.bell
        # A process that waits for no ring has made no link yet; it does so with the first wait.
        await bell.wait("", 0)
        return [Check(name="redis", reason="" if bell.is_up else LONGER)]

    def _with_duties(self, seen: Standing) -> Standing:
        """Add what costs nothing to look at, and tell the monitoring."""
        duties = [
            Check(name=name, reason="" if is_alive else "it has ended; this process should end too")
            for name, is_alive in self._alive().items()
        ]
        bugs = self._house.store.outages.bugs
        vital = _failing("work", {loop: bugs[loop] for loop in bugs.keys() - LESSER_LOOPS})
        lesser = _failing("comfort", {loop: bugs[loop] for loop in bugs.keys() & LESSER_LOOPS})
        standing = Standing(vital=(*seen.vital, vital, *duties), lesser=(*seen.lesser, lesser))
        for check in standing.checks:
            _ready.set(check.name, to=int(check.ok))
        return standing

    async def _database(self) -> str:
        """Say why the database cannot be worked with; empty where it can."""
        try:
            return await answered(self._ask_database(), ANSWER_WITHIN_S)
        except TimeoutError:
            return f"it did not answer within {ANSWER_WITHIN_S:g} s"
        except Exception:  # noqa: BLE001 - whatever it is, the answer is no
            return "it does not answer"

    async def _ask_database(self) -> str:
        found = await shape.current(self._house)
        if found != shape.newest():
            return shape_reason(found)
        async with self._house.store.read() as tx:
            return "it takes no write" if await _takes_no_write(tx) else ""


def _failing(name: str, bugs: Mapping[str, str]) -> Check:
    """Name what goes on and comes to nothing every time."""
    told = ", ".join(f"{loop} ({error})" for loop, error in sorted(bugs.items()))
    reason = f"it fails every time, and the log says why: {told}" if told else ""
    return Check(name=name, reason=reason)


async def answered(work: Coroutine[Any, Any, T], within_s: float) -> T:
    """Wait for an answer so long and no longer, not even until what is given up has ended.

    A connection to a server that hangs may take its time to close. Raises TimeoutError.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task}, timeout=within_s)
        if task.done():
            return task.result()
        raise TimeoutError
    finally:
        if not task.done():
            task.cancel()
            _given_up.add(task)
            task.add_done_callback(_forget)


def _forget(task: asyncio.Task[Any]) -> None:
    _given_up.discard(task)
    if not task.cancelled():
        task.exception()  # nobody wants to know it any more


async def _takes_no_write(tx: Tx) -> bool:
    if tx.engine == "sqlite":
        return False  # it is as good as its disk
    return bool((await tx.fetch(_READ_ONLY))[0][0])


def shape_reason(found: str) -> str:
    """Say which way a database's shape differs from this version's."""
    if not found or found in shape.revisions():
        return f"its shape is {found or 'none'}, not {shape.newest()}: run boxoffice migrate"
    return f"its shape is {found}, of another version; this one knows up to {shape.newest()}"


def disk_reason(folder: Path) -> str:
    """Say why nothing can be written into a folder; empty where something can."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return "the folder of the database is gone"
    if found.f_flag & os.ST_RDONLY:
        return "the disk of the database can only be read"
    if found.f_bavail * found.f_frsize < FREE_BYTES_MIN:
        return f"the disk of the database has less than {FREE_BYTES_MIN // 1024 // 1024} MiB left"
    return ""
