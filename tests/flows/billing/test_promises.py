"""A promised payment: dunning stands still until its day is over, and no money changes."""

import os
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from billing.dunning.store import hold
from billing.flows.promise import policy_of, promise
from billing.flows.publish import Publication
from billing.invoicing.store import invoice, invoice_line
from billing.payments.store import attempt
from billing.promises.model import PromisePolicy, Standing
from billing.promises.store import promise as promises
from runtime.store import Store
from terms.entitlement import ServiceState
from terms.errors import Invalid, NotFound
from terms.ids import AccountId
from tests.fixtures.billing import ZONE, Office, make_office
from tests.flows.billing.books import check_books, open_items, rights, rows
from tests.flows.billing.test_dunning import RENEWAL, days, renewed, taken, tries
from tests.flows.billing.test_histories import scratch
from tests.flows.billing.test_settle import pay, service_of

EXAMPLES = int(os.environ.get("BOXOFFICE_TEST_HISTORIES", "8"))
DARK_AT = RENEWAL + timedelta(days=10, hours=2)  # 11 April in Vienna
UNTIL = date(2026, 4, 14)
OVER_AT = datetime(2026, 4, 14, 22, tzinfo=UTC)  # where 14 April ends in Vienna


async def give_word(office: Office, until: date, contract: str = "100001"):
    """Promise to pay by a day; nothing is settled yet."""

    async def story(tx):
        return await promise(office.desk, tx, contract, until, office.now)

    return await office.run(story)


async def states(office: Office) -> list[tuple[str, date | None]]:
    """Return what has become of every promise, the oldest first."""
    async with office.store.read() as tx:
        found = await tx.rows(select(promises).order_by(promises.c.id))
    return [(row.state, row.ended_on) for row in found]


async def cash_household(office: Office) -> AccountId:
    """Make a household that pays at the counter and has paid its first invoice."""
    account = await office.join(method=None)
    await pay(office, "25.20", "R-first")
    await office.settle(account)
    return account


async def dark(office: Office) -> AccountId:
    """Make a household that is suspended for a month it has not paid."""
    account = await cash_household(office)
    await office.live([account], DARK_AT)
    return account


async def test_a_promise_restores_and_a_payment_in_time_keeps_it(office: Office):
    """The word alone lights the service by one publication; the money later publishes nothing."""
    account = await dark(office)
    key = await service_of(office)
    before = await rights(office.store, key)
    assert before.state is ServiceState.SUSPENDED
    await give_word(office, UNTIL)
    await office.settle(account)
    lit = await rights(office.store, key)
    assert (lit.state, lit.revision) == (ServiceState.ACTIVE, before.revision + 1)
    assert office.looks[account] == OVER_AT
    await office.live([account], OVER_AT - timedelta(minutes=1))
    await pay(office, "37.20", "R-2")
    await office.settle(account)
    assert await states(office) == [("kept", UNTIL)]
    assert (await rights(office.store, key)).revision == lit.revision
    await check_books(office.store)


async def test_a_broken_promise_ends_with_its_last_local_day(office: Office):
    """A minute before local midnight it stands; at midnight the ladder is where it would be."""
    account = await dark(office)
    key = await service_of(office)
    was_held = await rows(office.store, hold)
    await give_word(office, UNTIL)
    await office.settle(account)
    assert await rows(office.store, hold) == []
    await office.live([account], OVER_AT - timedelta(minutes=1))
    await office.settle(account)
    assert (await rights(office.store, key)).state is ServiceState.ACTIVE
    await office.live([account], OVER_AT)
    assert (await rights(office.store, key)).state is ServiceState.SUSPENDED
    assert await rows(office.store, hold) == was_held
    assert await states(office) == [("broken", date(2026, 4, 15))]
    assert await open_items(office.store) == {"INV-00000002": 3720}


async def test_money_that_came_in_time_keeps_it_however_late_it_is_looked_at(
    small_office: Office,
):
    """What was paid on the last day and settled on the next is in time; a day later is late."""
    office = small_office
    account = await dark(office)
    await give_word(office, UNTIL)
    await office.settle(account)
    office.now = OVER_AT - timedelta(hours=1)
    await pay(office, "37.20", "R-2")
    office.now = OVER_AT + timedelta(hours=5)
    await office.settle(account)
    assert await states(office) == [("kept", date(2026, 4, 15))]


async def test_money_that_came_too_late_does_not_keep_it(small_office: Office):
    """Paid an hour after the last day, before anybody looked: it is lit, and the word broken."""
    office = small_office
    account = await dark(office)
    await give_word(office, UNTIL)
    await office.settle(account)
    office.now = OVER_AT + timedelta(hours=1)
    await pay(office, "37.20", "R-2")
    await office.settle(account)
    assert await states(office) == [("broken", date(2026, 4, 15))]
    assert (await rights(office.store, await service_of(office))).state is ServiceState.ACTIVE


async def test_part_of_it_does_not_keep_it(small_office: Office):
    """What is left after a part is paid breaks the word when its day is over."""
    office = small_office
    account = await dark(office)
    await give_word(office, UNTIL)
    await pay(office, "37.19", "R-2")
    await office.settle(account)
    assert await states(office) == [("standing", None)]
    await office.live([account], OVER_AT)
    assert (await states(office))[0][0] == "broken"
    assert (await rights(office.store, await service_of(office))).state is ServiceState.SUSPENDED


async def test_while_it_stands_nobody_is_charged_or_told(small_till):
    """Tries and notices wait for its end; those slept through make one of each."""
    office = small_till.office
    await renewed(small_till)
    await days(small_till, RENEWAL + timedelta(hours=2))
    await give_word(office, date(2026, 4, 6))
    await office.settle(*office.looks)
    await days(small_till, RENEWAL + timedelta(days=5, hours=20))
    assert [made for made in await tries(office) if made[0] > date(2026, 4, 1)] == []
    assert await taken(office) == []
    await days(small_till, RENEWAL + timedelta(days=6, hours=1))
    assert (await tries(office))[-1] == (date(2026, 4, 7), 3720, "failed")
    assert [kind for kind, _ in await taken(office)] == ["payment_reminder"]
    async with office.store.read() as tx:
        assert len(await tx.rows(select(attempt.c.id))) == 3


async def test_what_becomes_due_meanwhile_is_collected(small_till):
    """A promise is about what is owed on its day; the next month is charged when it is due."""
    office = small_till.office
    await office.publish(Publication(zone=ZONE, promises=PromisePolicy(days_max=40)))
    await renewed(small_till)
    await days(small_till, RENEWAL + timedelta(hours=2))
    await give_word(office, date(2026, 5, 5))
    await office.settle(*office.looks)
    await small_till.behave("ok")
    await days(small_till, datetime(2026, 4, 30, 23, tzinfo=UTC))
    assert (await tries(office))[-1][0] == date(2026, 5, 1)


@pytest.mark.parametrize(
    ("policy", "until", "why"),
    [
        (PromisePolicy(days_max=0), UNTIL, "takes none"),
        (PromisePolicy(days_max=2), UNTIL, "must be a day from 2026-04-11 to 2026-04-13"),
        (PromisePolicy(), date(2026, 4, 10), "must be a day from 2026-04-11"),
        (PromisePolicy(owed_min_minor=3721), UNTIL, "less than 37.21 EUR is owed"),
        (PromisePolicy(owed_max_minor=3719), UNTIL, "more than 37.19 EUR is owed"),
    ],
)
async def test_the_policy_refuses(small_office: Office, policy, until, why):
    """What the operator does not take is refused with its reason, and leaves nothing behind."""
    office = small_office
    await dark(office)
    await office.publish(Publication(zone=ZONE, promises=policy))
    with pytest.raises(Invalid, match=why):
        await give_word(office, until)
    assert await states(office) == []


async def test_never_two_and_not_soon_after_a_broken_one(office: Office):
    """While one stands, and for the days of the pause after a broken one, no other is taken."""
    account = await dark(office)
    await give_word(office, UNTIL)
    with pytest.raises(Invalid, match="one stands until 2026-04-14"):
        await give_word(office, UNTIL)
    await office.settle(account)
    await office.live([account], OVER_AT)
    again_on = date(2026, 5, 15)
    with pytest.raises(Invalid, match="another may be made from 2026-05-15"):
        await give_word(office, date(2026, 4, 20))
    await office.live([account], datetime(2026, 5, 14, 22, tzinfo=UTC))
    await give_word(office, again_on)
    await office.settle(account)
    assert [state for state, _ in await states(office)] == ["broken", "standing"]


async def test_promises_are_judged_by_history(small_office: Office):
    """So many within some days and so few broken ones; who has paid for long has more time."""
    office = small_office
    account = await dark(office)
    rules = PromisePolicy(days_max=3, pause_days=0, count_max=2, count_days=30)
    strict = replace(rules, count_max=0, broken_max=1)
    await office.publish(Publication(zone=ZONE, promises=rules))
    for until in (date(2026, 4, 12), date(2026, 4, 15)):
        await give_word(office, until)
        await office.settle(account)
        await office.live([account], datetime(2026, 4, until.day, 22, tzinfo=UTC))
    with pytest.raises(Invalid, match=r"2 were made within 30 days; .* from 2026-05-12"):
        await give_word(office, date(2026, 4, 17))
    await office.publish(Publication(zone=ZONE, promises=strict))
    with pytest.raises(Invalid, match=r"2 were broken within 30 days; .* from 2026-05-15"):
        await give_word(office, date(2026, 4, 17))
    known = (Standing(paid_months=1, days_max=20, owed_max_minor=9_999),)
    await office.publish(Publication(zone=ZONE, promises=replace(rules, standings=known)))
    await office.live([account], datetime(2026, 5, 11, 22, tzinfo=UTC))
    # March is paid, April and May are not: one month, and so twenty days instead of three.
    with pytest.raises(Invalid, match="must be a day from 2026-05-12 to 2026-06-01"):
        await give_word(office, date(2026, 6, 2))
    await give_word(office, date(2026, 6, 1))
    long = (Standing(paid_months=2, days_max=20),)
    await office.publish(Publication(zone=ZONE, promises=replace(rules, standings=long)))
    async with office.store.read() as tx:
        assert (await policy_of(tx, account)).days_max == 3


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"count_max": -1}, "count_max"),
        ({"count_days": 366}, "count_days"),
        ({"standings": (Standing(paid_months=1, days_max=999),)}, "standing.0.days_max"),
        ({"standings": (Standing(paid_months=2, days_max=1),) * 2}, "promises.standing"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(wrong, field):
    """A policy is checked when it is made, not when somebody asks."""
    with pytest.raises(Invalid, match=field):
        PromisePolicy(**wrong)


async def test_who_owes_nothing_or_is_nobody_promises_nothing(small_office: Office):
    """There is nothing to promise where nothing is owed, and nobody to promise it elsewhere."""
    await cash_household(small_office)
    with pytest.raises(Invalid, match="nothing is owed"):
        await give_word(small_office, date(2026, 3, 12))
    with pytest.raises(NotFound):
        await give_word(small_office, date(2026, 3, 12), "999999")


async def test_the_first_invoice_is_not_promised_away(small_office: Office):
    """A service that waits for its first payment stays dark whatever is promised."""
    office = small_office
    account = await office.join(method=None)
    await give_word(office, date(2026, 3, 12))
    await office.settle(account)
    assert (await rights(office.store, await service_of(office))).state is ServiceState.PENDING


DAYS = 45
steps = st.lists(
    st.tuples(
        st.integers(0, DAYS),
        st.one_of(
            st.tuples(st.just("promise"), st.integers(0, 7)),
            st.tuples(st.just("pay"), st.sampled_from([1, 1000, 3720, 9000])),
        ),
    ),
    max_size=10,
)


async def try_word(office: Office, days_on: int) -> None:
    """Promise to pay so many days from now, where that is taken."""
    with suppress(Invalid):
        await give_word(office, office.now.date() + timedelta(days=days_on))


async def live(office: Office, history, *, is_promising: bool) -> list[bool]:
    """Live a history; return for each day whether the household was dark."""
    account = await cash_household(office)
    key = await service_of(office)
    begin = office.now
    nights = []
    for day in range(DAYS + 10):
        await office.live([account], begin + timedelta(days=day))
        today = [(n, what, how) for n, (on, (what, how)) in enumerate(history) if on == day]
        for n, what, how in today:
            if what == "pay":
                await pay(office, f"{how / 100:.2f}", f"R-{n}")
            elif is_promising:
                await try_word(office, how)
        await office.settle(account)
        nights.append((await rights(office.store, key)).state is ServiceState.SUSPENDED)
    return nights


async def money_of(office: Office) -> list[tuple[object, ...]]:
    """Return what was charged and what of it is open, whatever the ids are."""
    async with office.store.read() as tx:
        documents = await tx.rows(select(invoice).order_by(invoice.c.sequence))
        lines = await tx.rows(select(invoice_line).order_by(invoice_line.c.period_start))
    charged = [(row.number, row.issued_on, row.due_on, row.total_minor) for row in documents]
    parts = [(row.period_start, row.period_end, row.amount_minor) for row in lines]
    return [*charged, *parts, *sorted((await open_items(office.store)).items())]


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(history=steps)
async def test_promises_delay_and_change_no_money(
    sqlite_template, tmp_path_factory, machine, history
):
    """With promises the same is charged and owed as without; nobody is dark who would not be."""
    lived = []
    with scratch(sqlite_template, tmp_path_factory.mktemp("word")) as copy:
        for is_promising in (False, True):
            store = Store(copy(f"{is_promising}.db"))
            try:
                office = make_office(store, machine)
                await office.publish()
                nights = await live(office, history, is_promising=is_promising)
                await check_books(store)
                lived.append((nights, await money_of(office)))
            finally:
                await store.close()
    (without, money), (with_word, same_money) = lived
    assert same_money == money
    assert all(before or not after for before, after in zip(without, with_word, strict=True))
    # No promise of at most seven days outlives the ten days behind the last one.
    assert without[-1] == with_word[-1]
