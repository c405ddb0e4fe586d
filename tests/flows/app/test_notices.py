"""A notice on its way to a household's screens: once, in time, in its language, or not at all."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from messages import store as deliveries
from messages.deliver import Deliver
from messages.model import ALLOWED, Delivery, Outcome
from messages.notify import KIND, Notices
from messages.plan import KINDS, Via
from messages.ports import Shown
from messages.templates import kinds, languages, texts, write
from runtime import log
from runtime.store import to_micros
from runtime.work import Lane, Work
from runtime.work import work as rows
from terms.errors import Invalid, Unreachable
from terms.ids import NoticeId, ServiceId
from terms.notice import Notice

PARAMS = {
    "contract": "200001",
    "amount": "26.40 EUR",
    "due_on": "2040-04-01",
    "number": "7",
    "days": "3",
    "card": "visa 4242",
    "month": "05/2030",
}


class Wall:
    """A screen that keeps what it was given, and fails or stops when it is told to."""

    def __init__(self) -> None:
        self.shown: list[tuple[ServiceId, str]] = []
        self.error: BaseException | None = None
        self.is_dark = False
        self.waiting: list[tuple[ServiceId, str]] = []

    async def show(self, service, text, notice, *, not_after):
        """Show it, or fail as told; one that is dark may show it by itself in the end."""
        if self.error is not None:
            raise self.error
        if self.is_dark:
            self.waiting = [(service, text)]
            return Shown(taken=0, why="down", may_repeat=True)
        self.shown.append((service, text))
        return Shown(taken=1)

    def wake(self):
        """Show what waits."""
        self.shown += self.waiting

    async def became(self, notice):
        """Tell whether it was shown."""
        return Shown(taken=len(self.shown), why="down", may_repeat=not self.shown)


@pytest.fixture
def work(store, clock, chance):
    """Dirty rows over the store."""
    return Work(store, clock, chance)


@pytest.fixture
def wall():
    """A screen to look at."""
    return Wall()


@pytest.fixture
def lane(store, work, wall):
    """The lane of notices."""
    return Lane(work, KIND, Deliver(store, work, Notices(wall)).handle)


def notice_at(now, *, id_="n1", kind="payment_reminder", locale="en", hours=24, params=PARAMS):
    """Make a notice that may wait some hours."""
    return Notice(
        id=NoticeId(id_),
        service=ServiceId("S1"),
        kind=kind,
        not_after=now + timedelta(hours=hours),
        params=params,
        locale=locale,
    )


async def announce(store, work, *notices):
    """Write notices as billing does: log and mark in one transaction."""
    now = work.clock.machine_now()
    async with store.begin() as tx:
        entries = [
            log.Entry(id=n.id, kind="notice", key=n.service, value=n.encode(), at=now)
            for n in notices
        ]
        await log.append(tx, entries)
        await work.mark(tx, KIND, [n.id for n in notices])


async def outcome(store, id_="n1"):
    """What became of a notice."""
    async with store.read() as tx:
        return (await deliveries.outcomes(tx, [id_])).get(id_)


async def left(store, work):
    """How many rows are still to be worked on."""
    return len(await work.claim(KIND))


async def test_a_notice_is_read_once_in_the_households_language(store, work, wall, lane):
    """The text of the household's language reaches the screen, once, however often it is marked."""
    notice = notice_at(work.clock.machine_now(), locale="de-AT")
    await announce(store, work, notice)
    assert await lane.turn() == 1
    await announce(store, work, notice)
    assert await lane.turn() == 1
    ((service, text),) = wall.shown
    assert service == "S1"
    assert text.startswith("26.40 EUR sind offen, das Älteste davon war am 2040-04-01 fällig")
    assert await outcome(store) is Outcome.SENT
    assert await left(store, work) == 0


async def test_a_late_notice_is_dropped(store, work, wall, lane, machine):
    """What was to be said yesterday is not said today."""
    await announce(store, work, notice_at(work.clock.machine_now(), hours=1))
    machine.forward(timedelta(hours=1, seconds=1))
    await lane.turn()
    assert wall.shown == []
    assert await outcome(store) is Outcome.LATE


async def test_what_happened_nowhere_is_said_later(store, work, wall, lane, machine):
    """While the targets are known to have done nothing, the notice waits; then it is said once."""
    wall.is_dark = True
    await announce(store, work, notice_at(work.clock.machine_now()))
    await lane.turn()
    assert await outcome(store) is Outcome.WAITING
    wall.is_dark = False
    machine.forward(timedelta(minutes=20))
    await lane.turn()
    assert len(wall.shown) == 1
    assert await outcome(store) is Outcome.SENT
    assert await left(store, work) == 0


async def test_one_that_waited_too_long_is_dropped(store, work, wall, lane, machine):
    """The time of a notice ends also while it waits."""
    wall.is_dark = True
    await announce(store, work, notice_at(work.clock.machine_now(), hours=1))
    await lane.turn()
    wall.is_dark = False
    machine.forward(timedelta(hours=2))
    await lane.turn()
    assert wall.shown == []
    assert await outcome(store) is Outcome.LATE
    assert await left(store, work) == 0


async def test_one_that_was_shown_while_it_waited_is_told_so(store, work, wall, lane, machine):
    """A box has called in time; that nobody asked before the time was over changes nothing."""
    wall.is_dark = True
    await announce(store, work, notice_at(work.clock.machine_now(), hours=1))
    await lane.turn()
    wall.wake()
    machine.forward(timedelta(hours=2))
    await lane.turn()
    assert len(wall.shown) == 1
    assert await outcome(store) is Outcome.SENT


async def rest_of(store, now) -> timedelta:
    """How long the one row of work is left alone from now on."""
    async with store.read() as tx:
        until = await tx.scalar(select(rows.c.not_before))
    return timedelta(microseconds=(until or 0) - to_micros(now))


async def test_one_that_waits_long_is_asked_about_ever_more_seldom(
    store, work, wall, lane, machine
):
    """A day of waiting is some twenty looks, and no look counts as a failure of ours."""
    wall.is_dark = True
    await announce(store, work, notice_at(work.clock.machine_now()))
    looks = 0
    while await outcome(store) in {None, Outcome.WAITING}:
        looks += await lane.turn()
        machine.forward(max(timedelta(seconds=30), await rest_of(store, machine.now)))
    assert await outcome(store) is Outcome.LATE
    assert 10 < looks < 40
    assert await left(store, work) == 0


async def test_a_screen_that_does_not_answer_is_not_tried_again(store, work, wall, lane):
    """A notice nobody took has failed; it stays on record and is not repeated."""
    wall.error = Unreachable("nobody answered")
    await announce(store, work, notice_at(work.clock.machine_now()))
    await lane.turn()
    wall.error = None
    assert await lane.turn() == 0
    assert wall.shown == []
    assert await outcome(store) is Outcome.FAILED


async def test_stopped_in_the_middle_it_is_not_sent_again(store, clock, chance, wall, machine):
    """A worker that dies while sending leaves a record; the next one only calls it unknown."""
    work = Work(store, clock, chance, lease=timedelta(milliseconds=20))
    lane = Lane(work, KIND, Deliver(store, work, Notices(wall)).handle)
    wall.error = asyncio.CancelledError()
    await announce(store, work, notice_at(work.clock.machine_now()))
    with pytest.raises(asyncio.CancelledError):
        await lane.turn()
    assert await outcome(store) is Outcome.BEGUN
    wall.error = None
    machine.forward(work.lease * 2)
    async with asyncio.timeout(10):
        while await outcome(store) is Outcome.BEGUN:
            await lane.turn()
    assert wall.shown == []
    assert await outcome(store) is Outcome.UNKNOWN


async def test_one_that_cannot_be_written_stops_nobody_else(store, work, wall, lane):
    """A kind without text and a missing value fail alone; the others of the batch go out."""
    now = work.clock.machine_now()
    await announce(
        store,
        work,
        notice_at(now, id_="n1", kind="nosuch"),
        notice_at(now, id_="n2", params={}),
        notice_at(now, id_="n3"),
    )
    await lane.turn()
    assert len(wall.shown) == 1
    assert [await outcome(store, id_) for id_ in ("n1", "n2", "n3")] == [
        Outcome.FAILED,
        Outcome.FAILED,
        Outcome.SENT,
    ]


async def test_a_mark_without_a_notice_is_parked(store, work, lane):
    """Work for a notice that nobody wrote is set aside with the reason."""
    async with store.begin() as tx:
        await work.mark(tx, KIND, ["ghost"])
    await lane.turn()
    async with store.begin() as tx:
        assert await work.release(tx, KIND, ["ghost"]) == 1


@pytest.mark.parametrize("language", languages())
def test_every_language_says_everything(language):
    """Each language has a text for each kind, and every text can be filled."""
    assert sorted(texts(language)) == list(kinds())
    for kind in kinds():
        assert "{" not in write(kind, language, {**PARAMS, **KINDS[kind].sample})


@pytest.mark.parametrize(
    ("language", "unpaid"),
    [
        ("en", "26.40 EUR is unpaid"),
        ("de", "26.40 EUR sind offen"),
    ],
)
def test_not_all_that_is_unpaid_was_due_on_the_day_of_the_oldest(language, unpaid):
    """The amount is all that is owed, of several invoices too: the day is of the oldest alone."""
    for kind in ("payment_reminder", "suspension_warning"):
        text = write(kind, language, PARAMS)
        assert text.startswith(f"{unpaid}, ")
        assert "2040-04-01" in text.removeprefix(unpaid).partition(".")[0]
    assert unpaid in write("payment_failed", language, PARAMS)


def test_an_unknown_language_is_answered_in_english():
    """A household whose language we do not speak reads English; odd names reach no file."""
    assert write("restored", "xx", {}) == write("restored", "en", {})
    assert write("restored", "../../etc/passwd", {}) == write("restored", "en", {})


def test_an_unknown_kind_is_refused():
    """No text, no notice."""
    with pytest.raises(Invalid):
        write("nosuch", "en", {})


@pytest.mark.parametrize("before", list(Outcome))
async def test_an_ended_delivery_stays_as_it_is(store, work, before):
    """Only what was begun can end; the table of steps is what the database does."""
    now = work.clock.machine_now()
    delivery = Delivery(
        id="n",
        service=ServiceId("S"),
        kind="restored",
        via=Via.SCREEN,
        text="t",
        outcome=before,
        begun_at=now,
    )
    async with store.begin() as tx:
        await deliveries.record(tx, [delivery])
        await deliveries.end(tx, [("n", Outcome.SENT, "")], now)
    expected = Outcome.SENT if Outcome.SENT in ALLOWED[before] else before
    assert await outcome(store, "n") is expected
