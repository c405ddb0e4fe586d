"""Prices that depend on what else a household has: by its boxes, its streams, its bundle."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from billing.catalog.model import OfferingKind
from billing.catalog.terms import Counts, Terms, When
from billing.flows.change import Change, change
from billing.flows.publish import Publication
from billing.invoicing.store import credit_line, invoice_line
from terms.errors import Invalid
from terms.facts import Possession
from tests.fixtures.billing import ZONE, Office, offering, price
from tests.flows.billing.books import check_books, everything, rights
from tests.flows.billing.moves import fact, moved
from tests.flows.billing.test_settle import service_of


def depending(code: str, terms: Terms):
    """Make a plan with terms."""
    return replace(offering(code, OfferingKind.PLAN, "base"), terms=terms)


PUBLISHED = Publication(
    zone=ZONE,
    offerings=(
        depending("ROOMS", Terms(counts=Counts.BOXES)),
        depending("STREAMS", Terms(counts=Counts.STREAMS)),
        depending("BUNDLE", Terms(bundle_with=("NET", "BOX"))),
        offering("NET", OfferingKind.ADDON, "internet"),
    ),
    prices=(
        replace(price("ROOMS", "31.00"), tiers=((2, 6200),)),
        replace(price("STREAMS", "31.00"), tiers=((2, 4650), (3, 6200))),
        replace(price("BUNDLE", "31.00"), bundled_minor=1550),
        price("NET", "6.20"),
    ),
)


async def charged(office: Office, offering: str) -> list[tuple[str, int]]:
    """Return what was charged of an offering: days and amount, less what was given back."""
    c, back = invoice_line.c, credit_line.c
    async with office.store.read() as tx:
        lines = await tx.rows(
            select(invoice_line).where(c.offering == offering).order_by(c.period_start, c.take)
        )
        notes = await tx.rows(
            select(credit_line)
            .join(invoice_line, (c.invoice_id == back.invoice_id) & (c.n == back.invoice_n))
            .where(c.offering == offering)
            .order_by(back.period_start)
        )
    found = [(f"{one.period_start:%d}-{one.period_end:%d}", one.amount_minor) for one in lines]
    return found + [
        (f"{one.period_start:%d}-{one.period_end:%d}", -one.amount_minor) for one in notes
    ]


async def sound(office: Office) -> None:
    """Check the books, and that settling once more writes nothing."""
    await check_books(office.store)
    before = await everything(office.store)
    await office.settle(*office.looks)
    assert await everything(office.store) == before


async def changed(office: Office, **wish) -> None:
    """Change the household and settle it."""

    async def story(tx):
        await change(office.desk, tx, "100001", Change(**wish), office.now)

    await office.run(story)
    await office.settle(*office.looks)


async def test_a_second_box_costs_its_days_and_none_after_it_is_back(office: Office):
    """With two boxes the plan costs twice, from the day the second came until it went."""
    await office.publish(PUBLISHED)
    await office.join(plan="ROOMS", bill_day=11)
    service, today = await service_of(office), office.now.date()
    await moved(office, fact(Possession.HANDED_OVER, service, today, "S-1", model="HD-1"))
    assert await charged(office, "ROOMS") == [("11-11", 3100)]
    office.forward(days=10)
    day = today + timedelta(days=10)
    await moved(office, fact(Possession.HANDED_OVER, service, day, "S-2", model="HD-1"))
    assert await charged(office, "ROOMS") == [("11-11", 3100), ("21-11", 4200), ("21-11", -2100)]
    await sound(office)
    office.forward(days=10)
    back = day + timedelta(days=10)
    await moved(office, fact(Possession.RETURNED, service, back, "S-2", model="HD-1"))
    found = await charged(office, "ROOMS")
    # Ten days for one, ten for two, eleven for one again.
    assert sum(amount for _, amount in found) == 1000 + 2000 + 1100
    await sound(office)
    await office.live(list(office.looks), office.now + timedelta(days=20))
    assert ("11-11", 3100) in await charged(office, "ROOMS")
    await sound(office)


async def test_a_bundle_is_cheaper_as_long_as_it_lasts(office: Office):
    """Internet in the middle of the month halves the rest of it, and its end takes that back."""
    await office.publish(PUBLISHED)
    await office.join(plan="BUNDLE", bill_day=11)
    office.forward(days=10)
    await changed(office, add=("NET",))
    assert await charged(office, "BUNDLE") == [("11-11", 3100), ("21-11", 1050), ("21-11", -2100)]
    await sound(office)
    office.forward(days=10)
    await changed(office, remove=("NET",), when=When.NOW)
    found = await charged(office, "BUNDLE")
    assert sum(amount for _, amount in found) == 1000 + 500 + 1100
    await sound(office)


async def test_a_bundle_from_the_first_day_is_charged_so(small_office: Office):
    """Who signs up with both pays the bundled price, and the whole one when a part is to end."""
    office = small_office
    await office.publish(PUBLISHED)
    await office.join(plan="BUNDLE", addons=("NET",), bill_day=11)
    assert await charged(office, "BUNDLE") == [("11-11", 1550)]
    await changed(office, remove=("NET",))
    await office.live(list(office.looks), office.now + timedelta(days=35))
    assert await charged(office, "BUNDLE") == [("11-11", 1550), ("11-11", 3100)]
    await sound(office)


async def test_streams_are_paid_by_their_number_and_watched_so(office: Office):
    """Three streams cost the price of three and may be watched at once; the days are parted."""
    await office.publish(PUBLISHED)
    await office.join(plan="STREAMS", bill_day=11)
    assert await charged(office, "STREAMS") == [("11-11", 3100)]
    office.forward(days=10)
    await changed(office, quantity=3, when=When.NOW)
    assert await charged(office, "STREAMS") == [("11-11", 3100), ("21-11", 4200), ("21-11", -2100)]
    assert (await rights(office.store, await service_of(office))).streams == 3
    await sound(office)


async def test_a_bundle_costs_no_more_than_its_parts(small_office: Office):
    """A price that is dearer in the bundle is a mistake and is refused."""
    dear = replace(price("BUNDLE", "31.00", since=date(2027, 1, 1)), bundled_minor=3200)
    await small_office.publish(PUBLISHED)
    with pytest.raises(Invalid, match="in a bundle"):
        await small_office.publish(Publication(zone=ZONE, prices=(dear,)))
