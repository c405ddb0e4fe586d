"""The bell between processes: a Redis stream that each of them reads to its end.

Every process hears every ring, since each may have room for a batch; so there is no consumer group,
nothing to acknowledge, and nothing to mend after Redis has forgotten everything. While Redis is
away the bell rings within its process, and the others find the work at their next sweep.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from runtime.bell.local import LocalBell
from runtime.chance import Chance
from runtime.retry import back_off_s, pause
from runtime.telemetry import get_log, histogram

log = get_log()

STREAM = "boxoffice:bell"
BEGINNING = "0-0"
EVERYBODY = "*"
# About so many rings are kept: whoever was away longer has swept long since.
RINGS_MAX = 1_000
READ_RINGS_MAX = 100
COMMAND_S = 5.0
CONNECT_S = 2.0
BLOCK_S = 2.0
# A server that answers nothing at all is given up this long after it should have.
SILENT_S = 3.0
FLUSH_S = 0.5
CLOSE_S = 0.5
BACK_OFF_BASE_S = 0.2
BACK_OFF_MAX_S = 5.0

_seconds = histogram("boxoffice_ring_seconds", "From a ring until another process heard it")


class RedisBell:
    """Rings within the process at once, and in all others by way of Redis."""

    def __init__(self, url: str, *, machine_now: Callable[[], datetime], chance: Chance) -> None:
        self._url = url
        self._now = machine_now
        self._chance = chance
        self._name = f"{chance.bits(62):x}"
        self._local = LocalBell()
        # What is to be sent: kinds, of which there are few, however often each was rung.
        self._unsent: set[str] = set()
        self._wanted, self._all_sent = asyncio.Event(), asyncio.Event()
        self._all_sent.set()
        self._carrying: asyncio.Task[None] | None = None
        self._is_closed = False
        self._failures = 0
        self._down_since: datetime | None = None
        self.is_up = False

    def begin(self) -> None:
        """Listen from now on; whoever rings or waits does so by that."""
        if self._carrying is None and not self._is_closed:
            self._carrying = asyncio.create_task(self._carry(), name="bell")

    def ring(self, kinds: Iterable[str]) -> None:
        """Wake whoever waits for one of these kinds."""
        rung = set(kinds)
        self._local.ring(rung)
        self._send_later(rung)

    def ring_all(self) -> None:
        """Wake everybody."""
        self._local.ring_all()
        self._send_later({EVERYBODY})

    async def wait(self, kind: str, within_s: float) -> bool:
        """Wait for a ring of that kind; False when the time is over first."""
        self.begin()
        return await self._local.wait(kind, within_s)

    async def close(self) -> None:
        """Send what was rung, if it goes quickly, and ring no more."""
        self._is_closed = True
        if self._carrying is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_S):
                await self._all_sent.wait()
        # One that meets a time-out, as after a long sleep, is lost: tell it until it is heard.
        while not self._carrying.done():
            self._carrying.cancel()
            await asyncio.wait([self._carrying], timeout=CLOSE_S)
        self.is_up = False

    def _send_later(self, kinds: set[str]) -> None:
        self._unsent |= kinds
        self._all_sent.clear()
        self._wanted.set()
        self.begin()

    # -- the wire

    async def _carry(self) -> None:
        """Carry rings out and in for ever; whatever goes wrong, begin again a little later."""
        while True:
            try:
                await self._link()
            except Exception as error:  # noqa: BLE001 - a bell that is broken costs time alone
                self._went_down(error)
                await pause(self._back_off_s())

    def _back_off_s(self) -> float:
        fraction = self._chance.fraction()
        return back_off_s(self._failures, fraction, base_s=BACK_OFF_BASE_S, max_s=BACK_OFF_MAX_S)

    async def _link(self) -> None:
        """Carry rings until the connection is lost, which is raised."""
        commands = _client(self._url, answer_s=COMMAND_S)
        # How long it may block is said by the read itself.
        reading = _client(self._url, answer_s=None)
        async with _closing(commands), _closing(reading):
            newest = await _newest(commands)
            self._went_up()
            async with asyncio.TaskGroup() as both:
                both.create_task(self._send(commands))
                both.create_task(self._listen(reading, newest))

    async def _send(self, commands: Redis) -> None:
        """Send what was rung since the last time as one ring."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            kinds, self._unsent = self._unsent, set()
            try:
                await self._add(commands, kinds)
            except BaseException:
                # Sent again over the next connection: heard twice is heard once.
                self._unsent |= kinds
                self._wanted.set()
                raise
            if not self._unsent:
                self._all_sent.set()

    async def _add(self, commands: Redis, kinds: set[str]) -> None:
        fields: dict[Any, Any] = {
            "kinds": " ".join(sorted(kinds)),
            "from": self._name,
            "at": f"{self._now().timestamp():.6f}",
        }
        await commands.xadd(STREAM, fields, maxlen=RINGS_MAX, approximate=True)

    async def _listen(self, reading: Redis, last: str) -> None:
        """Ring here what was rung elsewhere."""
        while True:
            async with asyncio.timeout(BLOCK_S + SILENT_S):
                answer = await reading.xread(
                    {STREAM: last}, count=READ_RINGS_MAX, block=round(BLOCK_S * 1000)
                )
                rings = rings_of(answer)
                if not rings and await _newest(reading) != last:
                    # Begun anew, perhaps by a clock that is behind: nothing might come after ours.
                    last = BEGINNING
            for place, fields in rings:
                last = place
                self._heard(fields)

    def _heard(self, fields: Mapping[str, str]) -> None:
        if fields.get("from") == self._name:
            return
        kinds = fields.get("kinds", "").split()
        if EVERYBODY in kinds:
            self._local.ring_all()
        else:
            self._local.ring(kinds)
        with suppress(ValueError):
            took_s = self._now().timestamp() - float(fields.get("at", ""))
            _seconds.observe(amount=max(took_s, 0.0))

    def _went_up(self) -> None:
        if self._down_since is not None:
            after_s = round((self._now() - self._down_since).total_seconds(), 1)
            log.info("bell.up", after_s=after_s)
        self._failures, self._down_since, self.is_up = 0, None, True
        # What was rung elsewhere meanwhile, nobody knows.
        self._local.ring_all()

    def _went_down(self, error: BaseException) -> None:
        self._failures += 1
        self.is_up = False
        if self._down_since is None:
            self._down_since = self._now()
            log.warning("bell.down", error=type(_innermost(error)).__name__)


def rings_of(answer: Any) -> list[tuple[str, Mapping[str, str]]]:
    """Take the entries of one stream out of what XREAD answers in RESP2."""
    return [(key, fields or {}) for _stream, entries in answer or () for key, fields in entries]


async def _newest(client: Redis) -> str:
    found: Any = await client.xrevrange(STREAM, count=1)
    return str(found[0][0]) if found else BEGINNING


def _client(url: str, *, answer_s: float | None) -> Redis:
    return Redis.from_url(
        url,
        # One shape of answers, and no messages that nobody asked for.
        protocol=2,
        decode_responses=True,
        encoding_errors="replace",
        socket_connect_timeout=CONNECT_S,
        socket_timeout=answer_s,
        # The library would try ten times and wait in between; what a link does is done above.
        retry=Retry(NoBackoff(), 0),
    )


@asynccontextmanager
async def _closing(client: Redis) -> AsyncIterator[None]:
    try:
        yield
    finally:
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_S):
                await client.aclose()


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
