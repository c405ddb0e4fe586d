"""An invoice is called void: it stays, all of it is given back, its days are charged or not."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select, update

from billing.catalog.store import price
from billing.flows.purchase import Order, buy, note_watched
from billing.flows.void import Void, void
from billing.flows.write_off import write_off_invoice
from billing.invoicing.store import credit_line, credit_note, invoice
from billing.purchases.store import purchase
from billing.reads import invoices, statements
from terms.entitlement import ServiceState
from terms.errors import InvalidTransition, NotFound
from terms.facts import Possession
from tests.fixtures.billing import Office
from tests.flows.billing.books import balances, check_books, open_items
from tests.flows.billing.moves import fact, moved
from tests.flows.billing.test_explaining import every_line
from tests.flows.billing.test_life import (
    MARCH,
    charged,
    given_back,
    goes_on,
    lit,
    on,
    rests,
    state,
    told,
)
from tests.flows.billing.test_purchases import ALIEN, LIVE_FROM, SHELF, titles
from tests.flows.billing.test_purchases import lit as free_of_charge
from tests.flows.billing.test_settle import pay, service_of
from tests.flows.billing.test_usage import APRIL, credited, metered, record, tell, until, used
from tests.flows.billing.test_verify import broken


async def called_void(office: Office, number: str, *, again: bool = False) -> Void:
    """Call an invoice void and settle."""
    async with office.store.begin() as tx:
        done = await void(
            office.desk, tx, number, office.now, by="cli:olga", is_charged_again=again
        )
    await office.settle(*office.looks)
    return done


async def seen(office: Office, number: str) -> tuple[str, str]:
    """Tell the state of an invoice and what is open of it."""
    async with office.store.read() as tx:
        one = await invoices.view(tx, number)
    return one.state.value, str(one.open)


async def test_all_of_a_void_invoice_is_given_back_and_it_stays(office: Office):
    """Its note has the same net, tax and total; its days are not charged again, ever."""
    await lit(office, MARCH)
    await office.live(list(office.looks), on(date(2026, 3, 5)))
    await moved(office, fact(Possession.HANDED_OVER, await service_of(office), date(2026, 3, 5)))
    numbers = ["INV-00000001", "INV-00000002"]
    for number in numbers:
        await called_void(office, number)
    async with office.store.read() as tx:
        documents = {row.number: row for row in await tx.rows(select(invoice))}
        notes = list(await tx.rows(select(credit_note).order_by(credit_note.c.sequence)))
    for number, note in zip(numbers, notes, strict=True):
        one = documents[number]
        assert (one.net_minor, one.tax_minor) == (note.net_minor, note.tax_minor)
        assert (await seen(office, number)) == ("void", "0.00 EUR")
    again = await charged(office)
    await told(office, date(2026, 3, 16), add=("SPORT",))
    await office.live(list(office.looks), on(date(2026, 3, 31)))
    assert [one for one in await charged(office) if one[0] != "SPORT"] == again
    await office.live(list(office.looks), on(date(2026, 4, 2)))
    assert ("BASIC", "04-01", "05-01", 3100) in await charged(office)
    assert all(one.agrees for one in await every_line(office))
    await check_books(office.store)
    with pytest.raises(InvalidTransition, match="is void already"):
        await called_void(office, numbers[0])
    with pytest.raises(NotFound, match="no invoice"):
        await called_void(office, "INV-9")


async def test_a_void_invoice_is_corrected_by_another(office: Office):
    """Charged again: at the price as it is now, on a new invoice that names what it corrects."""
    await lit(office, MARCH)
    async with office.store.begin() as tx:
        await tx.execute(
            update(price)
            .where(price.c.offering == "BASIC", price.c.currency == "EUR")
            .values(amount_minor=2480)
        )
    office.desk.shelf._edition = -1
    await called_void(office, "INV-00000001", again=True)
    assert await charged(office) == [
        ("BASIC", "03-01", "04-01", 3100),
        ("BASIC", "03-01", "04-01", 2480),
    ]
    assert await given_back(office) == [("03-01", "04-01", 3100)]
    async with office.store.read() as tx:
        old = await invoices.view(tx, "INV-00000001")
        new = await invoices.view(tx, "INV-00000002")
    assert old.voided
    assert list(old.voided.notes) == ["CRN-00000001"]
    assert list(old.voided.replaced_by) == ["INV-00000002"]
    assert (list(new.corrects), new.state.value) == (["INV-00000001"], "paid")
    await office.settle(*office.looks)
    await called_void(office, "INV-00000002", again=True)
    assert len(await charged(office)) == 3
    assert (await state(office))[0] is ServiceState.ACTIVE
    await check_books(office.store)


async def test_what_must_be_paid_first_is_not_void_before(small_office: Office):
    """Void, the first invoice of a household that has not paid would let it watch for nothing."""
    office = small_office
    office.now = on(MARCH)
    await office.join(method=None)
    for again in (True, False):
        with pytest.raises(InvalidTransition, match="must be paid first"):
            await called_void(office, "INV-00000001", again=again)
    await office.settle(*office.looks)
    assert (await state(office))[0] is ServiceState.PENDING
    assert await open_items(office.store) == {"INV-00000001": 3720}


async def test_a_correction_darkens_nobody(small_office: Office):
    """What is given back pays older debts first; the household that has paid once stays on."""
    office = small_office
    office.now = on(MARCH)
    await office.join(method=None)
    await pay(office, "37.20", "R-1")
    await office.settle(*office.looks)
    await told(office, date(2026, 3, 2), add=("SPORT",))
    await called_void(office, "INV-00000001", again=True)
    await office.settle(*office.looks)
    assert (await open_items(office.store))["INV-00000003"] > 0
    assert (await state(office))[0] is ServiceState.ACTIVE
    await check_books(office.store)


async def test_what_a_note_gave_back_before_is_not_given_back_twice(office: Office):
    """A rest and a change came before: the void invoice's note has only what was still held."""
    await lit(office, MARCH)
    await rests(office, date(2026, 3, 4), date(2026, 3, 6))
    await goes_on(office, date(2026, 3, 11))
    await told(office, date(2026, 3, 21), plan="LARGE")
    async with office.store.read() as tx:
        first = await tx.scalar(select(invoice.c.id).where(invoice.c.sequence == 1))
        mine = select(credit_line.c.amount_minor).where(credit_line.c.invoice_id == first)
        before = [row.amount_minor for row in await tx.rows(mine)]
    await called_void(office, "INV-00000001")
    async with office.store.read() as tx:
        after = [row.amount_minor for row in await tx.rows(mine)]
        (key,) = office.looks
        told_ = await statements.statement(tx, key, MARCH, date(2026, 4, 1))
    assert sum(after) == 3100 > sum(before) > 0
    assert told_.closing.amount_minor < 0
    assert all(one.agrees for one in await every_line(office))
    await check_books(office.store)


@pytest.mark.parametrize("again", [True, False])
async def test_what_was_bought_on_a_void_invoice_is_given_back_for_good(
    office: Office, again: bool
):
    """Its lines come back with all others, and are never charged again."""
    await office.publish(SHELF)
    await lit(office, MARCH)
    await bought(office, "HEAT", "VISIT")
    await office.live(list(office.looks), on(date(2026, 4, 2)))
    await pay(office, "100.00", "R-april")
    await office.settle(*office.looks)
    before = [one for one in await charged(office) if one[0] in {"HEAT", "VISIT"}]
    assert len(before) == 2
    await called_void(office, "INV-00000002", again=again)
    async with office.store.read() as tx:
        (one,) = await tx.rows(select(invoice).where(invoice.c.number == "INV-00000002"))
        (note,) = await tx.rows(select(credit_note))
    assert (note.net_minor, note.tax_minor) == (one.net_minor, one.tax_minor)
    await office.live(list(office.looks), on(date(2026, 5, 2)))
    assert [one for one in await charged(office) if one[0] in {"HEAT", "VISIT"}] == before
    assert (
        len([one for one in await charged(office) if one[1:3] == ("04-01", "05-01")]) == 1 + again
    )
    assert all(one.agrees for one in await every_line(office))
    await check_books(office.store)
    async with office.store.read() as tx:
        assert set(await broken(tx)) == {"each payment in cash is a deed of somebody"}


async def test_a_title_on_a_void_invoice_is_watched_no_more(office: Office):
    """Given back, it ends, whatever of its window is left; one that is not paid never begins."""
    service = await free_of_charge(office)
    await bought(office, "ALIEN")
    await pay(office, "6.00", "R-alien")
    await bought(office, "FIGHT")
    assert list(await titles(office, service)) == [ALIEN]
    async with office.store.read() as tx:
        titled = select(invoice.c.number).where(invoice.c.total_minor > 0)
        numbers = [row.number for row in await tx.rows(titled)]
    assert len(numbers) == 2
    for number in numbers:
        await called_void(office, number)
    assert await titles(office, service) == {}
    office.now = LIVE_FROM
    await office.settle(*office.looks)
    assert await titles(office, service) == {}
    await check_books(office.store)


async def test_a_title_that_is_being_watched_goes_on_to_its_end(small_office: Office):
    """Nobody is cut off in the middle of what was sold to him."""
    office = small_office
    await office.publish(SHELF)
    await lit(office, MARCH)
    await bought(office, "ALIEN")
    await pay(office, "6.00", "R-alien")
    await office.settle(*office.looks)
    async with office.store.begin() as tx:
        await note_watched(tx, await tx.scalar(select(purchase.c.id)), office.now)
    await called_void(office, "INV-00000002")
    assert await titles(office, await service_of(office)) != {}
    await office.live(list(office.looks), on(date(2026, 3, 5)))
    assert await titles(office, await service_of(office)) == {}


async def bought(office: Office, *codes: str) -> None:
    """Sell titles and visits to the household."""
    for code in codes:
        sale = Order(offering=code, source="portal", ref=code)
        async with office.store.begin() as tx:
            await buy(office.desk, tx, "100001", sale, office.now)
    await office.settle(*office.looks)


@pytest.mark.parametrize("again", [True, False])
async def test_use_on_a_void_invoice_is_forgiven(office: Office, again: bool):
    """It is given back and never charged again; what comes late costs what goes beyond it."""
    await metered(office, "CLOUD")
    await tell(office, record("1", 12))
    await until(office, APRIL)
    assert await used(office) == [("Cloud: 12 hours", 20)]
    async with office.store.read() as tx:
        number = await tx.scalar(select(func.max(invoice.c.number)))
    await called_void(office, number, again=again)
    assert await credited(office) == [20]
    await until(office, datetime(2026, 5, 2, 9, tzinfo=UTC))
    assert await used(office) == [("Cloud: 12 hours", 20)]
    await tell(office, record("2", 4))
    await until(office, datetime(2026, 6, 2, 9, tzinfo=UTC))
    assert await used(office) == [("Cloud: 12 hours", 20), ("Cloud: 16 hours", 40)]
    assert await credited(office) == [20]
    assert all(one.agrees for one in await every_line(office))
    await check_books(office.store)
    async with office.store.read() as tx:
        assert await broken(tx) == {}


async def test_use_that_was_given_back_before_is_not_forgiven_twice(small_office: Office):
    """Of a void invoice whose use was charged anew elsewhere, that charge stands."""
    office = small_office
    await metered(office, "BULK")  # over ten it costs half: more use comes to less
    await tell(office, record("1", 10, "gigabytes"))
    await until(office, APRIL)
    async with office.store.read() as tx:
        number = await tx.scalar(select(func.max(invoice.c.number)))
    await tell(office, record("2", 2, "gigabytes"))
    await until(office, datetime(2026, 5, 2, 9, tzinfo=UTC))
    assert await used(office) == [("Bulk: 10 gigabytes", 1000), ("Bulk: 12 gigabytes", 600)]
    await called_void(office, number)
    await tell(office, record("3", 2, "gigabytes"))
    await until(office, datetime(2026, 6, 2, 9, tzinfo=UTC))
    assert await credited(office) == [1000]
    assert (await used(office))[2:] == [("Bulk: 14 gigabytes", 100)]
    await check_books(office.store)


async def owing(office: Office) -> tuple[str, int]:
    """Let a household pay a month and owe the next; returns that invoice's number and its sum."""
    office.now = on(MARCH)
    await office.join(method=None)
    await pay(office, "37.20", "R-1")
    await office.settle(*office.looks)
    await office.live(list(office.looks), on(date(2026, 4, 2)))
    ((number, owed),) = (await open_items(office.store)).items()
    return number, owed


@pytest.mark.parametrize("again", [False, True])
async def test_what_was_written_off_is_given_to_nobody(small_office: Office, *, again: bool):
    """Of a void invoice only what was paid stands to credit; charged again, all of it is owed."""
    office = small_office
    number, owed = await owing(office)
    await pay(office, "3.90", "R-2")
    await office.settle(*office.looks)
    async with office.store.begin() as tx:
        await write_off_invoice(office.desk, tx, number, office.now, reason="a mistake of ours")
    await office.settle(*office.looks)
    assert await open_items(office.store) == {}
    await called_void(office, number, again=again)
    async with office.store.read() as tx:
        told_void = (await invoices.view(tx, number)).voided
        found = await statements.statement(tx, next(iter(office.looks)), MARCH, date(2026, 5, 1))
    assert told_void
    (new,) = told_void.replaced_by if again else ("credit",)
    assert await open_items(office.store) == {new: owed - 390 if again else 390}
    assert found.closing.amount_minor == (owed - 390 if again else -390)
    assert ("write_off", "", "EUR") not in await balances(office.store)
    assert await seen(office, number) == ("void", "0.00 EUR")
    await check_books(office.store)
    async with office.store.read() as tx:
        assert set(await broken(tx)) == {"each payment in cash is a deed of somebody"}


async def given_up(office: Office) -> int:
    """Write off what a household owes; returns how much that was."""
    number, owed = await owing(office)
    async with office.store.begin() as tx:
        await write_off_invoice(office.desk, tx, number, office.now, reason="a mistake of ours")
    await office.settle(*office.looks)
    return owed


async def test_days_of_what_was_written_off_are_given_back_to_nobody(small_office: Office):
    """Who cancels in a month that was given up has no credit by it: less is given up instead."""
    office = small_office
    owed = await given_up(office)
    await rests(office, date(2026, 4, 6), date(2026, 4, 11))
    await goes_on(office, date(2026, 4, 11))
    back = sum(minor for *_, minor in await given_back(office))
    assert back > 0
    books = await balances(office.store)
    assert 0 < books["write_off", "", "EUR"] < owed
    assert "credit" not in await open_items(office.store)
    await check_books(office.store)


async def test_a_void_invoice_is_not_written_off(small_office: Office):
    """Called void and not yet settled, nothing of it can be given up any more, nor after that."""
    office = small_office
    number, _ = await owing(office)
    async with office.store.begin() as tx:
        await void(office.desk, tx, number, office.now, by="cli:olga")
        with pytest.raises(InvalidTransition, match="is void"):
            await write_off_invoice(office.desk, tx, number, office.now, reason="both")
    await office.settle(*office.looks)
    assert await open_items(office.store) == {}
    await check_books(office.store)


async def test_money_that_has_just_come_in_is_not_passed_over(small_office: Office):
    """What a household has paid, and nobody has settled yet, may be for what is to be given up."""
    office = small_office
    office.now = on(MARCH)
    await office.join(method=None)
    await pay(office, "10.00", "R-1")
    async with office.store.begin() as tx:
        with pytest.raises(InvalidTransition, match="has just come in"):
            await write_off_invoice(office.desk, tx, "INV-00000001", office.now, reason="gone")
