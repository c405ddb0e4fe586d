"""Messages: proven, whole, the same whenever they are taken up; and the list of what happened."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import ClassVar

from billing.payments.conformance.harness import Harness
from billing.payments.conformance.trial import ACCOUNT, Trial, error_in, only, trial
from billing.payments.model import Decline, Moved, MovementKind
from billing.payments.provider import EventPage, Missing, RefundOrder
from runtime.clock import utc_now
from terms.errors import Forbidden, Invalid
from terms.money import Money

ANOTHERS = "of another account"
MINUTES_4, MINUTES_6 = timedelta(minutes=4), timedelta(minutes=6)
BACK_AND_FORTH = frozenset(
    {
        MovementKind.CLEARED,
        MovementKind.GIVEN_BACK,
        MovementKind.BOUNCED,
        MovementKind.DISPUTED,
        MovementKind.REINSTATED,
    }
)
JUNK = (b"", b"null", b"[1]", b'"x"', b"{}", b"\xff\xfe", b"[" * 50_000)


class Telling:
    """What is true of every message."""

    harness: ClassVar[Harness]

    async def test_only_fresh_messages_of_its_own_are_believed(self) -> None:
        """The raw body is proven, within some minutes both ways, and each event is named."""
        async with trial(self.harness) as t:
            await t.charged()
            body, now = (await self.harness.messages())[-1], utc_now()
            good = self.harness.sign(body, now)
            (event, *_) = t.provider.verify(good, body, now)
            assert event.id
            for other in (now - MINUTES_4, now + MINUTES_4):
                assert t.provider.verify(good, body, other)
            reserialised = json.dumps(json.loads(body), indent=1).encode()
            forged = [
                (body + b" ", good, now),
                (reserialised, good, now),
                (body, {}, now),
                (body, dict.fromkeys(good, ""), now),
                (body, dict.fromkeys(good, "\u00e9"), now),
                (body, self.harness.sign(body, now, secret=ANOTHERS), now),
            ]
            if not t.lacks("fresh"):
                forged += [(body, good, now + MINUTES_6), (body, good, now - MINUTES_6)]
            for wrong, headers, at in forged:
                error = error_in(t.provider.verify, headers, wrong, at)
                assert type(error) is Forbidden, (wrong, headers)
                assert not any(secret in str(error) for secret in self.harness.secrets())

    async def test_a_message_told_twice_brings_the_same_events(self) -> None:
        """A copy is known by the names of its events, and no two events share one."""
        async with trial(self.harness) as t:
            await t.charged()
            now, names = utc_now(), []
            for body in await self.harness.messages():
                headers = self.harness.sign(body, now)
                once = t.provider.verify(headers, body, now)
                assert list(once) == list(t.provider.verify(headers, body, now))
                names += [one.id for one in once]
            assert names
            assert len(set(names)) == len(names)

    async def test_what_is_no_message_is_refused(self) -> None:
        """Signed or not, what is no message about events is no event."""
        async with trial(self.harness) as t:
            now = utc_now()
            for junk in JUNK:
                headers = self.harness.sign(junk, now)
                assert type(error_in(t.provider.verify, headers, junk, now)) is Invalid, junk

    async def test_what_concerns_no_money_tells_nothing(self) -> None:
        """An event about something else is no error and no tiding."""
        async with trial(self.harness) as t:
            now, body = utc_now(), self.harness.other
            for event in t.provider.verify(self.harness.sign(body, now), body, now):
                assert list(t.provider.parse(await t.complete(event.body))) == []

    async def test_messages_tell_of_a_charge(self) -> None:
        """Those of a charge and of a refusal carry our marks back, their amounts, their class."""
        async with trial(self.harness) as t:
            good = await t.order("A-1")
            paid = await t.charged(good)
            await self.harness.behave("soft")
            bad = await t.order("A-2", Money(777, self.harness.currency))
            await t.decided(bad, "soft")
            cleared = only(await t.moved(MovementKind.CLEARED))
            assert (cleared.charge, cleared.attempt) == (paid.charge, "A-1")
            assert (cleared.account, cleared.amount) == (ACCOUNT, good.amount)
            refused = only(await t.refused())
            assert (refused.attempt, refused.amount) == ("A-2", bad.amount)
            assert (refused.code, refused.decline) == (self.harness.soft, Decline.SOFT)

    async def test_money_going_back_names_its_charge(self) -> None:
        """What a bank takes, and gives back again, is told by the charge that it belongs to."""
        async with trial(self.harness) as t:
            paid = await t.charged()
            await self.harness.dispute(paid.charge)
            taken = only([*{*await t.moved(MovementKind.DISPUTED)}])
            assert (taken.charge, taken.amount) == (paid.charge, paid.amount)
            await self.harness.win(paid.charge)
            won = only([*{*await t.moved(MovementKind.REINSTATED)}])
            assert (won.charge, won.amount) == (paid.charge, paid.amount)

    async def test_an_event_tells_the_same_whenever_it_is_taken_up(self) -> None:
        """Taken up at once or after all is over, it names the same movements and sums."""
        async with trial(self.harness) as t:
            paid = await t.charged()
            at_once = await t.told()
            amount = Money(500, self.harness.currency)
            order = RefundOrder(refund="R-1", charge=paid.charge, amount=amount)
            made = await t.given_back(order)
            at_once += await t.told()
            for happen, to in (
                (self.harness.bounce, made.refund),
                (self.harness.dispute, paid.charge),
                (self.harness.win, paid.charge),
            ):
                heard = len(await self.harness.messages())
                await happen(to)
                at_once += await t.told(since=heard)
            late = await t.told()
            assert set(at_once) == set(late)
            assert {one.kind for one in late if isinstance(one, Moved)} >= BACK_AND_FORTH

    async def test_tidings_that_cannot_be_read_are_refused(self) -> None:
        """An event about money whose amount, currency or name is broken is refused, not guessed."""
        async with trial(self.harness) as t:
            await t.charged()
            telling = [event for event in await t.events() if t.provider.parse(event)]
            spoilt = list(self.harness.broken(telling[-1]))
            assert len(spoilt) > 5
            for event in spoilt:
                assert type(error_in(t.provider.parse, event)) is Invalid, event

    async def test_events_are_listed_behind_one_another(self) -> None:
        """What happened is listed oldest first behind an event; one that is unknown is said so."""
        async with trial(self.harness) as t:
            await t.charged(await t.order("A-1"))
            page = await t.provider.events_after("")
            assert isinstance(page, EventPage)
            first = await self._cleared(t, page)
            assert [one.attempt for one in first] == ["A-1"]
            last = page.events[-1]
            assert await t.provider.events_after(last.id) == EventPage(events=[], has_more=False)
            await t.charged(await t.order("A-2"))
            behind = await t.provider.events_after(last.id)
            assert isinstance(behind, EventPage)
            assert [one.attempt for one in await self._cleared(t, behind)] == ["A-2"]
            assert behind.events[0].at >= last.at
            assert await t.provider.events_after(self.harness.no_event) == Missing()
            listed = [one.id for one in [*page.events, *behind.events]]
            assert len(set(listed)) == len(listed)
            known = {event for body in await self.harness.messages() for event in _ids(t, body)}
            assert set(listed) <= known

    async def _cleared(self, t: Trial, page: EventPage) -> list[Moved]:
        told = [
            one for event in page.events for one in t.provider.parse(await t.complete(event.body))
        ]
        return [one for one in told if isinstance(one, Moved)]


def _ids(t: Trial, body: bytes) -> list[str]:
    now = utc_now()
    return [one.id for one in t.provider.verify(t.harness.sign(body, now), body, now)]
