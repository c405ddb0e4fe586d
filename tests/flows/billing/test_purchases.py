"""What is bought once: when it is billed, how long it is watched, how it is given back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from billing.catalog.model import OfferingKind
from billing.catalog.terms import Billed, Terms
from billing.catalog.window import Window
from billing.flows.cancel import cancel
from billing.flows.publish import Publication
from billing.flows.purchase import Order, Sold, buy, give_back, note_watched
from billing.flows.settle import foresee
from billing.invoicing.store import invoice, invoice_line
from billing.subscriptions.model import Activation
from terms.entitlement import Entitlement, Grant
from terms.errors import Duplicate, Invalid, InvalidTransition, NotFound
from terms.money import Money
from tests.fixtures.billing import ZONE, Office, offering, price
from tests.flows.billing.books import balances, check_books, everything, open_items, rights
from tests.flows.billing.test_settle import pay, service_of

LIVE_FROM = datetime(2026, 3, 14, 20, 0, tzinfo=UTC)
LIVE_UNTIL = datetime(2026, 3, 14, 23, 0, tzinfo=UTC)
ALIEN, FIGHT = "title.alien", "event.fight"


def sold(code: str, *grants: str, billed: Billed = Billed.AT_ONCE, window: str = ""):
    """Make something that is bought once."""
    terms = Terms(billed=billed, window=Window.parse(window) if window else None)
    return replace(offering(code, OfferingKind.ONE_OFF, *grants), terms=terms)


SHELF = Publication(
    zone=ZONE,
    offerings=(
        sold("ALIEN", ALIEN, window="48h"),
        sold("HEAT", "title.heat", billed=Billed.NEXT_INVOICE, window="2d"),
        sold("OPERA", "title.opera", billed=Billed.CREDIT, window="24h"),
        sold("FIGHT", FIGHT, window="2026-03-14T20:00Z/2026-03-14T23:00Z"),
        sold("VISIT", billed=Billed.NEXT_INVOICE),
    ),
    prices=(
        price("ALIEN", "5.00"),
        price("HEAT", "3.00"),
        price("OPERA", "4.00"),
        price("FIGHT", "20.00"),
        price("VISIT", "30.00"),
    ),
)


async def lit(office: Office, **changes: Any) -> str:
    """Sign a household up that may watch at once; return its service."""
    await office.publish(SHELF)
    await office.join(**{"plan": "FREE", "activation": Activation.OPEN, **changes})
    return await service_of(office)


async def sell(office: Office, code: str, ref: str = "1", **more: Any) -> Sold:
    """Sell something to the household, without settling."""
    order = Order(offering=code, source="portal", ref=ref, **more)
    return await office.run(lambda tx: buy(office.desk, tx, "100001", order, office.now))


async def again(office: Office) -> None:
    """Settle every household now."""
    await office.settle(*office.looks)


async def titles(office: Office, service: str) -> dict[str, datetime | None]:
    """Return what may be watched besides the plan, and until when."""
    found: Entitlement = await rights(office.store, service)
    return {one.code: one.until for one in found.grants if one.code != "base"}


async def billed(office: Office) -> list[tuple[str, int]]:
    """Return the lines of what was bought, with the numbers of their invoices."""
    c = invoice_line.c
    query = (
        select(c.label, c.amount_minor, invoice.c.sequence)
        .join_from(invoice_line, invoice, invoice.c.id == c.invoice_id)
        .where(c.kind == "purchase")
        .order_by(invoice.c.sequence, c.n)
    )
    async with office.store.read() as tx:
        return [(row.label, row.amount_minor) for row in await tx.rows(query)]


async def test_a_paid_title_is_watched_for_its_window_and_ends_by_itself(office: Office):
    """It is dark until it is paid, lit from that instant for 48 hours, and gone to the minute."""
    service = await lit(office)
    await sell(office, "ALIEN")
    await again(office)
    assert await billed(office) == [("Alien", 500)]
    assert await titles(office, service) == {}
    office.forward(hours=3, minutes=7)
    await pay(office, "6.00", "till-1")
    await again(office)
    ends = office.now + timedelta(hours=48)
    assert await titles(office, service) == {ALIEN: ends}
    assert all(at and at <= ends for at in office.looks.values())
    await office.live(list(office.looks), ends - timedelta(minutes=1))
    assert await titles(office, service) == {ALIEN: ends}
    assert list(office.looks.values()) == [ends]
    await office.live(list(office.looks), ends)
    assert await titles(office, service) == {}
    await check_books(office.store)
    assert {
        value for (book, *_), value in (await balances(office.store)).items() if book == "revenue"
    } == {-500}


async def test_settling_again_bills_nothing_again(office: Office):
    """However often an account is settled, what was bought once is charged once."""
    await lit(office)
    await sell(office, "ALIEN")
    await again(office)
    for _ in range(3):
        office.forward(days=20)
        await again(office)
    assert await billed(office) == [("Alien", 500)]
    await check_books(office.store)


async def test_the_same_sale_is_sold_once(office: Office):
    """The number of a sale where it was made names it: told again it is that one, or refused."""
    await lit(office)
    first = await sell(office, "ALIEN")
    assert first.is_new
    assert await sell(office, "ALIEN") == Sold(id=first.id, is_new=False)
    with pytest.raises(Duplicate, match="another sale"):
        await sell(office, "HEAT")
    with pytest.raises(Duplicate, match="already"):
        await sell(office, "ALIEN", "2")
    await again(office)
    assert await billed(office) == [("Alien", 500)]


async def test_with_the_next_invoice_it_is_watched_now_and_billed_later(office: Office):
    """It is lit at once, waits for the bill day, and stands on that day's invoice with the plan."""
    service = await lit(office, plan="BASIC")
    await pay(office, "25.20", "till-1")
    await sell(office, "HEAT")
    await again(office)
    assert await titles(office, service) == {"title.heat": office.now + timedelta(days=2)}
    assert await billed(office) == []
    await office.live(list(office.looks), datetime(2026, 4, 1, 9, tzinfo=UTC))
    assert await titles(office, service) == {}
    assert await billed(office) == [("Heat", 300)]
    async with office.store.read() as tx:
        documents = await tx.rows(select(invoice).order_by(invoice.c.sequence))
    assert [(one.sequence, one.net_minor) for one in documents] == [(1, 2100), (2, 3400)]
    await check_books(office.store)


async def test_what_waits_goes_along_with_any_invoice(office: Office):
    """What waits for the next invoice is on the first one that comes, whatever that is for."""
    await lit(office)
    await sell(office, "VISIT", quantity=2)
    await again(office)
    assert await billed(office) == []
    office.forward(days=2)
    await sell(office, "ALIEN", "2")
    await again(office)
    assert await billed(office) == [("Visit", 6000), ("Alien", 500)]
    assert await open_items(office.store) == {"INV-00000002": 7800}


async def test_alone_it_is_billed_on_the_bill_day(office: Office):
    """Where no other invoice comes it has one of its own on the next bill day."""
    await lit(office)
    await sell(office, "VISIT")
    await again(office)
    await office.live(list(office.looks), datetime(2026, 3, 31, 21, 59, tzinfo=UTC))
    assert await billed(office) == []
    await office.live(list(office.looks), datetime(2026, 3, 31, 22, 0, tzinfo=UTC))
    assert await billed(office) == [("Visit", 3000)]


async def test_credit_alone_pays_or_nothing_is_sold(office: Office):
    """What is sold for credit is paid and lit in the same moment, or refused without a trace."""
    service = await lit(office)
    await pay(office, "4.79", "till-1")
    before = await everything(office.store)
    with pytest.raises(Invalid, match="does not cover"):
        await sell(office, "OPERA")
    assert await everything(office.store) == before
    await pay(office, "0.01", "till-2")
    await sell(office, "OPERA")
    assert await titles(office, service) == {"title.opera": office.now + timedelta(hours=24)}
    assert await open_items(office.store) == {}
    office.forward(hours=25)
    await again(office)
    with pytest.raises(Invalid, match="does not cover"):
        await sell(office, "OPERA", "2")
    await check_books(office.store)


async def test_an_event_opens_and_closes_when_it_is_on(office: Office):
    """A pay-per-view event is lit from its begin to its end, whenever it was bought."""
    service = await lit(office)
    await pay(office, "24.00", "till-1")
    await again(office)
    await sell(office, "FIGHT")
    await again(office)
    assert await titles(office, service) == {}
    await office.live(list(office.looks), LIVE_FROM - timedelta(minutes=1))
    assert await titles(office, service) == {}
    await office.live(list(office.looks), LIVE_FROM)
    assert await titles(office, service) == {FIGHT: LIVE_UNTIL}
    await office.live(list(office.looks), LIVE_UNTIL)
    assert await titles(office, service) == {}
    with pytest.raises(Invalid, match="closed at"):
        await sell(office, "FIGHT", "late")


async def test_unwatched_it_is_given_back_from_its_own_line(office: Office):
    """What nobody has watched goes dark and is credited with its tax; nothing is credited twice."""
    service = await lit(office)
    await pay(office, "6.00", "till-1")
    one = await sell(office, "ALIEN")
    await again(office)
    assert ALIEN in await titles(office, service)
    for is_new in (True, False):
        assert await office.run(lambda tx: give_back(office.desk, tx, one.id)) is is_new
        await again(office)
        assert await titles(office, service) == {}
        assert await open_items(office.store) == {"credit": 600}
    await check_books(office.store)
    assert await sell(office, "ALIEN", "2") != one


async def test_before_it_is_billed_it_is_simply_forgotten(office: Office):
    """What waits for its invoice and is taken back is on none."""
    service = await lit(office)
    one = await sell(office, "HEAT")
    await again(office)
    assert "title.heat" in await titles(office, service)
    await office.run(lambda tx: give_back(office.desk, tx, one.id))
    await again(office)
    assert await titles(office, service) == {}
    await office.live(list(office.looks), datetime(2026, 4, 2, tzinfo=UTC))
    assert await billed(office) == []


async def test_what_was_watched_is_kept(office: Office):
    """A title that somebody has begun to watch is not given back."""
    await lit(office)
    one = await sell(office, "HEAT")
    await again(office)
    await office.run(lambda tx: note_watched(tx, one.id, office.now))
    with pytest.raises(InvalidTransition, match="was watched"):
        await office.run(lambda tx: give_back(office.desk, tx, one.id))
    with pytest.raises(NotFound):
        await office.run(lambda tx: give_back(office.desk, tx, "nothing"))


async def test_who_may_not_watch_buys_nothing(small_office: Office):
    """A household that is dark or has ended is sold nothing; neither is what is not for sale."""
    office = small_office
    await office.publish(SHELF)
    await office.join()
    with pytest.raises(Invalid, match="may not watch"):
        await sell(office, "ALIEN")
    await pay(office, "25.20", "till-1")
    await again(office)
    for code, more, why in (
        ("BASIC", {}, "of kind plan"),
        ("ALIEN", {"quantity": 2}, "one at a time"),
        ("VISIT", {"quantity": 0}, "1 to 1000"),
        ("VISIT", {"ref": "\n"}, "ref"),
    ):
        with pytest.raises(Invalid, match=why):
            await sell(office, code, **more)
    with pytest.raises(NotFound):
        await sell(office, "NOTHING")
    await office.run(lambda tx: cancel(office.desk, tx, "100001", None, office.now))
    await office.live(list(office.looks), datetime(2026, 4, 3, tzinfo=UTC))
    with pytest.raises(Invalid, match="nothing that runs"):
        await sell(office, "ALIEN")


async def test_a_title_of_the_plan_has_no_end(small_office: Office):
    """Where the plan grants what was bought as well, buying it puts no end to it."""
    office = small_office
    await office.publish(SHELF)
    extra = sold("BASE-TITLE", "base", billed=Billed.NEXT_INVOICE, window="1h")
    await office.publish(
        Publication(zone=ZONE, offerings=(extra,), prices=(price("BASE-TITLE", "1.00"),))
    )
    await office.join(plan="FREE", activation=Activation.OPEN)
    await sell(office, "BASE-TITLE")
    await again(office)
    found = await rights(office.store, await service_of(office))
    assert found.grants == (Grant(code="base"),)


async def test_a_preview_shows_what_waits(small_office: Office):
    """What a bill run would charge includes what was bought and waits."""
    office = small_office
    await lit(office)
    await sell(office, "VISIT")
    day = datetime(2026, 4, 1, 9, tzinfo=UTC)

    class NotKeptError(Exception):
        """Ends a transaction without a trace."""

    with pytest.raises(NotKeptError):
        async with office.store.begin() as tx:
            seen = await foresee(office.desk, tx, list(office.looks), day)
            raise NotKeptError
    assert [one.invoice.net for one in seen if one.invoice] == [Money(3000, "EUR")]
    assert await billed(office) == []


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (sold("X", "x"), "window"),
        (sold("X", window="2h"), "window"),
        (
            replace(offering("X", OfferingKind.ADDON, "x"), terms=Terms(billed=Billed.CREDIT)),
            "billed",
        ),
    ],
)
async def test_what_cannot_be_sold_so_is_not_published(small_office: Office, bad, field):
    """A title without an end, a window without a title and a plan billed once are refused."""
    with pytest.raises(Invalid, match=f"offerings.X.{field}"):
        await small_office.publish(Publication(zone=ZONE, offerings=(bad,)))
