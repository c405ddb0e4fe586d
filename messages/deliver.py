"""How every message goes out: at most once, or not at all when it is late.

What is about to be sent is recorded and committed first. Whoever finds such a record afterwards
cannot know whether it was sent, and therefore does not send it. One that is known to have reached
nobody waits, and is tried again until its time is over. A channel knows what its messages are and
how they go out, and none of this.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from messages import store as deliveries
from messages.model import OPEN, Delivery, Message, Outcome
from messages.plan import Via
from runtime.crash import reach
from runtime.retry import back_off_s
from runtime.store import Store, Tx
from runtime.telemetry import counter, get_log
from runtime.work import Claim, Failure, Parking, Work
from terms.errors import Retryable, TargetError, Unauthorized, Unreachable

log = get_log()
M = TypeVar("M", bound=Message)

# What waits somewhere until the last moment has been told by then.
OVER = timedelta(seconds=30)
RESTS_MAX = timedelta(hours=1)
STOPPED = "stopped in the middle; it may have gone out"
_ended = counter("boxoffice_messages", "Messages that came to an end", "channel", "outcome")

# These may pass by themselves, or by an operator's hand, while a message's time lasts.
_PASSING = (Unreachable, Retryable, Unauthorized)

Became = tuple[Outcome, str]
Follow = Callable[[Tx, Via, Sequence[str]], Awaitable[None]]
_End = tuple[str, Outcome, str]


class Channel(Protocol[M]):
    """One way to people."""

    kind: str
    via: Via
    in_flight_max: int

    async def find(self, tx: Tx, ids: Sequence[str]) -> Mapping[str, M]:
        """Find what is to be sent; what was never written is left out."""
        ...

    async def send(self, message: M) -> Became:
        """Send it, once, and tell what became of it and why."""
        ...

    async def became(self, message: M) -> Became:
        """Tell what became of one that waited until its time was over; sends nothing."""
        ...

    async def ended(self, tx: Tx, ids: Sequence[str]) -> None:
        """Let go of what will never be sent any more."""
        ...


async def let_be(_tx: Tx, _via: Via, _ids: Sequence[str]) -> None:
    """Leave it at that."""


def after_error(error: TargetError) -> Outcome:
    """Tell what became of a message that was handed over, or not, when this was raised."""
    if not error.is_untouched:
        return Outcome.UNKNOWN
    return Outcome.WAITING if isinstance(error, _PASSING) else Outcome.FAILED


class Deliver(Generic[M]):
    """Delivers the messages of claimed rows by one channel; `follow` hears of what has failed."""

    def __init__(
        self, store: Store, work: Work, channel: Channel[M], follow: Follow = let_be
    ) -> None:
        self.store = store
        self.work = work
        self.channel = channel
        self.follow = follow

    async def handle(self, claims: Sequence[Claim]) -> None:
        """Deliver a batch: record, send with no transaction open, write the ends."""
        async with self.store.begin() as tx:
            begun, resting = await self._begin(tx, claims)
        reach("after_record")
        gate = asyncio.Semaphore(self.channel.in_flight_max)
        ends = await asyncio.gather(*(self._sent(message, gate) for message in begun))
        reach("after_send")
        async with self.store.begin() as tx:
            await self._end(tx, [c for c in claims if c.key not in resting], begun, ends)
        for id_, outcome, why in ends:
            if outcome is not Outcome.WAITING:  # which may last for hours, of thousands
                kind = self.channel.kind
                log.info("message.delivered", kind=kind, id=id_, outcome=outcome, why=why)

    async def _begin(self, tx: Tx, claims: Sequence[Claim]) -> tuple[list[M], Collection[str]]:
        """Record what will be sent; late, unknown and impossible messages end here.

        Gives those that are begun, and the names of those whose hour has not come.
        """
        keys = [claim.key for claim in claims]
        earlier = await deliveries.outcomes(tx, keys)
        stopped = [id_ for id_, outcome in earlier.items() if outcome is Outcome.BEGUN]
        await self._write(tx, [(id_, Outcome.UNKNOWN, STOPPED) for id_ in stopped])
        wanted = [key for key in keys if earlier.get(key) in {None, Outcome.WAITING}]
        found = await self.channel.find(tx, wanted)
        lost = [c for c in claims if c.key in wanted and c.key not in found]
        await self.work.park(tx, [Parking(claim=c, error="no such message") for c in lost])
        fresh = [(self._decided(one, earlier.get(one.id)), one) for one in found.values()]
        await deliveries.record(tx, [delivery for delivery, _ in fresh])
        self._count(delivery.outcome for delivery, _ in fresh)
        failed = [one.id for delivery, one in fresh if delivery.outcome is Outcome.FAILED]
        if failed:
            await self.follow(tx, self.channel.via, failed)
        resting = {one.id: one for d, one in fresh if d.outcome is Outcome.WAITING}
        rests = [_rest(c, resting[c.key], self._now()) for c in claims if c.key in resting]
        await self.work.fail(tx, rests)
        begun = [one for delivery, one in fresh if delivery.outcome is Outcome.BEGUN]
        return begun, resting.keys()

    def _decided(self, message: Message, earlier: Outcome | None) -> Delivery:
        now = self._now()
        if now > message.not_after and earlier is None:
            return self._delivery(message, now, Outcome.LATE, message.is_over)
        if message.flaw:
            return self._delivery(message, now, Outcome.FAILED, message.flaw)
        if message.not_before is not None and now < min(message.not_before, message.not_after):
            why = f"quiet until {message.not_before:%F %H:%M} UTC"
            return self._delivery(message, now, Outcome.WAITING, why)
        return self._delivery(message, now, Outcome.BEGUN, "")

    async def _sent(self, message: M, gate: asyncio.Semaphore) -> _End:
        async with gate:
            is_over = self._now() > message.not_after
            become = self.channel.became if is_over else self.channel.send
            outcome, why = await become(message)
        return message.id, outcome, why

    async def _end(
        self, tx: Tx, claims: Sequence[Claim], begun: Sequence[M], ends: Sequence[_End]
    ) -> None:
        """Write what became of a batch; only what waits keeps its row, and what it will send."""
        await self._write(tx, ends)
        waiting = {id_: why for id_, outcome, why in ends if outcome is Outcome.WAITING}
        over = {message.id: message.not_after for message in begun}
        later = [self._later(c, waiting[c.key], over[c.key]) for c in claims if c.key in waiting]
        done = [claim for claim in claims if claim.key not in waiting]
        await self.channel.ended(tx, [claim.key for claim in done])
        failed = [id_ for id_, outcome, _why in ends if outcome is Outcome.FAILED]
        if failed:
            await self.follow(tx, self.channel.via, failed)
        await self.work.fail(tx, later)
        await self.work.complete(tx, done)

    async def _write(self, tx: Tx, ends: Sequence[_End]) -> None:
        await deliveries.end(tx, ends, self._now())
        self._count(outcome for _, outcome, _why in ends)

    def _count(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            if outcome not in OPEN:
                _ended.inc(self.channel.kind, outcome.value)

    def _later(self, claim: Claim, why: str, not_after: datetime) -> Failure:
        """Look again ever more seldom, and once more when its time is over; nothing is wrong."""
        now = self._now()
        soon = timedelta(seconds=back_off_s(1, self.work.chance.fraction()))
        at = min(now + max(soon, (now - claim.marked_at) / 2), max(not_after, now) + OVER)
        return Failure(claim=claim, error=why, not_before=at, counts=False)

    def _now(self) -> datetime:
        return self.work.clock.machine_now()

    def _delivery(self, message: Message, now: datetime, outcome: Outcome, why: str) -> Delivery:
        return Delivery(
            id=message.id,
            service=message.service,
            to=message.to,
            kind=message.kind,
            via=self.channel.via,
            text=message.shown,
            outcome=outcome,
            begun_at=now,
            ended_at=None if outcome in OPEN else now,
            why=why,
        )


def _rest(claim: Claim, message: Message, now: datetime) -> Failure:
    """Look again when its hour has come, or its time is over; meanwhile the hours may be others."""
    at = min(message.not_before or message.not_after, message.not_after + OVER, now + RESTS_MAX)
    return Failure(claim=claim, error="quiet hours", not_before=at, counts=False)
