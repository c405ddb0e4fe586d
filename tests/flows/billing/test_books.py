"""The trial balance, the age of debts, deferred revenue, and what is written off."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from billing.flows.earn import earn
from billing.flows.movements import Told, hear
from billing.flows.pay import pay_order, take_cash
from billing.flows.write_off import write_off_invoice
from billing.ledger.model import Book
from billing.payments.model import Moved, MovementKind
from billing.reads import books
from billing.reads.books import Age
from runtime.store import Store
from terms.errors import Invalid, InvalidTransition, NotFound
from terms.ids import AccountId
from terms.money import Money
from tests.fixtures.billing import Office
from tests.flows.billing.books import balances, check_books, everything, open_items


async def give_up(office: Office, number: str):
    """Write an invoice off and settle its account."""
    async with office.store.begin() as tx:
        done = await write_off_invoice(office.desk, tx, number, office.now, reason="moved away")
    await office.settle(*office.looks)
    return done


async def trial(store: Store, until: date | None = None) -> dict[tuple[str, str, str], int]:
    """Read the trial balance: what is not zero, by book, party and currency."""
    async with store.read() as tx:
        found = await books.trial(tx, until)
    return {
        (one.book.value, one.party, one.balance.currency): one.balance.amount_minor
        for one in found
        if one.balance.amount_minor
    }


async def unpaid(office: Office, contract: str = "100001", **changes) -> AccountId:
    """Let a household join that has no card."""
    return await office.join(contract, method=None, **changes)


async def test_the_trial_balance_is_what_the_entries_sum_to(office: Office):
    """Each book is summed by currency; households are one sum, providers and taxes are apart."""
    accounts = [await unpaid(office), await unpaid(office, "100002", currency="JPY")]
    async with office.store.begin() as tx:
        await take_cash(
            office.desk, tx, "100001", office.now, amount=Money(500, "EUR"), reference="R-1"
        )
    await office.settle(*accounts)
    sums: dict[tuple[str, str, str], int] = {}
    for (book, party, currency), amount in (await balances(office.store)).items():
        of_party = party if Book(book) in books.BY_PARTY else ""
        key = (book, of_party, currency)
        sums[key] = sums.get(key, 0) + amount
    found = await trial(office.store)
    assert found == {key: amount for key, amount in sums.items() if amount}
    assert ("clearing", "cash", "EUR") in found
    for currency in ("EUR", "JPY"):
        assert sum(amount for (*_, c), amount in found.items() if c == currency) == 0
    assert await trial(office.store, office.now.date() - timedelta(days=1)) == {}
    assert await trial(office.store, office.now.date()) == found


async def test_debts_are_as_old_as_they_are_overdue(office: Office):
    """Each invoice is of one age, by the days since it was due; the sums are what is owed."""
    account = await unpaid(office, terms_days=14)
    await office.live([account], datetime(2026, 7, 1, 12, tzinfo=UTC))
    async with office.store.read() as tx:
        due = {row[0]: row[1] for row in await tx.fetch("SELECT sequence, due_on FROM open_item")}
        rests = await tx.fetch("SELECT sequence, rest_minor FROM open_item")
        for today in (date(2026, 3, 1), date(2026, 5, 1), date(2026, 7, 1), date(2026, 12, 1)):
            found = await books.ageing(tx, today)
            assert [one.age for one in found] == list(Age)
            wanted: dict[Age, int] = dict.fromkeys(Age, 0)
            for sequence, rest in rests:
                day = due[sequence]
                due_on = day if isinstance(day, date) else date.fromisoformat(day)
                wanted[age_of((today - due_on).days)] += rest
            assert {one.age: one.open.amount_minor for one in found} == wanted
            assert sum(one.invoices for one in found) == len(rests)
    assert len(rests) == 5


async def test_a_day_that_nobody_can_mean_is_refused(small_office: Office):
    """The first and the last day there are have no neighbours that could be counted to."""
    async with small_office.store.read() as tx:
        for asked in (
            books.ageing(tx, date.min),
            books.deferred(tx, date.max, date.max),
            books.deferred(tx, date.min, date(2026, 3, 1)),
        ):
            with pytest.raises(Invalid, match="is out of reach"):
                await asked


async def test_a_page_to_pay_on_needs_a_provider(small_office: Office):
    """Where none is configured that is said, and nobody is asked by the name of none."""
    await unpaid(small_office)
    async with small_office.store.read() as tx:
        with pytest.raises(NotFound, match="no payment provider is configured"):
            await pay_order(small_office.desk, tx, "100001")


def age_of(days: int) -> Age:
    """Say of what age a debt is, so many days overdue."""
    if days <= 0:
        return Age.NOT_DUE
    ages = {0: Age.TO_30, 1: Age.TO_60, 2: Age.TO_90}
    return ages.get((days - 1) // 30, Age.OVER_90)


async def test_deferred_revenue_rolls_forward(office: Office):
    """Each month opens as the one before has closed, and the last closes as the book stands."""
    account = await office.join(bill_day=15)
    await office.live([account], datetime(2026, 6, 20, tzinfo=UTC))
    async with office.store.begin() as tx:
        while await earn(tx, office.now):
            pass
    async with office.store.read() as tx:
        months = await books.deferred(tx, date(2026, 2, 7), date(2026, 6, 30))
    assert [one.month.month for one in months] == [2, 3, 4, 5, 6]
    assert months[0].closing == Money(0, "EUR")
    for before, one in pairwise(months):
        assert one.opening == before.closing
        assert one.closing == one.opening + one.charged - one.given_back - one.earned
    # 17 of the 31 days from 15 March are over with it.
    assert (months[1].charged, months[1].earned) == (Money(3100, "EUR"), Money(1700, "EUR"))
    left = (await balances(office.store))["deferred", "", "EUR"]
    assert months[-1].closing.amount_minor == -left


async def test_what_is_written_off_is_owed_no_more(office: Office):
    """The rest goes from what is owed to what was given up; doing it again does nothing."""
    account = await unpaid(office)
    (number,) = await open_items(office.store)
    owed = (await open_items(office.store))[number]
    done = await give_up(office, number)
    assert (done.amount, done.is_new) == (Money(owed, "EUR"), True)
    assert await open_items(office.store) == {}
    sums = await balances(office.store)
    assert sums["write_off", "", "EUR"] == owed
    assert ("receivable", account, "EUR") not in sums
    await check_books(office.store)
    before = await everything(office.store)
    again = await give_up(office, number)
    assert (again.amount, again.is_new) == (Money(owed, "EUR"), False)
    assert await everything(office.store) == before


async def test_money_that_comes_later_is_credit(office: Office):
    """Whoever pays after all has it to his credit; money that goes back opens nothing given up."""
    await unpaid(office)
    (number,) = await open_items(office.store)
    owed = (await open_items(office.store))[number]
    await pay(office, "R-1", 1000)
    await give_up(office, number)
    await pay(office, "R-2", 700)
    assert await open_items(office.store) == {"credit": 700}
    await check_books(office.store)
    await pay(office, "R-1", 1000, MovementKind.DISPUTED)
    # What the first 10.00 had paid is open again, and the later 7.00 pay of it.
    assert await open_items(office.store) == {number: 300}
    assert (await balances(office.store))["write_off", "", "EUR"] == owed - 1000
    await check_books(office.store)
    rest = await give_up(office, number)
    assert rest.amount == Money(300, "EUR")
    assert await open_items(office.store) == {}


async def pay(
    office: Office, charge: str, minor: int, kind: MovementKind = MovementKind.CLEARED
) -> None:
    """Have a provider tell that money came in, or went back."""
    (account,) = office.looks
    moved = Moved(
        charge=charge,
        ref=f"{charge}-{kind}",
        amount=Money(minor, "EUR"),
        account="100001",
        kind=kind,
    )
    told = Told(account=account, number="100001", provider="bank", moved=moved)
    async with office.store.begin() as tx:
        await hear(office.desk, tx, [told], [], office.now)
    await office.settle(account)


async def test_what_is_paid_or_being_paid_is_not_written_off(office: Office):
    """A paid invoice, an unknown one, one whose card is being charged: each is refused with why."""
    await unpaid(office)
    (paid,) = await open_items(office.store)
    await pay(office, "R-1", (await open_items(office.store))[paid])
    with pytest.raises(InvalidTransition, match="nothing is open"):
        await give_up(office, paid)
    with pytest.raises(NotFound, match="INV-9"):
        await give_up(office, "INV-9")
    await office.join("100003")
    (charged,) = await open_items(office.store)
    with pytest.raises(InvalidTransition, match="under way"):
        await give_up(office, charged)
