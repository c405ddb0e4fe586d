"""A minimum that was promised: what is missing of it is charged once, when its period is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import select

from billing.catalog.model import OfferingKind
from billing.catalog.terms import Terms, Timing, When
from billing.flows.cancel import cancel
from billing.flows.change import Change, change
from billing.flows.publish import Publication
from billing.invoicing.store import invoice_line
from tests.fixtures.billing import ZONE, Office, offering, price
from tests.flows.billing.books import check_books, everything

PUBLISHED = Publication(
    zone=ZONE,
    offerings=(
        offering("LOW", OfferingKind.PLAN, "base"),
        replace(offering("LATE", OfferingKind.PLAN, "base"), terms=Terms(timing=Timing.ARREARS)),
    ),
    prices=(
        replace(price("LOW", "31.00"), minimum_minor=6200),
        replace(price("LATE", "31.00"), minimum_minor=6200),
    ),
)


async def minimums(office: Office) -> list[tuple[str, int, str]]:
    """Return what was charged for minimums: days, amount, label."""
    c = invoice_line.c
    async with office.store.read() as tx:
        found = await tx.rows(
            select(invoice_line).where(c.kind == "minimum").order_by(c.period_end)
        )
    return [
        (f"{one.period_start:%m%d}-{one.period_end:%m%d}", one.amount_minor, one.label)
        for one in found
    ]


async def sound(office: Office) -> None:
    """Check the books, and that settling once more writes nothing."""
    await check_books(office.store)
    before = await everything(office.store)
    await office.settle(*office.looks)
    assert await everything(office.store) == before


async def on(office: Office, days: int) -> None:
    """Let days go by, each look in its time."""
    await office.live(list(office.looks), office.now + timedelta(days=days))


async def test_what_is_missing_is_charged_when_the_period_is_over(office: Office):
    """31.00 of 62.00 are spent in March; from April on SPORT counts too."""
    await office.publish(PUBLISHED)
    await office.join(plan="LOW", bill_day=11)
    await on(office, 30)
    assert await minimums(office) == []
    await on(office, 2)
    told = "Low: at least 62.00 EUR, of which 31.00 EUR spent"
    assert await minimums(office) == [("0311-0411", 3100, told)]
    await sound(office)

    async def story(tx):
        await change(office.desk, tx, "100001", Change(add=("SPORT",)), office.now)

    await office.run(story)
    await office.settle(*office.looks)
    await on(office, 35)
    (_, second) = await minimums(office)
    # SPORT is had for 29 of 30 days: 5.99.
    assert (second[0], second[1]) == ("0411-0511", 6200 - 3100 - 599)
    await sound(office)


async def test_who_leaves_pays_the_part_of_the_minimum_that_was_had(office: Office):
    """After ten of 31 days a third of both is due, at once and only once."""
    await office.publish(PUBLISHED)
    await office.join(plan="LOW", bill_day=11)
    await on(office, 10)

    async def now(tx):
        await cancel(office.desk, tx, "100001", When.NOW, office.now)

    await office.run(now)
    await office.settle(*office.looks)
    assert [one[:2] for one in await minimums(office)] == [("0311-0321", 2000 - 1000)]
    await sound(office)


async def test_a_minimum_that_ends_with_its_period_is_charged_on_its_last_day(office: Office):
    """Cancelled for the end of the period, the last minimum is looked at when it comes."""
    await office.publish(PUBLISHED)
    await office.join(plan="LOW", bill_day=11)
    await on(office, 10)

    async def later(tx):
        await cancel(office.desk, tx, "100001", When.PERIOD_END, office.now)

    await office.run(later)
    await office.settle(*office.looks)
    assert await minimums(office) == []
    await on(office, 40)
    assert [one[:2] for one in await minimums(office)] == [("0311-0411", 3100)]
    await sound(office)


async def test_in_arrears_a_minimum_comes_with_its_period(small_office: Office):
    """Charged when it is over, a period brings what was missing of it along."""
    office = small_office
    await office.publish(PUBLISHED)
    await office.join(plan="LATE", bill_day=11)
    await on(office, 40)
    assert [one[:2] for one in await minimums(office)] == [("0311-0411", 3100)]
    await sound(office)
    assert office.now.date() > date(2026, 4, 11)
