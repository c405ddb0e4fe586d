"""The life of a subscription: it changes, rests, ends; each day is charged once and had once."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from billing.catalog.model import Offering, OfferingKind
from billing.catalog.terms import Days, Terms, TrialClock, When
from billing.flows.cancel import cancel
from billing.flows.change import Change, change
from billing.flows.pause import pause, resume
from billing.flows.publish import Publication
from billing.invoicing.store import credit_line, credit_note, invoice_line
from billing.payments.store import CREDIT, open_item
from terms.entitlement import ServiceState
from terms.errors import Duplicate, Invalid, NotFound
from terms.facts import Possession
from tests.fixtures.billing import PUBLICATION, Office, price
from tests.flows.billing.books import check_books, rights
from tests.flows.billing.moves import fact, moved
from tests.flows.billing.test_settle import pay, service_of

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)


def on(day: date) -> datetime:
    """Return the morning of a day."""
    return datetime(day.year, day.month, day.day, 9, tzinfo=UTC)


async def lit(office: Office, day: date, **changes) -> None:
    """Make a household that joins on a day, with money for years."""
    office.now = on(day)
    await office.join(method=None, **changes)
    await pay(office, "10000.00", "R-0")
    await office.settle(*office.looks)


async def told(office: Office, day: date, **wish) -> None:
    """Change the household's contract on a day and settle it."""
    await office.live(list(office.looks), on(day))
    async with office.store.begin() as tx:
        await change(office.desk, tx, "100001", Change(**wish), office.now)
    await office.settle(*office.looks)


async def rests(office: Office, day: date, since: date, until: date | None = None) -> None:
    """Let the household rest, said on a day."""
    await office.live(list(office.looks), on(day))
    async with office.store.begin() as tx:
        await pause(office.desk, tx, "100001", office.now, from_on=since, until_on=until)
    await office.settle(*office.looks)


async def goes_on(office: Office, day: date) -> None:
    """Let the rest end on a day."""
    await office.live(list(office.looks), on(day))
    async with office.store.begin() as tx:
        await resume(office.desk, tx, "100001", office.now, on=day)
    await office.settle(*office.looks)


async def charged(office: Office) -> list[tuple[str, str, str, int]]:
    """Return lines as offering, first day, last day (not included), net amount."""
    c = invoice_line.c
    query = select(invoice_line).order_by(c.period_start, c.period_end, c.offering)
    async with office.store.read() as tx:
        return [
            (row.offering, f"{row.period_start:%m-%d}", f"{row.period_end:%m-%d}", row.amount_minor)
            for row in await tx.rows(query)
        ]


async def given_back(office: Office) -> list[tuple[str, str, int]]:
    """Return credit lines as first day, last day (not included), net amount."""
    c = credit_line.c
    query = select(credit_line).order_by(c.period_start, c.period_end)
    async with office.store.read() as tx:
        return [
            (f"{row.period_start:%m-%d}", f"{row.period_end:%m-%d}", row.amount_minor)
            for row in await tx.rows(query)
        ]


async def state(office: Office) -> tuple[ServiceState, list[str]]:
    """Return whether the household is on, and what for."""
    now = await rights(office.store, await service_of(office))
    return now.state, [grant.code for grant in now.grants]


async def test_more_is_had_and_charged_at_once(office: Office):
    """An upgrade on 16 April gives 15 of 30 days of the old plan back and charges the new one."""
    await lit(office, MARCH)
    await told(office, date(2026, 4, 16), plan="LARGE")
    assert await state(office) == (ServiceState.ACTIVE, ["base", "large"])
    assert await charged(office) == [
        ("BASIC", "03-01", "04-01", 3100),
        ("BASIC", "04-01", "05-01", 3100),
        ("LARGE", "04-16", "05-01", 3100),
    ]
    assert await given_back(office) == [("04-16", "05-01", 1550)]
    await office.live(list(office.looks), on(date(2026, 5, 2)))
    assert (await charged(office))[-1] == ("LARGE", "05-01", "06-01", 6200)
    await check_books(office.store)


async def test_less_waits_for_the_end_of_the_period(small_office: Office):
    """A downgrade changes nothing now: it is had and charged from the next period on."""
    office = small_office
    await lit(office, MARCH, plan="LARGE")
    await told(office, date(2026, 3, 16), plan="BASIC")
    assert await state(office) == (ServiceState.ACTIVE, ["base", "large"])
    await office.live(list(office.looks), on(date(2026, 4, 2)))
    assert await state(office) == (ServiceState.ACTIVE, ["base"])
    assert await charged(office) == [
        ("LARGE", "03-01", "04-01", 6200),
        ("BASIC", "04-01", "05-01", 3100),
    ]
    assert await given_back(office) == []


async def test_a_change_to_come_is_taken_back(small_office: Office):
    """Whoever changes their mind before the period is over keeps what they had."""
    office = small_office
    await lit(office, MARCH, plan="LARGE")
    await told(office, date(2026, 3, 16), plan="BASIC")
    await told(office, date(2026, 3, 20), plan="LARGE")
    await office.live(list(office.looks), on(date(2026, 4, 2)))
    assert await state(office) == (ServiceState.ACTIVE, ["base", "large"])
    assert [one[0] for one in await charged(office)] == ["LARGE", "LARGE"]
    with pytest.raises(Duplicate, match="LARGE already"):
        await told(office, date(2026, 4, 3), plan="LARGE")


async def test_up_and_down_at_once_costs_nothing(office: Office):
    """P2: an upgrade and its way back on the same day leave the account as it was."""
    await lit(office, MARCH)

    async def unused() -> int:
        async with office.store.read() as tx:
            query = select(open_item.c.rest_minor).where(open_item.c.kind == CREDIT)
            return sum(row.rest_minor for row in await tx.rows(query))

    before = await unused()
    await told(office, date(2026, 3, 16), plan="LARGE", when=When.NOW)
    assert await unused() < before
    await told(office, date(2026, 3, 16), plan="BASIC", when=When.NOW)
    assert await unused() == before
    assert await state(office) == (ServiceState.ACTIVE, ["base"])
    await check_books(office.store)


async def test_two_cost_twice_from_the_day_they_are_two(small_office: Office):
    """A second one on 16 March gives half of the month of one back and charges two for the rest."""
    office = small_office
    await lit(office, MARCH)
    await told(office, date(2026, 3, 16), quantity=2)
    assert (await charged(office))[-1] == ("BASIC", "03-16", "04-01", 3200)
    assert await given_back(office) == [("03-16", "04-01", 1600)]
    await office.live(list(office.looks), on(date(2026, 4, 2)))
    assert (await charged(office))[-1] == ("BASIC", "04-01", "05-01", 6200)
    with pytest.raises(Invalid, match="quantity"):
        await told(office, date(2026, 4, 3), quantity=0)


async def test_days_of_rest_are_given_back_and_dark(office: Office):
    """A rest from 10 to 20 April costs nothing, is dark, and leaves the bill day where it was."""
    await lit(office, MARCH)
    await rests(office, date(2026, 4, 5), date(2026, 4, 10), date(2026, 4, 20))
    assert await given_back(office) == [("04-10", "04-20", 1033)]
    assert (await state(office))[0] is ServiceState.ACTIVE
    await office.live(list(office.looks), on(date(2026, 4, 10)))
    assert await state(office) == (ServiceState.SUSPENDED, ["base"])
    await office.live(list(office.looks), on(date(2026, 5, 2)))
    assert await state(office) == (ServiceState.ACTIVE, ["base"])
    assert [one[:3] for one in await charged(office)] == [
        ("BASIC", "03-01", "04-01"),
        ("BASIC", "04-01", "05-01"),
        ("BASIC", "05-01", "06-01"),
    ]
    await check_books(office.store)


async def test_a_rest_without_an_end_is_resumed_by_the_day(office: Office):
    """Resting from 10 April it is charged nothing until it goes on, then for the rest of June."""
    await lit(office, MARCH)
    await rests(office, date(2026, 4, 10), date(2026, 4, 10))
    assert await given_back(office) == [("04-10", "05-01", 2170)]
    await office.live(list(office.looks), on(date(2026, 6, 10)))
    assert len(await charged(office)) == 2
    await goes_on(office, date(2026, 6, 16))
    assert (await charged(office))[-1] == ("BASIC", "06-16", "07-01", 1550)
    assert (await state(office))[0] is ServiceState.ACTIVE
    await office.live(list(office.looks), on(date(2026, 7, 2)))
    assert (await charged(office))[-1] == ("BASIC", "07-01", "08-01", 3100)
    with pytest.raises(NotFound, match="does not rest"):
        await goes_on(office, date(2026, 7, 3))


async def test_a_rest_that_is_shorter_charges_its_days_again(small_office: Office):
    """Back on 15 instead of 20 April: the five days that were given back are charged again."""
    office = small_office
    await lit(office, MARCH)
    await rests(office, date(2026, 4, 5), date(2026, 4, 10), date(2026, 4, 20))
    await goes_on(office, date(2026, 4, 15))
    assert (await charged(office))[-1] == ("BASIC", "04-15", "04-20", 516)
    await rests(office, date(2026, 4, 15), date(2026, 4, 16), date(2026, 4, 18))
    assert (await given_back(office))[-1] == ("04-16", "04-18", 207)
    await office.live(list(office.looks), on(date(2026, 5, 2)))
    net = sum(one[3] for one in await charged(office)) - sum(
        one[2] for one in await given_back(office)
    )
    assert net == 3100 + 3100 + 3100 - 724  # March, May, and April less 7 of its 30 days


async def test_a_rest_that_is_told_ahead_delays_no_bill(small_office: Office):
    """The days of the next period before it are charged when the period begins, not with it."""
    office = small_office
    await lit(office, MARCH)
    await rests(office, date(2026, 3, 20), date(2026, 4, 11), date(2026, 4, 21))
    await office.live(list(office.looks), on(APRIL))
    assert ("BASIC", "04-01", "04-11", 1033) in await charged(office)


async def test_a_rest_is_checked(small_office: Office):
    """Days that are past, none or taken already are refused by the name of their field."""
    office = small_office
    await lit(office, MARCH)
    with pytest.raises(Invalid, match="begins"):
        await rests(office, date(2026, 3, 5), date(2026, 3, 4))
    with pytest.raises(Invalid, match="ends"):
        await rests(office, date(2026, 3, 5), date(2026, 3, 6), date(2026, 3, 6))
    await rests(office, date(2026, 3, 5), date(2026, 3, 6), date(2026, 3, 9))
    with pytest.raises(Duplicate):
        await rests(office, date(2026, 3, 5), date(2026, 3, 8), date(2026, 3, 20))


async def test_a_rented_box_rests_with_its_household(small_office: Office):
    """Rent is given back for the days of rest like all else, the deposit is not."""
    office = small_office
    await lit(office, MARCH)
    service = await service_of(office)
    await moved(office, fact(Possession.HANDED_OVER, service, MARCH))
    await rests(office, date(2026, 3, 2), date(2026, 3, 11), date(2026, 3, 21))
    assert sorted(await given_back(office)) == [
        ("03-11", "03-21", 97),
        ("03-11", "03-21", 1000),
    ]


async def test_cancelled_now_gives_back_what_is_unused(office: Office):
    """Cancelled on 16 March, 16 of 31 days are given back; nothing is charged any more."""
    await lit(office, MARCH, addons=("SPORT",))
    office.now = on(date(2026, 3, 16))
    async with office.store.begin() as tx:
        await cancel(office.desk, tx, "100001", When.NOW, office.now)
    await office.settle(*office.looks)
    assert sorted(await given_back(office)) == [("03-16", "04-01", 320), ("03-16", "04-01", 1600)]
    assert (await state(office))[0] is ServiceState.ENDED
    await office.live(list(office.looks), on(date(2026, 6, 2)))
    assert len(await charged(office)) == 2
    await check_books(office.store)


@pytest.mark.parametrize(
    ("terms", "kept"),
    [
        (Terms(last_day=Days.BILLED), ("03-17", "04-01", 1500)),
        (Terms(unused=Days.BILLED), None),
    ],
    ids=["the last day is billed", "what is unused is kept"],
)
async def test_the_terms_say_what_an_end_costs(small_office: Office, terms: Terms, kept):
    """Who pays for the last day, and whether unused days come back, is said by the offering."""
    office = small_office
    sold = Offering(
        code="OWN",
        kind=OfferingKind.PLAN,
        name="Own",
        grants=("base",),
        tax="standard",
        terms=terms,
    )
    own = replace(PUBLICATION, offerings=(sold,), prices=(price("OWN", "31.00"),))
    await office.publish(own)
    await lit(office, MARCH, plan="OWN")
    office.now = on(date(2026, 3, 16))
    async with office.store.begin() as tx:
        await cancel(office.desk, tx, "100001", When.NOW, office.now)
    await office.settle(*office.looks)
    assert await given_back(office) == ([kept] if kept else [])
    async with office.store.read() as tx:
        assert len(await tx.rows(select(credit_note))) == (1 if kept else 0)


def trial(code: str = "TRY") -> Publication:
    """Publish a plan that is tried for ten days."""
    sold = Offering(
        code=code,
        kind=OfferingKind.PLAN,
        name="Try",
        grants=("base",),
        tax="standard",
        terms=Terms(trial_days=10),
    )
    return replace(PUBLICATION, offerings=(sold,), prices=(price(code, "31.00"),))


async def test_a_trial_is_had_at_once_and_owed_when_it_is_over(office: Office):
    """Tried from noon of 5 March for ten days, it is charged from the 15th on."""
    await office.publish(trial())
    office.now = datetime(2026, 3, 5, 12, 12, tzinfo=UTC)
    await office.join(method=None, plan="TRY", bill_day=1)
    assert await state(office) == (ServiceState.ACTIVE, ["base"])
    await office.live(list(office.looks), on(date(2026, 3, 14)))
    assert await charged(office) == []
    await office.live(list(office.looks), on(date(2026, 3, 15)))
    assert await charged(office) == [("TRY", "03-15", "04-01", 1700)]
    # Not paid, it goes the way of any debt, and is not cut off at once.
    assert (await state(office))[0] is ServiceState.ACTIVE
    await office.live(list(office.looks), on(date(2026, 3, 26)))
    assert (await state(office))[0] is ServiceState.SUSPENDED


async def test_another_plan_during_the_trial_is_no_other_trial(small_office: Office):
    """Whoever changes the plan meanwhile tries it for what is left of the ten days."""
    office = small_office
    await office.publish(trial())
    office.now = on(date(2026, 3, 5))
    await office.join(method=None, plan="TRY", bill_day=1)
    await told(office, date(2026, 3, 8), plan="LARGE")
    assert (await state(office))[1] == ["base", "large"]
    await office.live(list(office.looks), on(date(2026, 3, 16)))
    assert await charged(office) == [("LARGE", "03-15", "04-01", 3400)]


@pytest.mark.parametrize(
    ("clock", "first"), [(TrialClock.LOCAL, "10-27"), (TrialClock.HOURS, "10-26")]
)
async def test_an_offering_says_what_the_days_of_its_trial_are(
    small_office: Office, clock: TrialClock, first: str
):
    """Half an hour into a day, ten days on, an hour of summer time ends a trial a day earlier."""
    office = small_office
    sold = trial().offerings[0]
    terms = replace(sold.terms, trial_clock=clock)
    await office.publish(replace(trial(), offerings=(replace(sold, terms=terms),)))
    # 00:30 in Vienna; on 25 October clocks there go back by an hour.
    office.now = datetime(2026, 10, 16, 22, 30, tzinfo=UTC)
    await office.join(method=None, plan="TRY", bill_day=1)
    await office.live(list(office.looks), on(date(2026, 10, 28)))
    assert [line[1] for line in await charged(office)] == [first]
