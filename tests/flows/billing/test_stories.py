"""Signing up, changing, cancelling, equipping, publishing: what each means for money and rights."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from billing.accounts.store import service
from billing.catalog.model import OfferingKind
from billing.catalog.terms import When
from billing.dunning.model import Action, Ladder, Step
from billing.equipment.store import rental
from billing.flows.cancel import cancel
from billing.flows.change import Change, change
from billing.flows.equip import equip
from billing.flows.publish import Publication
from billing.invoicing.store import invoice, invoice_line
from billing.subscriptions.model import Activation
from billing.subscriptions.store import subscription
from billing.tax.model import TaxRate
from runtime.work import work
from terms.calendar import Period
from terms.entitlement import ServiceState
from terms.errors import Duplicate, Invalid, NotFound
from terms.facts import Possession, PossessionChanged
from terms.ids import ResourceId, ServiceId
from terms.money import Rate
from tests.fixtures.billing import PUBLICATION, ZONE, Office, household, offering, price
from tests.flows.billing.books import check_books, everything, open_items, rights, rows
from tests.flows.billing.test_settle import pay, service_of


async def changed(office: Office, **wish) -> None:
    """Change the household's contract and settle it."""
    async with office.store.begin() as tx:
        await change(office.desk, tx, "100001", Change(**wish), office.now)
    await office.settle(*office.looks)


async def cancelled(office: Office, when: When) -> None:
    """Cancel the household's contract and settle it."""
    async with office.store.begin() as tx:
        await cancel(office.desk, tx, "100001", when, office.now)
    await office.settle(*office.looks)


async def charges(office: Office) -> list[tuple[str, Period, int]]:
    """Return what was charged: offering, period, net amount."""
    c = invoice_line.c
    async with office.store.read() as tx:
        found = await tx.rows(select(invoice_line).order_by(c.period_start, c.offering, c.label))
    return [
        (row.offering, Period(row.period_start, row.period_end), row.amount_minor) for row in found
    ]


async def granted(office: Office) -> list[str]:
    """Return the granted package codes."""
    return [grant.code for grant in (await rights(office.store, await service_of(office))).grants]


async def lit(office: Office, **changes) -> None:
    """Make a household that has paid its first invoice and much more."""
    await office.join(method=None, **changes)
    await pay(office, "1000.00", "R-0")
    await office.settle(*office.looks)


MARCH_REST = Period(date(2026, 3, 11), date(2026, 4, 1))
APRIL = Period(date(2026, 4, 1), date(2026, 5, 1))
MAY = Period(date(2026, 5, 1), date(2026, 6, 1))


async def test_a_whole_base_signs_up_at_once(office: Office):
    """Thousands of orders are one story; a contract that exists is named and nothing is taken."""
    made = await office.sign_up(*[household(f"{n:06d}") for n in range(3000)])
    assert len({one.account for one in made}) == 3000
    async with office.store.read() as tx:
        marked = await tx.rows(select(work.c.key).where(work.c.kind == "settle"))
    assert len(marked) == 3000
    before = await everything(office.store, (service, subscription))
    for orders in (
        [household("new-1"), household("000017")],
        [household("new-1"), household("new-1")],
    ):
        with pytest.raises(Duplicate, match=r"000017|new-1"):
            await office.sign_up(*orders)
    assert await everything(office.store, (service, subscription)) == before


async def test_what_cannot_be_sold_is_refused(small_office: Office):
    """Unknown offerings, wrong kinds, missing prices and empty names never become an account."""
    wrong = (
        (household("1", plan="NONE"), NotFound),
        (household("1", plan="SPORT"), Invalid),
        (household("1", addons=("BASIC",)), Invalid),
        (household("1", addons=("KIDS", "KIDS")), Invalid),
        (household("1", currency="USD"), NotFound),
        (household("1", starts_on=date(2019, 1, 1)), NotFound),
        (household("1", name=""), Invalid),
        (household("1", zone="Nowhere/City"), ValueError),
    )
    for order, error in wrong:
        with pytest.raises(error):
            await small_office.sign_up(order)
    assert await rows(small_office.store, service) == []


async def test_an_add_on_is_had_at_once_and_charged_for_the_rest(office: Office):
    """Added on 16 March it is charged 16 of 31 days on an invoice of its own, then monthly."""
    await lit(office)
    office.now = datetime(2026, 3, 16, 9, tzinfo=UTC)
    await changed(office, add=("SPORT",))
    assert await granted(office) == ["base", "sport"]
    assert (await charges(office))[-1] == (
        "SPORT",
        Period(date(2026, 3, 16), date(2026, 4, 1)),
        320,
    )
    await office.live(list(office.looks), datetime(2026, 4, 2, tzinfo=UTC))
    assert (await charges(office))[-2:] == [("BASIC", APRIL, 3100), ("SPORT", APRIL, 620)]
    async with office.store.begin() as tx:
        with pytest.raises(Duplicate):
            await change(office.desk, tx, "100001", Change(add=("SPORT",)), office.now)


async def test_a_removed_add_on_stays_until_it_is_used_up(small_office: Office):
    """It is paid for the month, so it is had for the month; taking that back costs nothing."""
    office = small_office
    await lit(office, addons=("SPORT",))
    await changed(office, remove=("SPORT",))
    assert await granted(office) == ["base", "sport"]
    await changed(office, add=("SPORT",))
    await changed(office, remove=("SPORT",))
    await office.live(list(office.looks), datetime(2026, 4, 2, tzinfo=UTC))
    assert await granted(office) == ["base"]
    assert [one for one in await charges(office) if one[0] == "SPORT"] == [
        ("SPORT", MARCH_REST, 420)
    ]
    async with office.store.begin() as tx:
        with pytest.raises(NotFound):
            await change(office.desk, tx, "100001", Change(remove=("SPORT",)), office.now)


async def test_a_new_plan_does_not_light_what_is_not_paid(small_office: Office):
    """Changing the plan before the first invoice is paid leaves the service dark."""
    office = small_office
    await office.join()
    await changed(office, plan="LARGE")
    dark = await rights(office.store, await service_of(office))
    assert (dark.state, dark.reason) == (ServiceState.PENDING, "unpaid_first")
    await pay(office, "50.40", "R-1")
    await office.settle(*office.looks)
    assert (await rights(office.store, await service_of(office))).state is ServiceState.ACTIVE


async def test_a_plan_changed_before_anything_was_charged_is_paid_first(small_office: Office):
    """Signed up and changed in one breath, the new plan is dark until it is paid."""
    office = small_office
    (made,) = await office.sign_up(household("100001"))
    async with office.store.begin() as tx:
        await change(office.desk, tx, "100001", Change(plan="LARGE", add=("KIDS",)), office.now)
    await office.settle(made.account)
    dark = await rights(office.store, made.service)
    assert (dark.state, dark.reason) == (ServiceState.PENDING, "unpaid_first")
    assert await charges(office) == [("KIDS", MARCH_REST, 210), ("LARGE", MARCH_REST, 4200)]
    await pay(office, "52.92", "R-1")
    await office.settle(made.account)
    assert (await rights(office.store, made.service)).state is ServiceState.ACTIVE


async def test_an_add_on_begins_with_its_plan_and_not_without(small_office: Office):
    """Added to a service that begins in April it begins in April; a cancelled one takes none."""
    office = small_office
    await office.join(starts_on=date(2026, 4, 10), method=None)
    await changed(office, add=("SPORT",))
    assert (await rights(office.store, await service_of(office))).state is ServiceState.PENDING
    await pay(office, "100.00", "R-1")
    await office.live(list(office.looks), datetime(2026, 4, 10, tzinfo=UTC))
    period = Period(date(2026, 4, 10), date(2026, 5, 1))
    assert await charges(office) == [("BASIC", period, 2170), ("SPORT", period, 434)]
    await changed(office, remove=("SPORT",))
    await cancelled(office, When.PERIOD_END)
    async with office.store.begin() as tx:
        with pytest.raises(Invalid, match="is cancelled for 2026-05-01"):
            await change(office.desk, tx, "100001", Change(add=("SPORT",)), office.now)
    await office.live(list(office.looks), datetime(2026, 5, 2, tzinfo=UTC))
    assert (await rights(office.store, await service_of(office))).state is ServiceState.ENDED


async def test_an_imported_plan_is_changed_without_paying_twice(small_office: Office):
    """Another system has charged until May: the new plan is charged from May."""
    office = small_office
    await office.join(
        starts_on=date(2024, 1, 1), billed_until=date(2026, 5, 1), activation=Activation.OPEN
    )
    await changed(office, plan="LARGE")
    await office.live(list(office.looks), datetime(2026, 5, 2, tzinfo=UTC))
    assert await charges(office) == [("LARGE", MAY, 6200)]


async def test_cancelled_at_the_end_of_the_period(small_office: Office):
    """It is had until what is paid is used up; then it is ended and charged no more."""
    office = small_office
    await lit(office, addons=("SPORT",))
    await cancelled(office, When.PERIOD_END)
    assert (await rights(office.store, await service_of(office))).state is ServiceState.ACTIVE
    await office.live(list(office.looks), datetime(2026, 8, 1, tzinfo=UTC))
    ended = await rights(office.store, await service_of(office))
    assert (ended.state, [grant.code for grant in ended.grants]) == (
        ServiceState.ENDED,
        ["base", "sport"],
    )
    assert {one[1] for one in await charges(office)} == {MARCH_REST}
    assert office.looks == dict.fromkeys(office.looks)
    async with office.store.begin() as tx:
        with pytest.raises(Invalid, match="ended already"):
            await cancel(office.desk, tx, "100001", When.NOW, office.now)
        with pytest.raises(Invalid, match="has ended"):
            await change(office.desk, tx, "100001", Change(add=("KIDS",)), office.now)
        with pytest.raises(NotFound):
            await cancel(office.desk, tx, "999999", When.NOW, office.now)


async def test_a_cancelled_plan_takes_no_other(small_office: Office):
    """A plan that is to end is not replaced; cancelling it now brings the end forward."""
    office = small_office
    await lit(office)
    await cancelled(office, When.PERIOD_END)
    async with office.store.begin() as tx:
        with pytest.raises(Invalid, match="is cancelled for 2026-04-01"):
            await change(office.desk, tx, "100001", Change(plan="LARGE"), office.now)
    await cancelled(office, When.NOW)
    assert (await rights(office.store, await service_of(office))).state is ServiceState.ENDED


def box(
    service_id: str, kind: Possession, on: date, serial: str = "S-1", model: str = "HD-1"
) -> PossessionChanged:
    """Make a possession fact."""
    return PossessionChanged(
        kind=kind,
        resource=ResourceId(f"R-{serial}"),
        service=ServiceId(service_id),
        serial=serial,
        model=model,
        on=on,
    )


async def equipped(office: Office, *facts: tuple[str, PossessionChanged]) -> list:
    """Take possession facts and settle."""
    async with office.store.begin() as tx:
        accounts = await equip(office.desk, tx, facts)
    await office.settle(*accounts)
    return accounts


async def test_rent_follows_possession(office: Office):
    """A box handed over on 11 March is charged for the rest of March, with serial and model."""
    await lit(office)
    key = await service_of(office)
    await equipped(office, ("f1", box(key, Possession.HANDED_OVER, date(2026, 3, 11))))
    async with office.store.read() as tx:
        (line,) = await tx.rows(select(invoice_line).where(invoice_line.c.kind == "rental"))
    assert (line.label, line.units, line.of_units, line.amount_minor) == (
        "Box HD-1 S-1",
        21,
        31,
        203,
    )
    before = await everything(office.store)
    await equipped(office, ("f1", box(key, Possession.HANDED_OVER, date(2026, 3, 11))))
    assert (await everything(office.store))["invoice_line"] == before["invoice_line"]
    office.now = datetime(2026, 3, 26, 9, tzinfo=UTC)
    await equipped(office, ("f2", box(key, Possession.RETURNED, date(2026, 3, 26))))
    await office.live(list(office.looks), datetime(2026, 5, 2, tzinfo=UTC))
    assert len([one for one in await charges(office) if one[0] == "BOX"]) == 1
    await check_books(office.store)


async def test_a_box_that_came_and_went_costs_its_days(small_office: Office):
    """Known late as a whole, 11 to 26 March are 15 of 31 days (vector DX-09): 1.45 of 3.00."""
    await lit(small_office)
    key = await service_of(small_office)
    await equipped(
        small_office,
        ("f1", box(key, Possession.HANDED_OVER, date(2026, 3, 11))),
        ("f2", box(key, Possession.RETURNED, date(2026, 3, 26))),
    )
    assert (await charges(small_office))[-1] == (
        "BOX",
        Period(date(2026, 3, 11), date(2026, 3, 26)),
        145,
    )


async def test_possession_is_heard_more_than_once(small_office: Office):
    """An old return heard again ends no later rental; other facts and models cost nothing."""
    office = small_office
    await lit(office)
    key = await service_of(office)
    first = ("f1", box(key, Possession.HANDED_OVER, date(2026, 3, 11)))
    back = ("f2", box(key, Possession.RETURNED, date(2026, 3, 12)))
    again = ("f3", box(key, Possession.HANDED_OVER, date(2026, 3, 13)))
    await equipped(office, first, back, again)
    await equipped(office, back, first)
    await equipped(office, ("f4", box(key, Possession.HANDED_OVER, date(2026, 3, 14))))
    async with office.store.read() as tx:
        found = await tx.rows(select(rental).order_by(rental.c.from_on))
    assert [(row.from_on, row.until_on) for row in found] == [
        (date(2026, 3, 11), date(2026, 3, 12)),
        (date(2026, 3, 13), None),
    ]
    await equipped(office, ("f5", box(key, Possession.LOST, date(2026, 3, 14))))
    own = box(key, Possession.HANDED_OVER, date(2026, 3, 14), serial="OWN", model="OTHER")
    await equipped(office, ("f6", own))
    assert len(await rows(office.store, rental)) == 2
    with pytest.raises(NotFound):
        await equipped(office, ("f7", box("nobody", Possession.LOST, date(2026, 3, 14))))
    assert await equipped(office) == []


async def test_a_box_is_rented_by_one_household_at_a_time(small_office: Office):
    """Handed over to somebody else, a box is no longer rented by the first."""
    office = small_office
    await lit(office)
    await office.join("100002")
    one, other = await service_of(office), await service_of(office, "100002")
    await equipped(office, ("f1", box(one, Possession.HANDED_OVER, date(2026, 3, 11))))
    accounts = await equipped(office, ("f2", box(other, Possession.HANDED_OVER, date(2026, 3, 20))))
    assert len(accounts) == 2
    async with office.store.read() as tx:
        found = await tx.rows(select(rental).order_by(rental.c.from_on))
    assert [(row.service_id, row.until_on) for row in found] == [
        (one, date(2026, 3, 20)),
        (other, None),
    ]


async def test_an_imported_box_is_charged_from_the_same_day_as_its_plan(small_office: Office):
    """What another system has charged until May includes the box that was handed over long ago."""
    office = small_office
    await office.join(
        starts_on=date(2024, 1, 1), billed_until=date(2026, 5, 1), activation=Activation.OPEN
    )
    key = await service_of(office)
    await equipped(office, ("f1", box(key, Possession.HANDED_OVER, date(2024, 1, 1))))
    await office.live(list(office.looks), datetime(2026, 5, 2, tzinfo=UTC))
    assert await charges(office) == [("BASIC", MAY, 3100), ("BOX", MAY, 300)]


async def test_publishing_again_changes_nothing(office: Office):
    """The same catalogue twice is one edition; a renamed offering is another."""
    assert await office.publish() == ()
    renamed = replace(offering("BASIC", OfferingKind.PLAN, "base"), name="Basic TV")
    assert await office.publish(Publication(zone=ZONE, offerings=(renamed,))) == (
        "offering BASIC: Basic TV",
    )
    await office.join()
    async with office.store.read() as tx:
        (line,) = await tx.rows(select(invoice_line))
    assert line.label == "Basic TV"


async def test_what_is_sold_stays_as_it_is(small_office: Office):
    """A price, a rate or an offering in force is not changed; the reason is said."""
    today = date(2026, 3, 11)
    refused = {
        "sold already": Publication(zone=ZONE, prices=(price("BASIC", "1.00"),)),
        "date it later": Publication(zone=ZONE, prices=(price("BASIC", "1.00", since=today),)),
        "charged already": Publication(
            zone=ZONE, taxes=(TaxRate(tax="standard", effective_from=today, rate=Rate(1)),)
        ),
        "publish a new offering": Publication(
            zone=ZONE, offerings=(offering("BASIC", OfferingKind.PLAN, "base", "more"),)
        ),
        "rented as BOX": Publication(
            zone=ZONE, offerings=(offering("BOX2", OfferingKind.RENTAL, models=("HD-1",)),)
        ),
        "no such offering": Publication(zone=ZONE, prices=(price("NONE", "1.00"),)),
        "there is no tax": Publication(
            zone=ZONE,
            offerings=(replace(offering("NEW", OfferingKind.ADDON), tax="none"),),
        ),
        "not negative": Publication(zone=ZONE, prices=(price("KIDS", "-1.00"),)),
    }
    for reason, publication in refused.items():
        with pytest.raises(Invalid, match=reason):
            await small_office.publish(publication)
    assert await small_office.publish() == ()
    with pytest.raises(Invalid, match="one a day"):
        Ladder((Step(after_days=1, action=Action.NOTICE, notice="a"),) * 2)


async def test_a_new_price_counts_from_its_day(small_office: Office):
    """A price that is dated April is charged in April; March stays as it was sold."""
    office = small_office
    later = price("BASIC", "62.00", since=date(2026, 4, 1))
    assert await office.publish(Publication(zone=ZONE, prices=(later,)))
    cheaper = price("BASIC", "46.50", since=date(2026, 4, 1))
    assert await office.publish(Publication(zone=ZONE, prices=(cheaper,)))
    await lit(office)
    await office.live(list(office.looks), datetime(2026, 4, 2, tzinfo=UTC))
    async with office.store.read() as tx:
        found = await tx.rows(select(invoice_line).order_by(invoice_line.c.period_start))
    assert [(row.rate_minor, row.price_from) for row in found] == [
        (3100, date(2020, 1, 1)),
        (4650, date(2026, 4, 1)),
    ]


async def test_yen_have_no_cents(small_office: Office):
    """A currency without minor units is prorated and taxed in whole yen."""
    await small_office.join(currency="JPY", zone="Asia/Tokyo")
    async with small_office.store.read() as tx:
        (document,) = await tx.rows(select(invoice))
    assert (document.net_minor, document.tax_minor, document.currency) == (2100, 420, "JPY")
    assert PUBLICATION.prices[-1].amount.currency == "JPY"
    assert await open_items(small_office.store) == {"INV-00000001": 2520}
