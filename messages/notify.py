"""The handler of `notify` rows: a notice goes out at most once, or not at all when it is late.

What is about to be sent is recorded and committed first. Whoever finds such a record afterwards
cannot know whether it was sent, and therefore does not send it. One that waits, for a target that
is away or for a box to call, is asked about again until its time is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from messages import store as deliveries
from messages.model import Delivery, Outcome
from messages.ports import Screen, Shown
from messages.templates import write
from runtime import crash
from runtime import log as facts
from runtime.retry import back_off_s
from runtime.store import Store, Tx
from runtime.telemetry import get_log
from runtime.work import Claim, Failure, Parking, Work
from terms.errors import DomainError, Invalid, TargetError
from terms.ids import NoticeId
from terms.notice import Notice

log = get_log()

KIND = "notify"
IN_FLIGHT_MAX = 16
# A box that has been told at the last moment has answered by then.
OVER = timedelta(seconds=30)

_Result = tuple[NoticeId, Outcome, str]


class Notify:
    """Delivers the notices of claimed rows to a screen."""

    def __init__(self, store: Store, work: Work, screen: Screen) -> None:
        self.store = store
        self.work = work
        self.screen = screen

    async def handle(self, claims: Sequence[Claim]) -> None:
        """Deliver a batch: record, send with no transaction open, write the ends."""
        async with self.store.begin() as tx:
            begun = await self._begin(tx, claims)
        crash.reach("after_recording")
        gate = asyncio.Semaphore(IN_FLIGHT_MAX)
        results = await asyncio.gather(*(self._send(*one, gate) for one in begun))
        async with self.store.begin() as tx:
            await deliveries.end(tx, results, self._now())
            waiting = {notice: why for notice, to, why in results if to is Outcome.WAITING}
            ends = {notice.id: notice.not_after for _, notice in begun}
            later = [self._later(c, waiting, ends) for c in claims if c.key in waiting]
            await self.work.fail(tx, later)
            await self.work.complete(tx, [claim for claim in claims if claim.key not in waiting])
        for notice, outcome, why in results:
            log.info("notice.delivered", notice=notice, outcome=outcome.value, why=why)

    async def _begin(self, tx: Tx, claims: Sequence[Claim]) -> list[tuple[Delivery, Notice]]:
        """Record what will be sent; late, unknown and unwritable notices end here."""
        keys = [claim.key for claim in claims]
        earlier = await deliveries.outcomes(tx, keys)
        stopped = [notice for notice, outcome in earlier.items() if outcome is Outcome.BEGUN]
        why = "stopped in the middle; it may have been shown"
        await deliveries.end(tx, [(n, Outcome.UNKNOWN, why) for n in stopped], self._now())
        wanted = [key for key in keys if earlier.get(NoticeId(key)) in {None, Outcome.WAITING}]
        entries = await facts.find(tx, wanted)
        lost = [c for c in claims if c.key in wanted and c.key not in entries]
        await self.work.park(tx, [Parking(claim=c, error="no such notice") for c in lost])
        notices = [Notice.decode(entry.value) for entry in entries.values()]
        fresh = [(self._decide(one, earlier.get(one.id)), one) for one in notices]
        await deliveries.record(tx, [delivery for delivery, _ in fresh])
        return [one for one in fresh if one[0].outcome is Outcome.BEGUN]

    def _later(
        self, claim: Claim, whys: Mapping[NoticeId, str], ends: Mapping[NoticeId, datetime]
    ) -> Failure:
        """Look again ever more seldom, and once more when its time is over; nothing is wrong."""
        notice, now = NoticeId(claim.key), self._now()
        soon = timedelta(seconds=back_off_s(1, self.work.chance.fraction()))
        at = min(now + max(soon, (now - claim.marked_at) / 2), max(ends[notice], now) + OVER)
        return Failure(claim=claim, error=whys[notice], not_before=at, counts=False)

    def _decide(self, notice: Notice, earlier: Outcome | None) -> Delivery:
        now = self._now()
        if now > notice.not_after and earlier is None:
            return _delivery(notice, now, Outcome.LATE, _over(notice))
        try:
            text = write(notice.kind, notice.locale, notice.params)
        except Invalid as error:
            return _delivery(notice, now, Outcome.FAILED, str(error))
        return _delivery(notice, now, Outcome.BEGUN, "", text)

    async def _send(self, delivery: Delivery, notice: Notice, gate: asyncio.Semaphore) -> _Result:
        is_late = self._now() > notice.not_after
        async with gate:
            try:
                shown = await self._shown(delivery, notice, is_late=is_late)
            except (TargetError, DomainError) as error:
                return notice.id, Outcome.FAILED, str(error)
        if shown.taken:
            return notice.id, Outcome.SENT, shown.why
        if shown.may_repeat and is_late:
            return notice.id, Outcome.LATE, _over(notice)
        outcome = Outcome.WAITING if shown.may_repeat else Outcome.FAILED
        return notice.id, outcome, shown.why or "no target can show messages"

    async def _shown(self, delivery: Delivery, notice: Notice, *, is_late: bool) -> Shown:
        """Show a text; of one whose time is over only ask what became of it while it waited."""
        if is_late:
            return await self.screen.became(notice.id)
        until = notice.not_after
        return await self.screen.show(notice.service, delivery.text, notice.id, not_after=until)

    def _now(self) -> datetime:
        return self.work.clock.machine_now()


def _over(notice: Notice) -> str:
    return f"its time ended {notice.not_after:%F %T}"


def _delivery(
    notice: Notice, now: datetime, outcome: Outcome, why: str, text: str = ""
) -> Delivery:
    return Delivery(
        notice=notice.id,
        service=notice.service,
        kind=notice.kind,
        text=text,
        outcome=outcome,
        begun_at=now,
        ended_at=None if outcome is Outcome.BEGUN else now,
        why=why,
    )
