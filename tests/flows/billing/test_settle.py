"""Settling: what an account is charged and may watch, computed and written once."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from billing.accounts.store import service
from billing.flows.pay import take_cash
from billing.flows.settle import settle
from billing.flows.signup import SignedUp
from billing.invoicing.store import invoice, invoice_line
from billing.ledger.store import entry
from billing.payments.store import attempt
from billing.subscriptions.model import Activation
from runtime.work import work
from terms.entitlement import ServiceState
from terms.facts import Possession
from terms.ids import AccountId
from terms.money import Money
from tests.fixtures.billing import Office, household
from tests.flows.billing.books import (
    MONEY,
    balances,
    check_books,
    counting,
    everything,
    open_items,
    rights,
)
from tests.flows.billing.moves import fact, told


async def service_of(office: Office, contract: str = "100001") -> str:
    """Return the id of a contract's service."""
    async with office.store.read() as tx:
        return await tx.scalar(select(service.c.id).where(service.c.contract == contract))


async def pay(office: Office, amount: str, reference: str, contract: str = "100001") -> bool:
    """Pay cash; nothing is settled yet. Tells whether it was new."""

    async def story(tx):
        taken = await take_cash(
            office.desk,
            tx,
            contract,
            office.now,
            amount=Money.parse(amount, "EUR"),
            reference=reference,
        )
        return taken.is_new

    return await office.run(story)


async def test_the_first_invoice_is_prorated_and_taxed(office: Office):
    """A household that joins on 11 March with bill day 1 pays 21 of 31 days, taxed once."""
    account = await office.join(addons=("SPORT",))
    async with office.store.read() as tx:
        documents = await tx.rows(select(invoice))
        lines = await tx.rows(select(invoice_line).order_by(invoice_line.c.n))
    assert [(d.number, d.net_minor, d.tax_minor, d.total_minor) for d in documents] == [
        ("INV-00000001", 2520, 504, 3024)
    ]
    assert [(row.offering, row.units, row.of_units, row.amount_minor) for row in lines] == [
        ("BASIC", 21, 31, 2100),
        ("SPORT", 21, 31, 420),
    ]
    assert [(row.period_start, row.period_end) for row in lines] == [
        (date(2026, 3, 11), date(2026, 4, 1))
    ] * 2
    assert await balances(office.store) == {
        ("receivable", account, "EUR"): 3024,
        ("revenue", "", "EUR"): -2520,
        ("tax", "standard", "EUR"): -504,
    }
    assert await open_items(office.store) == {"INV-00000001": 3024}


async def test_it_is_dark_until_the_first_invoice_is_paid(office: Office):
    """A new service is pending with its packages; paying changes its state and nothing else."""
    account = await office.join(addons=("SPORT",))
    key = await service_of(office)
    dark = await rights(office.store, key)
    assert (dark.state, dark.revision, dark.reason) == (ServiceState.PENDING, 1, "unpaid_first")
    assert [grant.code for grant in dark.grants] == ["base", "sport"]
    await pay(office, "30.00", "R-1")
    await office.settle(account)
    assert (await rights(office.store, key)).state is ServiceState.PENDING
    await pay(office, "0.24", "R-2")
    await office.settle(account)
    lit = await rights(office.store, key)
    assert (lit.state, lit.revision, lit.grants) == (ServiceState.ACTIVE, 2, dark.grants)
    assert await open_items(office.store) == {}
    await check_books(office.store)


async def test_a_second_settle_writes_nothing(office: Office):
    """Settling again at the same instant leaves every table as it was."""
    account = await office.join(addons=("SPORT",))
    await pay(office, "50.00", "R-1")
    await office.settle(account)
    before = await everything(office.store)
    async with counting(office.store) as (tx, counted):
        await settle(office.desk, tx, [account], office.now)
    assert await everything(office.store) == before
    assert counted.writes == []


async def test_money_over_is_kept_and_used_by_itself(office: Office):
    """Three months paid ahead lie as credit and pay the next invoices without being asked."""
    account = await office.join(addons=("SPORT",), method=None)
    await pay(office, "100.00", "R-1")
    await office.settle(account)
    assert await open_items(office.store) == {"credit": 10000 - 3024}
    await office.live([account], datetime(2026, 4, 2, tzinfo=UTC))
    assert await open_items(office.store) == {"credit": 10000 - 3024 - 4464}
    await office.live([account], datetime(2026, 5, 2, tzinfo=UTC))
    assert await open_items(office.store) == {"INV-00000003": 3 * 4464 - 10000 + 3024 - 4464}
    await check_books(office.store)


async def test_renewal_on_the_local_bill_day(office: Office):
    """The renewal is due at local midnight of the bill day, summer time or not."""
    account = await office.join()
    await pay(office, "25.20", "R-1")
    settled = await office.settle(account)
    assert settled.next_look[account] == datetime(2026, 3, 31, 22, tzinfo=UTC)
    await office.live([account], datetime(2026, 3, 31, 21, 59, tzinfo=UTC))
    assert await open_items(office.store) == {}
    await office.live([account], datetime(2026, 3, 31, 22, tzinfo=UTC))
    assert await open_items(office.store) == {"INV-00000002": 3720}


async def test_a_long_gap_is_caught_up(office: Office):
    """A settle that comes three months late charges each month once, on one invoice."""
    account = await office.join()
    await pay(office, "25.20", "R-1")
    await office.settle(account)
    office.now = datetime(2026, 6, 15, 12, tzinfo=UTC)
    await office.settle(account)
    async with office.store.read() as tx:
        lines = await tx.rows(select(invoice_line).order_by(invoice_line.c.period_start))
        documents = await tx.rows(select(invoice).order_by(invoice.c.sequence))
    assert [row.period_start for row in lines] == [
        date(2026, 3, 11),
        date(2026, 4, 1),
        date(2026, 5, 1),
        date(2026, 6, 1),
    ]
    assert [row.total_minor for row in documents] == [2520, 3 * 3720]
    assert documents[1].issued_on == date(2026, 6, 15)


async def test_an_imported_service_is_lit_and_charged_later(office: Office):
    """What another system has charged until May is live at once and owes nothing until May."""
    account = await office.join(
        starts_on=date(2024, 1, 1),
        billed_until=date(2026, 5, 1),
        activation=Activation.OPEN,
    )
    key = await service_of(office)
    assert (await rights(office.store, key)).state is ServiceState.ACTIVE
    assert await open_items(office.store) == {}
    assert office.looks[account] == datetime(2026, 4, 30, 22, tzinfo=UTC)
    await office.live([account], datetime(2026, 5, 1, tzinfo=UTC))
    assert await open_items(office.store) == {"INV-00000001": 3720}


async def test_a_free_plan_is_covered_and_lit(office: Office):
    """An invoice of nothing is issued as coverage, moves no money and lights the service."""
    await office.join(plan="FREE")
    assert (await rights(office.store, await service_of(office))).state is ServiceState.ACTIVE
    assert len(await everything_of(office, invoice)) == 1
    assert await everything_of(office, entry) == []
    assert await everything_of(office, attempt) == []


async def everything_of(office: Office, table):
    """Return all rows of a table."""
    async with office.store.read() as tx:
        return list(await tx.rows(select(table)))


async def test_a_service_to_come_waits(office: Office):
    """A household that starts next month is pending, owes nothing, and is looked at on that day."""
    account = await office.join(starts_on=date(2026, 4, 10))
    dark = await rights(office.store, await service_of(office))
    assert (dark.state, dark.reason) == (ServiceState.PENDING, "not_begun")
    assert [grant.code for grant in dark.grants] == ["base"]
    assert await open_items(office.store) == {}
    assert office.looks[account] == datetime(2026, 4, 9, 22, tzinfo=UTC)
    await office.live([account], datetime(2026, 4, 10, tzinfo=UTC))
    assert await open_items(office.store) == {"INV-00000001": 2604}  # 21 of 30 days of 31.00 + 20 %


async def test_as_many_statements_for_one_as_for_five_hundred(office: Office):
    """Signing up, renewing and clearing take the same statements for one account and for 500."""
    made = await office.sign_up(*[household(f"{n:06d}") for n in range(501)])
    one, many = [made[0].account], [each.account for each in made[1:]]
    async with office.store.read() as tx:
        await office.desk.shelf.newest(tx)

    async def counts_of(most: int) -> None:
        counts = []
        for batch in (one, many):
            async with counting(office.store) as (tx, counted):
                await settle(office.desk, tx, batch, office.now)
            counts.append(counted.made)
        assert len(counts[0]) == len(counts[1]) <= most, "\n".join(counts[1])

    await counts_of(14)  # invoice, attempt, hold and first rights at once
    async with office.store.begin() as tx:
        for each in made:
            await take_cash(
                office.desk,
                tx,
                each.contract,
                office.now,
                amount=Money(2520, "EUR"),
                reference=each.contract,
            )
    await counts_of(11)  # cleared and lit
    office.now = datetime(2026, 4, 1, 9, tzinfo=UTC)
    await counts_of(10)  # renewed
    await counts_of(3)  # nothing to do
    await carried(office, Possession.HANDED_OVER, made)
    await counts_of(12)  # charged with deposits
    await counts_of(3)  # nothing to do
    await carried(office, Possession.RETURNED, made)
    await counts_of(12)  # credited and released
    await counts_of(3)  # nothing to do
    await check_books(office.store)


async def carried(office: Office, kind: Possession, made: list[SignedUp]) -> None:
    """Let a box of each household change hands; nothing is settled yet."""
    day = office.now.date()
    await told(office, *(fact(kind, one.service, day, one.contract) for one in made))


async def test_settle_marks_what_follows(office: Office):
    """A published right marks its service for composing, a new attempt marks its collection."""
    await office.join()
    async with office.store.read() as tx:
        marked = {(row.kind, row.key) for row in await tx.rows(select(work))}
        tries = [row.id for row in await tx.rows(select(attempt))]
    assert ("compose", await service_of(office)) in marked
    assert len(tries) == 1
    assert ("collect", tries[0]) in marked


async def test_unknown_accounts_are_left_out(office: Office):
    """Settling what does not exist does nothing."""
    assert (await office.settle(AccountId("nobody"))).next_look == {}
    assert all(not found for found in (await everything(office.store, MONEY)).values())


async def test_too_large_a_batch_is_refused(office: Office):
    """A batch has a limit."""
    with pytest.raises(ValueError, match="at most 1000"):
        await office.settle(*[AccountId("x")] * 1001)
