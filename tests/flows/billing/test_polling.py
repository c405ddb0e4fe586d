"""What a provider's messages did not tell is found by asking: soon, and once."""

from datetime import datetime, timedelta

from sqlalchemy import select

from billing.flows import polling
from billing.flows.receive import Received
from billing.payments.store import provider_cursor, provider_event
from tests.fixtures.till import Till
from tests.flows.billing.books import balances, check_books, open_items
from tests.flows.billing.test_collect import FIRST, attempts


async def poll(till: Till, pages_max: int = polling.PAGES_MAX) -> int:
    """Ask the provider what happened, and take up what is new; returns how much that is."""
    office, found = till.office, 0
    async with office.store.read() as tx:
        since = await polling.cursor(tx, "cards")
    for _ in range(pages_max):
        page = await office.desk.providers["cards"].events_after(since)
        async with office.store.begin() as tx:
            new, since = await polling.take(office.desk, tx, "cards", page, since)
        found += new
        if not since:
            break
    async with office.store.read() as tx:
        keys = [row.id for row in await tx.rows(select(provider_event.c.id))]
    await till.take(*(Received(event=key, is_new=False) for key in keys))
    return found


async def test_a_lost_message_is_found_and_late_ones_change_nothing(till: Till):
    """The answer was lost and no message ever came: the look finds the payment, once."""
    office = till.office
    await till.join()
    await till.behave("lost")
    await till.collect()
    assert await attempts(till) == [(0, "unknown", "")]
    assert await poll(till) == 1
    assert await attempts(till) == [(0, "cleared", "")]
    assert await open_items(office.store) == {}
    before = await balances(office.store)
    assert await poll(till) == 0
    await till.hear_all("payment_intent.succeeded")
    (event,) = await till.events("payment_intent.succeeded")
    assert not (await till.hear(event)).is_new
    assert await balances(office.store) == before
    assert before["clearing", "cards", "EUR"] == FIRST
    await check_books(office.store)


async def test_what_a_message_told_is_not_heard_twice(small_till: Till):
    """A message that came in time is no news to the look."""
    await small_till.join()
    await small_till.behave("lost")
    await small_till.collect()
    await small_till.hear_all("payment_intent.succeeded")
    assert await poll(small_till) == 0


async def test_looks_go_on_where_they_ended(small_till: Till):
    """More than fits on a page is walked page by page; a look that was cut short goes on later."""
    till = small_till
    assert await poll(till) == 0
    await fill(till, 230)
    till.office.machine.now = await later(till)
    assert await poll(till) == 100  # the first look begins with the newest page
    await fill(till, 230)
    assert await poll(till, pages_max=1) == 100
    till.office.machine.now = await later(till)
    assert await poll(till) == 130
    async with till.office.store.read() as tx:
        assert await tx.scalar(select(provider_cursor.c.event_id))


async def fill(till: Till, count: int) -> None:
    """Let something happen at the provider, again and again."""
    method = (await till.customer()).method
    for n in range(count):
        told = {"op": "renew", "payment_method": method, "exp_month": 5, "exp_year": 2040 + n % 9}
        await till.simulator.aadmin("/tamper", told)


async def later(till: Till) -> datetime:
    """Tell a time at which all of that is a while ago."""
    return till.office.machine.now + timedelta(minutes=20)


async def test_a_place_that_is_forgotten_is_begun_anew(small_till: Till):
    """The provider keeps events for thirty days: a look after a longer rest takes the newest."""
    till = small_till
    await till.join()
    await till.behave("lost")
    await till.collect()
    async with till.office.store.begin() as tx:
        row = {"provider": "cards", "event_id": "evt_long_ago", "happened_at": None}
        looked_at = till.office.machine.now
        await tx.insert(provider_cursor, [{**row, "looked_at": looked_at}])
    assert await poll(till) == 0
    assert await poll(till) == 1
    assert await attempts(till) == [(0, "cleared", "")]
