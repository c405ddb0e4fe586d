"""What pages are shown: households, invoices, payments, sums, the catalogue."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from billing.dunning.model import HoldKind
from billing.payments.model import AttemptState, MovementKind
from billing.payments.store import EventState, provider_event
from billing.rating.model import LineKind
from billing.reads import account, accounts, catalog, invoices, totals
from terms.entitlement import ServiceState
from terms.errors import NotFound
from terms.facts import Possession
from terms.ids import ServiceId
from terms.money import Money
from tests.fixtures.billing import LADDER, Office, household
from tests.fixtures.till import Till
from tests.flows.billing.test_settle import pay, service_of
from tests.flows.billing.test_stories import box, equipped

FIRST = 2520


def eur(amount_minor: int) -> Money:
    """Make euro."""
    return Money(amount_minor, "EUR")


async def test_one_household_on_one_page(office: Office):
    """The account shows what it has, what each line is made of, what was paid, why it is dark."""
    key = await office.join(addons=("SPORT",), phone="+43 1 000", email="a@example.org")
    service = await service_of(office)
    office.forward(minutes=1)
    await equipped(office, ("f1", box(service, Possession.HANDED_OVER, date(2026, 3, 11))))
    await pay(office, "10.00", "R-1")
    await office.settle(key)
    async with office.store.read() as tx:
        shown = await account.view(tx, "100001")
    assert (shown.id, shown.name, shown.phone, shown.bill_day) == (
        key,
        "Subscriber 100001",
        "+43 1 000",
        1,
    )
    assert [(one.offering, one.kind) for one in shown.subscriptions] == [
        ("BASIC", "plan"),
        ("SPORT", "addon"),
    ]
    assert [(one.serial, one.until_on) for one in shown.rentals] == [("S-1", None)]
    assert (shown.owed, shown.credit) == (eur(3024 + 244 - 1000), eur(0))
    assert [(one.number, one.total, one.open) for one in shown.invoices] == [
        ("INV-00000002", eur(244), eur(244)),
        ("INV-00000001", eur(3024), eur(2024)),
    ]
    line = shown.invoices[1].lines[0]
    assert (line.kind, line.rate, line.days, line.of_days, line.amount, line.price_from) == (
        LineKind.RECURRING,
        eur(3100),
        21,
        31,
        eur(2100),
        date(2020, 1, 1),
    )
    assert line.rate.portion(line.days, line.of_days) == line.amount
    (group,) = shown.invoices[1].groups
    assert (group.tax, str(group.rate), group.amount) == ("standard", "20%", eur(504))
    assert [(one.provider, one.kind, one.amount) for one in shown.payments] == [
        ("cash", MovementKind.CLEARED, eur(1000))
    ]
    assert [(one.number, one.state) for one in shown.attempts] == [
        ("INV-00000002", AttemptState.OPEN),
        ("INV-00000001", AttemptState.OPEN),
    ]
    assert (shown.service.state, shown.service.reason, shown.service.grants) == (
        ServiceState.PENDING,
        "unpaid_first",
        ("base", "sport"),
    )
    assert [one.kind for one in shown.holds] == [HoldKind.UNPAID_FIRST]
    assert shown.why_dark == ["The first invoice INV-00000001 is not paid."]
    async with office.store.read() as tx:
        with pytest.raises(NotFound):
            await account.view(tx, "999999")


async def test_why_it_is_dark_is_said_in_words(small_office: Office):
    """Not settled, to come, suspended, cancelled, live: each has its words."""
    office = small_office

    async def why(contract: str) -> list[str]:
        async with office.store.read() as tx:
            return list((await account.view(tx, contract)).why_dark)

    await office.sign_up(household("1", method=None))
    assert await why("1") == ["It was signed up and is not settled yet."]
    await office.join("2", starts_on=date(2026, 5, 1))
    assert await why("2") == ["It has not begun yet."]
    await office.join("3", plan="FREE")
    assert await why("3") == []
    key = await office.join("4", method=None)
    await pay(office, "25.20", "R-4", "4")
    await office.settle(key)
    await office.live([key], datetime(2026, 4, 12, tzinfo=UTC))
    assert await why("4") == [
        "Suspended since 2026-04-11: INV-00000003 is unpaid, 37.20 EUR is owed.",
        "Pay 37.20 EUR to be switched on again.",
    ]


async def test_lists_have_pages(office: Office):
    """Accounts and invoices are listed in order, page by page, and searched."""
    made = await office.sign_up(*[household(f"{n:04d}") for n in range(25)])
    await office.settle(*[one.account for one in made])
    async with office.store.read() as tx:
        first = await accounts.listing(tx, limit=10)
        rest = await accounts.listing(tx, after=first[-1].contract, limit=100)
        assert [one.contract for one in (*first, *rest)] == [f"{n:04d}" for n in range(25)]
        assert (first[0].owed, first[0].state) == (eur(FIRST), ServiceState.PENDING)
        for search, count in (("001", 10), ("SUBSCRIBER 0007", 1), ("%", 0), ("none", 0)):
            assert len(await accounts.listing(tx, search=search)) == count, search
        one = await invoices.view(tx, "INV-00000007")
        assert (one.total, one.open, len(one.lines)) == (eur(FIRST), eur(FIRST), 1)
        with pytest.raises(NotFound):
            await invoices.view(tx, "INV-0")


async def test_holders_by_service_and_contract(office: Office):
    """Ids of services and contracts are given their household; strangers are left out."""
    made = await office.sign_up(household("1"), household("2"))
    async with office.store.read() as tx:
        by_service = await accounts.known(tx, [made[0].service, ServiceId("nobody")])
        by_contract = await accounts.holders(tx, ["2", "3"])
        assert await accounts.contracts(tx, ["1", "2", "3"]) == {"1", "2"}
    assert {key: one.contract for key, one in by_service.items()} == {made[0].service: "1"}
    assert {key: one.account for key, one in by_contract.items()} == {"2": made[1].account}
    assert (by_contract["2"].zone, by_contract["2"].currency) == ("Europe/Vienna", "EUR")


async def test_sums_over_everything(small_till: Till):
    """The first page counts services by state, adds up debts, and shows what waits for somebody."""
    till = small_till
    paid = await till.join("1")
    await till.collect()
    await till.behave("decline:insufficient_funds")
    await till.join("2")
    await till.collect()
    till.office.forward(minutes=1)
    await pay(till.office, "100.00", "R-1", "1")
    await till.office.settle(paid)
    event = {
        "id": "evt_1",
        "type": "charge.dispute.created",
        "data": {
            "object": {"id": "du_1", "payment_intent": "pi_x", "amount": 5, "currency": "eur"}
        },
    }
    await till.take(await till.hear(event))
    async with till.office.store.read() as tx:
        sums = await totals.totals(tx)
        waiting = list(await tx.rows(select(provider_event)))
    assert sums.services[ServiceState.ACTIVE] == 1
    assert sums.services[ServiceState.PENDING] == 1
    assert sums.open == (eur(FIRST),)
    assert [(one.event_id, one.state) for one in waiting] == [("evt_1", EventState.WAITING)]
    assert "pi_x" in waiting[0].reason


async def test_money_that_went_back_is_shown_as_such(small_till: Till):
    """A chargeback is a negative line among the payments, and its attempt is reversed."""
    till = small_till
    await till.join()
    await till.collect()
    intent = (await till.ask("payment_intents"))["data"][0]["id"]
    await till.simulator.aadmin("/tamper", {"op": "dispute", "payment_intent": intent})
    till.office.forward(minutes=1)
    await till.hear_all("charge.dispute.created")
    async with till.office.store.read() as tx:
        shown = await account.view(tx, "100001")
    assert [(one.kind, one.amount) for one in shown.payments] == [
        (MovementKind.DISPUTED, eur(-FIRST)),
        (MovementKind.CLEARED, eur(FIRST)),
    ]
    assert [one.state for one in shown.attempts] == [AttemptState.REVERSED]
    await till.office.live(list(till.office.looks), till.office.now + timedelta(days=10))
    async with till.office.store.read() as tx:
        assert len((await account.view(tx, "100001")).attempts) == 1


async def test_the_catalogue_is_shown(small_office: Office):
    """Codes to check names against, offerings with their prices, the ladder as it is."""
    async with small_office.store.read() as tx:
        codes = await catalog.codes(tx)
        offerings = await catalog.offerings(tx)
        assert (await catalog.segments(tx)).of("").ladder == LADDER
    assert codes.offerings["SPORT"] == "addon"
    assert codes.priced == set(codes.offerings)
    assert codes.taxes == {"standard"}
    assert codes.grants == {"base", "large", "sport", "kids"}
    assert [one.offering.code for one in offerings] == sorted(codes.offerings)
    assert {str(each.amount) for each in offerings[0].prices} == {"31.00 EUR", "3100 JPY"}
