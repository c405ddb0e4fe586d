"""A bill day waits for a person, or for its window to be over; nothing else waits with it."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from billing.billdays.model import OPEN_GATE, BillDay, DayState, Gate, state_of
from billing.flows import billdays
from billing.flows.publish import Publication
from billing.flows.settle import foresee
from runtime.store import to_micros
from runtime.work import Claim, work
from terms.errors import Invalid, InvalidTransition
from terms.ids import AccountId
from tests.fixtures.billing import ZONE, Office
from tests.flows.billing.books import check_books
from tests.flows.billing.test_life import MARCH, charged, goes_on, lit, on, rests, told

APRIL = date(2026, 4, 1)


async def gated(office: Office, window_days: int = 3) -> None:
    """Let bill days wait."""
    await office.publish(Publication(zone=ZONE, window_days=window_days))


async def release(office: Office, day: date) -> BillDay:
    """Let a bill day go."""
    async with office.store.begin() as tx:
        return await billdays.release(tx, day, office.now, zone=ZONE, by="person:1")


async def live(office: Office, day: date) -> None:
    """Let time pass until the morning of a day."""
    await office.live(list(office.looks), on(day))


async def test_a_day_waits_until_a_person_lets_it_go(office: Office):
    """April is a draft that a preview shows; released, it is charged as it was foreseen."""
    await gated(office)
    await lit(office, MARCH)
    await live(office, APRIL)
    await office.settle(*office.looks)
    assert len(await charged(office)) == 1
    async with office.store.rehearse() as tx:
        (draft,) = await foresee(office.desk, tx, list(office.looks), office.now, gate=OPEN_GATE)
    assert draft.invoice
    assert draft.invoice.net.amount_minor == 3100
    done = await release(office, APRIL)
    assert done.released_by == "person:1"
    assert await release(office, APRIL) == done
    await office.settle(*office.looks)
    await office.settle(*office.looks)
    assert [one[1:] for one in await charged(office)][1:] == [("04-01", "05-01", 3100)]
    await check_books(office.store)


async def test_after_its_window_a_day_goes_by_itself(small_office: Office):
    """Nobody came for three days: on the fourth of April the first is charged, and looked at."""
    office = small_office
    await gated(office)
    await lit(office, MARCH)
    await live(office, date(2026, 4, 3))
    assert len(await charged(office)) == 1
    await live(office, date(2026, 4, 4))
    assert len(await charged(office)) == 2
    await live(office, date(2026, 5, 3))
    assert len(await charged(office)) == 2
    await release(office, date(2026, 5, 1))
    await office.settle(*office.looks)
    assert len(await charged(office)) == 3


async def test_what_somebody_asks_for_waits_for_nobody(small_office: Office):
    """A sign-up, an upgrade and days of rest that are had after all are charged at once."""
    office = small_office
    await gated(office, 10)
    await lit(office, MARCH)
    assert await charged(office) == [("BASIC", "03-01", "04-01", 3100)]
    await told(office, date(2026, 3, 16), plan="LARGE")
    assert (await charged(office))[-1] == ("LARGE", "03-16", "04-01", 3200)
    await rests(office, date(2026, 3, 20), date(2026, 3, 22), date(2026, 3, 26))
    await goes_on(office, date(2026, 3, 24))
    assert (await charged(office))[-1] == ("LARGE", "03-24", "03-26", 400)
    await live(office, date(2026, 4, 5))
    assert len(await charged(office)) == 3
    await told(office, date(2026, 4, 5), add=("SPORT",))
    assert (await charged(office))[-1][:2] == ("SPORT", "04-05")


async def test_a_released_day_is_looked_at_at_once(office: Office):
    """Rows that would be looked at when the window is over are due, and those in work once more."""
    await gated(office)
    await lit(office, MARCH)
    (account,) = office.looks
    await live(office, APRIL)
    look = office.looks[account]
    assert look == on(date(2026, 4, 4)).replace(hour=0) - timedelta(hours=2)
    async with office.store.begin() as tx:
        await office.desk.work.mark(tx, "settle", [account])
    (claim,) = await office.desk.work.claim("settle")
    async with office.store.begin() as tx:
        await office.desk.work.complete_until(tx, [(claim, look)])
    await release(office, APRIL)
    assert await due_at(office, account) == to_micros(office.now)
    office.machine.now = office.now
    (busy,) = await office.desk.work.claim("settle")
    assert await after_a_release_meanwhile(office, busy)


async def after_a_release_meanwhile(office: Office, busy: Claim) -> bool:
    """Let another day go while a row is in work; tell whether it is looked at again."""
    await release(office, date(2026, 4, 2))
    async with office.store.begin() as tx:
        await office.desk.work.complete_until(tx, [(busy, office.now + timedelta(days=9))])
    return await due_at(office, AccountId(busy.key)) <= to_micros(office.now)


async def due_at(office: Office, account: AccountId) -> int:
    """Tell when an account is looked at next."""
    async with office.store.read() as tx:
        query = select(work.c.due_at).where(work.c.kind == "settle", work.c.key == account)
        return int(await tx.scalar(query))


async def test_only_a_day_that_waits_can_be_let_go(small_office: Office):
    """Without a window, long gone, or far ahead: each is refused with a sentence."""
    office = small_office
    with pytest.raises(InvalidTransition, match="no preview window"):
        await release(office, APRIL)
    await gated(office)
    office.now = on(APRIL)
    with pytest.raises(InvalidTransition, match="let go already"):
        await release(office, date(2026, 3, 29))
    with pytest.raises(Invalid, match="31 days ahead"):
        await release(office, date(2026, 6, 1))
    assert (await release(office, date(2026, 4, 20))).released_at == office.now


days = st.dates(date(2026, 1, 1), date(2026, 12, 31))


@given(window=st.integers(0, 30), released=st.none() | days, day=days, later=st.integers(0, 60))
def test_a_day_goes_once_and_never_comes_back(window, released, day, later):
    """Draft, then released: no later day and no later release makes a draft of it again."""
    before, after = Gate(window, released), day + timedelta(days=later)
    assert before.through(day) <= before.through(after)
    assert (day <= before.through(after)) or later < window
    if state_of(day, before, day) is DayState.RELEASED:
        assert state_of(day, before, after) is DayState.RELEASED
    gone = Gate(window, max(released or day, day))
    assert state_of(day, gone, after) is DayState.RELEASED
    assert day not in set(gone.waiting(after))
    assert set(before.waiting(day)) == {
        one
        for one in (day - timedelta(days=n) for n in range(40))
        if state_of(one, before, day) is DayState.DRAFT
    }
