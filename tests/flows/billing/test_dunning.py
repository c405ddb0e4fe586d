"""A renewal fails: retries, notices, suspension, and one restore when the debt is paid."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import delete, select

from billing.catalog.terms import When
from billing.dunning.hours import Hours
from billing.dunning.model import Action, Ladder, Step
from billing.dunning.segment import Segment, Segments
from billing.dunning.store import dunning_notice, hold
from billing.flows.cancel import cancel
from billing.flows.publish import Publication
from billing.flows.segment import put_in
from billing.flows.settle import settle
from billing.payments.store import attempt
from billing.reads.dunning import Preview, preview
from runtime.log import log_entry, snapshot
from runtime.work import work
from terms.entitlement import ServiceState
from terms.errors import Invalid
from terms.ids import AccountId
from terms.notice import Notice
from tests.fixtures.billing import LADDER, ZONE, Office
from tests.fixtures.till import Till
from tests.flows.billing.books import (
    MONEY,
    check_books,
    counting,
    everything,
    open_items,
    rights,
    rows,
)
from tests.flows.billing.test_settle import pay, service_of

RENEWAL = datetime(2026, 3, 31, 22, tzinfo=UTC)  # 1 April in Vienna
MONTH = 3720


async def days(till: Till, until: datetime) -> None:
    """Let days pass: settle when a look is due, collect what is marked."""
    office = till.office
    while True:
        due = sorted(look for look in office.looks.values() if look and look <= until)
        if not due:
            break
        office.now = max(office.now, due[0])
        for account in [a for a, look in office.looks.items() if look and look <= office.now]:
            await office.settle(account)
        await till.collect()
    office.now = until


async def taken(office: Office) -> list[tuple[str, date]]:
    """Return the notices that were given, with their local days."""
    async with office.store.read() as tx:
        found = await tx.rows(select(dunning_notice).order_by(dunning_notice.c.given_at))
    return [(row.kind, (row.given_at + timedelta(hours=2)).date()) for row in found]


async def tries(office: Office) -> list[tuple[date, int, str]]:
    """Return day, amount and state of every attempt."""
    async with office.store.read() as tx:
        found = await tx.rows(select(attempt).order_by(attempt.c.opened_at, attempt.c.n))
    return [(row.opened_on, row.amount_minor, row.state) for row in found]


async def renewed(till: Till) -> AccountId:
    """Make a household whose first invoice is paid and whose card then declines."""
    account = await till.join()
    await till.collect()
    await till.behave("decline:insufficient_funds")
    await days(till, RENEWAL - timedelta(minutes=1))
    return account


async def test_the_ladder_of_a_failed_renewal(till: Till):
    """Day 0 fails, days 1, 3, 5 retry, days 3 and 7 tell, day 10 suspends; paying restores once."""
    account = await renewed(till)
    office = till.office
    key = await service_of(office)
    await days(till, RENEWAL + timedelta(days=9, hours=23))
    assert (await rights(office.store, key)).state is ServiceState.ACTIVE
    await days(till, RENEWAL + timedelta(days=10, hours=2))
    assert await tries(office) == [
        (date(2026, 3, 11), 2520, "cleared"),
        *((date(2026, 4, day), MONTH, "failed") for day in (1, 2, 4, 6)),
    ]
    assert await taken(office) == [
        ("payment_reminder", date(2026, 4, 4)),
        ("suspension_warning", date(2026, 4, 8)),
    ]
    dark = await rights(office.store, key)
    assert (dark.state, dark.reason, dark.revision) == (ServiceState.SUSPENDED, "dunning", 3)
    await till.behave("ok")
    await pay(office, "37.20", "R-1")
    await office.settle(account)
    lit = await rights(office.store, key)
    assert (lit.state, lit.revision) == (ServiceState.ACTIVE, 4)
    assert await open_items(office.store) == {}
    assert await rows(office.store, hold) == []
    await office.settle(account)
    assert (await rights(office.store, key)).revision == 4
    await check_books(office.store)


async def test_notices_say_what_is_owed(small_till: Till):
    """A notice names the invoice, its due date and the sum, and is told once."""
    await renewed(small_till)
    office = small_till.office
    await days(small_till, RENEWAL + timedelta(days=4))
    async with office.store.read() as tx:
        query = select(log_entry.c.id, log_entry.c.value).where(log_entry.c.kind == "notice")
        found = await tx.rows(query)
        marked = await tx.rows(select(work.c.key).where(work.c.kind == "notify"))
    (row,) = found
    notice = Notice.decode(row.value)
    assert notice.params == {
        "contract": "100001",
        "number": "INV-00000002",
        "due_on": "2026-04-01",
        "days": "3",
        "amount": "37.20 EUR",
    }
    assert (notice.kind, notice.id) == ("payment_reminder", row.id)
    assert [each.key for each in marked] == [row.id]
    assert notice.not_after == office.machine.now + timedelta(hours=24)


async def test_after_an_outage_each_step_keeps_its_days(small_till: Till):
    """Looked at only after weeks: first one notice, then the other, and the hold its days later."""
    account = await renewed(small_till)
    office = small_till.office
    await office.settle(account)
    office.now = RENEWAL
    await office.settle(account)
    office.now = RENEWAL + timedelta(days=25)
    await office.settle(account)
    assert await taken(office) == [("payment_reminder", date(2026, 4, 26))]
    await small_till.collect()
    await days(small_till, RENEWAL + timedelta(days=31, hours=23))
    assert await taken(office) == [
        ("payment_reminder", date(2026, 4, 26)),
        ("suspension_warning", date(2026, 4, 30)),
    ]
    assert await rows(office.store, hold) == []
    await days(small_till, RENEWAL + timedelta(days=32, hours=1))
    (found,) = await rows(office.store, hold)
    assert found[2:5] == ("dunning", date(2026, 5, 3), "INV-00000002")


CALM = Segment(ladder=LADDER, is_exempt=True)
DAYTIME = Segment(
    ladder=LADDER, cut_off=Hours(weekdays=range(5), from_hour=9, until_hour=17), least_minor=1000
)


async def test_a_segment_has_rules_of_its_own(small_till: Till):
    """In office hours on a workday, never where it is exempt, and lit at once by going there."""
    office = small_till.office
    segments = Segments({"": Segment(ladder=LADDER), "medical": CALM, "shops": DAYTIME})
    await office.publish(Publication(zone=ZONE, segments=segments))
    account = await renewed(small_till)
    key = await service_of(office)

    async def put(segment: str) -> None:
        async with office.store.begin() as tx:
            await put_in(office.desk, tx, "100001", segment)
        await office.settle(account)

    await put("shops")
    await days(small_till, datetime(2026, 4, 13, 6, 59, tzinfo=UTC))  # due on Saturday the 11th
    assert (await rights(office.store, key)).state is ServiceState.ACTIVE
    await days(small_till, datetime(2026, 4, 13, 7, tzinfo=UTC))  # Monday, nine in Vienna
    assert (await rights(office.store, key)).state is ServiceState.SUSPENDED
    await put("medical")
    assert (await rights(office.store, key)).state is ServiceState.ACTIVE
    assert [kind for kind, _ in await taken(office)] == ["payment_reminder", "suspension_warning"]
    with pytest.raises(Invalid, match="no segment 'navy'; known: medical, shops"):
        await put("navy")
    with pytest.raises(Invalid, match="accounts are in it"):
        await office.publish(Publication(zone=ZONE, segments=Segments.usual(LADDER)))


async def test_whoever_may_have_paid_is_not_cut_off(small_till: Till):
    """While an attempt from before the day is unknown the service is not suspended for it."""
    await renewed(small_till)
    await small_till.behave("lost", "ok")
    office = small_till.office
    office.now = RENEWAL
    await office.settle(*office.looks)
    await small_till.collect()
    assert [one[2] for one in await tries(office)] == ["cleared", "unknown"]
    await office.live(list(office.looks), RENEWAL + timedelta(days=20))
    assert await rows(office.store, hold) == []
    assert [one[2] for one in await tries(office)] == ["cleared", "unknown"]
    await small_till.collect()
    assert await open_items(office.store) == {}


async def test_the_second_debt_is_collected_by_itself(small_till: Till):
    """Each invoice is retried by its own age; the service stays held by the oldest."""
    await renewed(small_till)
    office = small_till.office
    await days(small_till, datetime(2026, 5, 2, 12, tzinfo=UTC))
    assert [one[:2] for one in await tries(office)][-2:] == [
        (date(2026, 5, 1), MONTH),
        (date(2026, 5, 2), MONTH),
    ]
    (found,) = await rows(office.store, hold)
    assert found[4] == "INV-00000002"
    await pay(office, "37.20", "R-1")
    await office.settle(*office.looks)
    # The older debt is gone, the younger one is a day old: nothing holds the service.
    assert await rows(office.store, hold) == []
    assert await open_items(office.store) == {"INV-00000003": MONTH}


async def test_the_ladder_is_data(office: Office):
    """Another ladder in the catalogue is another story, at once and without code."""
    steps = (Step(after_days=0, action=Action.SUSPEND),)
    await office.publish(Publication(zone=ZONE, segments=Segments.usual(Ladder(steps))))
    account = await office.join(method=None, terms_days=14)
    await pay(office, "25.20", "R-1")
    await office.settle(account)
    key = await service_of(office)
    await office.live([account], datetime(2026, 4, 14, tzinfo=UTC))
    assert (await rights(office.store, key)).state is ServiceState.ACTIVE
    await office.live([account], datetime(2026, 4, 15, tzinfo=UTC))
    assert (await rights(office.store, key)).state is ServiceState.SUSPENDED
    await office.publish(Publication(zone=ZONE, segments=Segments.usual(LADDER)))
    await office.settle(account)
    assert (await rights(office.store, key)).state is ServiceState.ACTIVE


async def test_a_preview_tells_what_comes_true(small_till: Till):
    """By either rules: who is told, goes dark and comes back, first on its very day; no write."""
    await renewed(small_till)
    office = small_till.office
    await days(small_till, RENEWAL + timedelta(hours=1))
    sooner = Ladder((Step(after_days=2, action=Action.SUSPEND),))

    async def ask(rules: Segments, ahead: int) -> Preview:
        async with counting(office.store) as (tx, counted):
            found = await preview(tx, Segments.usual(LADDER), rules, office.now, days=ahead)
        assert counted.writes == []
        return found

    found = await ask(Segments.usual(sooner), 9)
    assert (found.accounts, found.published.notices, found.published.suspended) == (1, 2, 0)
    assert (found.wished.told, found.wished.suspended) == (0, 1)
    (first,) = found.wished.first_suspended
    assert (first.account, str(first.owed)) == ("100001", "37.20 EUR")
    assert first.on == date(2026, 4, 3)
    (foreseen,) = (await ask(Segments.usual(LADDER), 30)).published.first_suspended
    await days(small_till, RENEWAL + timedelta(days=12))
    (held,) = await rows(office.store, hold)
    assert held[3] == foreseen.on
    now = await ask(Segments({"": CALM}), 0)
    assert (now.published.suspended, now.published.restored) == (0, 0)
    assert (now.wished.restored, now.wished.first_restored[0].account) == (1, "100001")


async def test_derived_rows_come_back(small_till: Till):
    """Holds, snapshots and work that were deleted return alike; no money is written."""
    account = await renewed(small_till)
    office = small_till.office
    await days(small_till, RENEWAL + timedelta(days=12))
    before = await everything(office.store, (*MONEY, hold, dunning_notice, log_entry))
    was = await rights(office.store, await service_of(office))
    async with office.store.begin() as tx:
        for table in (hold, snapshot, work):
            await tx.execute(delete(table))
    await office.settle(account)
    now = await rights(office.store, await service_of(office))
    assert now.encode() == was.encode()
    assert now.revision > was.revision
    assert await everything(office.store, (*MONEY, hold, dunning_notice, log_entry)) == before
    async with counting(office.store) as (tx, counted):
        await settle(office.desk, tx, [account], office.now)
    assert counted.writes == []


async def test_a_cancelled_service_goes_dark_and_still_owes(small_till: Till):
    """Cancelled on its second day it ends at once with its last grants known, and owes one day."""
    account = await renewed(small_till)
    office = small_till.office
    await days(small_till, RENEWAL + timedelta(days=1))
    async with office.store.begin() as tx:
        await cancel(office.desk, tx, "100001", When.NOW, office.now)
    await office.settle(account)
    ended = await rights(office.store, await service_of(office))
    assert (ended.state, ended.reason) == (ServiceState.ENDED, "cancelled")
    assert [grant.code for grant in ended.grants] == ["base"]
    a_day = {"INV-00000002": 124}  # 31.00 / 30 = 1.03, and its tax
    assert await open_items(office.store) == a_day
    await days(small_till, RENEWAL + timedelta(days=70))
    assert await open_items(office.store) == a_day
