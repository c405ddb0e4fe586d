"""Usage: each record counts once, totals are rated as a whole and billed when they are over."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from billing.catalog.model import OfferingKind
from billing.catalog.terms import Terms, When
from billing.catalog.usage_price import UsagePrice
from billing.flows.cancel import cancel
from billing.flows.change import Change, change
from billing.flows.publish import Publication
from billing.flows.usage import Taken, dismiss, take, take_waiting
from billing.invoicing.store import credit_line, invoice, invoice_line
from billing.reads import explaining
from billing.reads import usage as reads
from billing.subscriptions.model import Activation
from billing.usage.model import MICRO, NO_SERVICE, Record
from billing.usage.store import usage_record
from runtime.store import Store
from terms.errors import Invalid, NotFound
from terms.money import Money
from tests.fixtures.billing import START, ZONE, Office, household, make_office, offering, price
from tests.flows.billing.books import check_books, counting, everything
from tests.flows.billing.test_settle import pay
from tests.flows.billing.test_verify import broken

APRIL = datetime(2026, 4, 1, 9, tzinfo=UTC)
RECORDED = Terms(meter="hours")
SHELF = Publication(
    zone=ZONE,
    offerings=(
        replace(offering("CLOUD", OfferingKind.USAGE), terms=RECORDED),
        replace(offering("BULK", OfferingKind.USAGE), terms=Terms(meter="gigabytes")),
        replace(offering("COMMIT", OfferingKind.USAGE), terms=Terms(meter="minutes")),
    ),
    prices=(
        replace(price("CLOUD", "0.00"), usage=UsagePrice.parse("graduated 10=0 *=0.10")),
        replace(price("BULK", "0.00"), usage=UsagePrice.parse("volume 10=1.00 *=0.50")),
        replace(price("COMMIT", "9.30"), usage=UsagePrice.parse("graduated *=1.00")),
    ),
)


async def metered(office: Office, *addons: str, **changes: Any) -> None:
    """Sign a household up that is metered."""
    await office.publish(SHELF)
    await office.join(
        **{"plan": "FREE", "activation": Activation.OPEN, "addons": addons, **changes}
    )


def record(key: str, units: float | str, meter: str = "hours", **changes: Any) -> Record:
    """Make a record of household 100001, used when the office opens."""
    made = Record(
        source="rec",
        id=key,
        contract="100001",
        meter=meter,
        quantity_micro=round(float(units) * MICRO),
        used_at=START,
    )
    return replace(made, **changes)


async def tell(office: Office, *records: Record) -> Taken:
    """Tell records."""
    return await office.run(lambda tx: take(office.desk, tx, records, office.now))


async def until(office: Office, at: datetime) -> None:
    """Let time pass as the product would, settling whatever is scheduled."""
    await office.settle(*office.looks)
    await office.live(list(office.looks), at)


async def used(office: Office) -> list[tuple[str, int]]:
    """Return the lines of usage as they were billed."""
    c = invoice_line.c
    query = (
        select(c.label, c.amount_minor)
        .join_from(invoice_line, invoice, invoice.c.id == c.invoice_id)
        .where(c.kind == "usage")
        .order_by(invoice.c.sequence, c.n)
    )
    async with office.store.read() as tx:
        return [(row.label, row.amount_minor) for row in await tx.rows(query)]


async def credited(office: Office) -> list[int]:
    """Return what was given back, line by line."""
    async with office.store.read() as tx:
        rows = await tx.rows(select(credit_line.c.amount_minor).order_by(credit_line.c.note_id))
    return [row.amount_minor for row in rows]


async def test_a_period_is_billed_when_it_is_over(office: Office):
    """Twenty-five hours of which ten are free stand on the invoice of the next bill day, once."""
    await metered(office, "CLOUD", plan="BASIC")
    await pay(office, "25.20", "till-1")
    assert await tell(office, record("1", 20), record("2", 5)) == Taken(counted=2)
    await until(office, APRIL - timedelta(days=1))
    assert await used(office) == []
    await until(office, APRIL)
    assert await used(office) == [("Cloud: 25 hours", 150)]
    async with office.store.read() as tx:
        totals = [(one.sequence, one.net_minor) for one in await tx.rows(select(invoice))]
    assert sorted(totals) == [(1, 2100), (2, 3250)]
    await check_books(office.store)
    before = await everything(office.store)
    await office.settle(*office.looks)
    assert await everything(office.store) == before


async def test_a_record_counts_once(office: Office):
    """Told again, in the same batch or another one, a record changes nothing."""
    await metered(office, "CLOUD")
    await tell(office, record("1", 20))
    before = await everything(office.store, [usage_record])
    again = await tell(office, record("1", 20), record("1", 99), record("2", 1), record("2", 1))
    assert replace(again, contradictions=()) == Taken(counted=1, known=2, contradicting=1)
    (one,) = again.contradictions
    assert str(one).startswith("20 ")
    assert " is held, 99 " in str(one)
    other = record("2", 1, contract="nobody"), record("2", 3)
    assert (await tell(office, *other)).contradicting == len(other)
    assert len(await everything_of(office)) == 2
    assert before["usage_record"][0] in await everything_of(office)
    await until(office, APRIL)
    assert await used(office) == [("Cloud: 21 hours", 110)]


async def test_as_many_statements_for_one_record_as_for_very_many(office: Office):
    """Records of two hundred households, and the next ones, take the statements of a single one."""
    await office.publish(SHELF)
    wished = {"plan": "FREE", "activation": Activation.OPEN, "addons": ("CLOUD",)}
    contracts = [f"{n:06d}" for n in range(201)]
    await office.sign_up(*[household(contract, **wished) for contract in contracts])
    one, *many = [record(key, 20, contract=key) for key in contracts]
    async with office.store.read() as tx:
        await office.desk.shelf.newest(tx)
    for turn in "ab":
        counts = []
        for batch in ([one], many):
            told = [replace(each, id=f"{each.id}-{turn}") for each in batch]
            async with counting(office.store) as (tx, counted):
                taken = await take(office.desk, tx, told, office.now)
            assert taken == Taken(counted=len(batch))
            counts.append(counted.made)
        assert len(counts[0]) == len(counts[1]) <= 11, "\n".join(counts[1])


async def everything_of(office: Office) -> list[tuple[Any, ...]]:
    """Return every record."""
    return (await everything(office.store, [usage_record]))["usage_record"]


async def test_what_comes_late_costs_the_difference(office: Office):
    """After the period was billed, more usage is charged as the difference of the totals."""
    await metered(office, "CLOUD")
    await tell(office, record("1", 12))
    await until(office, APRIL)
    assert await used(office) == [("Cloud: 12 hours", 20)]
    await tell(office, record("2", 3), record("3", 1))
    await until(office, APRIL + timedelta(days=20))
    assert await used(office) == [("Cloud: 12 hours", 20)]
    await until(office, datetime(2026, 5, 1, 9, tzinfo=UTC))
    assert await used(office) == [("Cloud: 12 hours", 20), ("Cloud: 16 hours", 40)]
    await check_books(office.store)
    explained = await of_usage(office)
    assert [one.executed.amount_minor for one in explained] == [20, 40]
    for one in explained:
        assert one.agrees
        (source,) = [each for each in one.sources if each.kind == "usage"]
        assert "graduated 10=0 *=0.1" in source.detail


async def of_usage(office: Office) -> list[explaining.Explanation]:
    """Explain every line of usage."""
    c = invoice_line.c
    query = (
        select(invoice.c.number, c.n)
        .join_from(invoice_line, invoice, invoice.c.id == c.invoice_id)
        .where(c.kind == "usage")
        .order_by(invoice.c.sequence)
    )
    async with office.store.read() as tx:
        return [await explaining.line(tx, f"{row.number}.{row.n}") for row in await tx.rows(query)]


async def test_verify_sees_what_does_not_add_up(office: Office):
    """A total that is no sum of its records, and a charge that was billed and waits, are found."""
    await metered(office, "CLOUD")
    await tell(office, record("1", 12))
    await until(office, APRIL)
    await tell(office, record("2", 3))

    async def found() -> set[str]:
        async with office.store.read() as tx:
            return {one.says.partition(" is ")[0] for one in (await broken(tx)).values()}

    assert await found() == set()
    async with office.store.begin() as tx:
        await tx.driver("UPDATE usage_total SET events = events + 1")
    assert await found() == {"a usage total"}
    async with office.store.begin() as tx:
        await tx.driver("UPDATE pending_charge SET is_open = NOT is_open")
    assert await found() == {"a usage total", "a pending charge"}


async def test_where_more_costs_less_it_is_given_back(office: Office):
    """A volume that reaches a cheaper tier late is credited whole and charged anew."""
    await metered(office, "BULK")
    await tell(office, record("1", 10, "gigabytes"))
    await until(office, APRIL)
    await tell(office, record("2", 1, "gigabytes"))
    await until(office, datetime(2026, 5, 1, 9, tzinfo=UTC))
    assert await used(office) == [("Bulk: 10 gigabytes", 1000), ("Bulk: 11 gigabytes", 550)]
    assert await credited(office) == [1000]
    await check_books(office.store)


async def test_usage_below_what_is_free_is_on_no_invoice(office: Office):
    """What is used within the free units is counted and costs nothing."""
    await metered(office, "CLOUD")
    await tell(office, record("1", 10))
    await until(office, APRIL)
    assert await used(office) == []
    async with office.store.read() as tx:
        (one,) = await reads.of_contract(tx, "100001")
    assert (one.quantity, one.records, one.cost) == ("10", 1, Money(0, "EUR"))


async def test_a_commitment_is_charged_and_used_up_first(office: Office):
    """Of 21 days of 31 that 9.30 are committed for, 6.30 are used up before usage costs more."""
    await metered(office, "COMMIT")
    await tell(office, record("1", 6, "minutes"))
    async with office.store.read() as tx:
        (one,) = await reads.of_contract(tx, "100001")
    assert one.cost == Money(0, "EUR")
    await tell(office, record("2", 2, "minutes"))
    await until(office, APRIL)
    assert await used(office) == [("Commit: 8 minutes", 170)]


async def test_a_commitment_ends_with_its_subscription(office: Office):
    """Whoever ends in the middle has committed less, and what was used beyond that costs more."""
    await metered(office, "COMMIT")
    await tell(office, record("1", 6, "minutes"))
    office.now = datetime(2026, 3, 21, 9, tzinfo=UTC)
    wish = Change(remove=("COMMIT",), when=When.NOW)
    await office.run(lambda tx: change(office.desk, tx, "100001", wish, office.now))
    await until(office, APRIL)
    # Ten of 31 days of 9.30 are 3.00; six minutes cost 6.00.
    assert await used(office) == [("Commit: 6 minutes", 300)]
    await check_books(office.store)


async def test_what_nobody_has_waits_and_is_taken_by_itself(office: Office):
    """Records of an unknown contract wait, named with the reason, and count once it exists."""
    await office.publish(SHELF)
    waiting = record("1", 12, contract="100001"), record("2", 1, contract="nobody")
    assert await tell(office, *waiting) == Taken(waiting=2)
    async with office.store.read() as tx:
        found = await reads.waiting(tx)
    assert [(one.id, one.contract, one.reason) for one in found] == [
        ("1", "100001", NO_SERVICE),
        ("2", "nobody", NO_SERVICE),
    ]
    await metered(office, "CLOUD")
    async with office.store.read() as tx:
        (one,) = await reads.of_contract(tx, "100001")
        assert [each.id for each in await reads.waiting(tx)] == ["2"]
    assert one.quantity == "12"
    assert await tell(office, *waiting) == Taken(known=2)
    await office.run(lambda tx: dismiss(tx, "rec", "2"))
    with pytest.raises(NotFound):
        await office.run(lambda tx: dismiss(tx, "rec", "2"))
    assert await tell(office, *waiting) == Taken(known=2)


async def test_what_is_not_metered_waits_for_what_meters_it(office: Office):
    """A household without the offering has its usage kept until it buys that."""
    await metered(office)
    assert await tell(office, record("1", 12)) == Taken(waiting=1)
    assert await office.run(lambda tx: take_waiting(office.desk, tx, office.now)) == Taken(
        waiting=1
    )
    wish = Change(add=("CLOUD",))
    await office.run(lambda tx: change(office.desk, tx, "100001", wish, office.now))
    async with office.store.read() as tx:
        (one,) = await reads.of_contract(tx, "100001")
    assert one.quantity == "12"


async def test_usage_that_ends_with_a_contract_is_billed(office: Office):
    """Whoever leaves pays for what was used up to the end."""
    await metered(office, "CLOUD")
    await tell(office, record("1", 30))
    await office.run(lambda tx: cancel(office.desk, tx, "100001", When.NOW, office.now))
    await until(office, APRIL)
    assert await used(office) == [("Cloud: 30 hours", 200)]


async def test_two_who_tell_the_same_at_once_count_it_once(office: Office):
    """However many tell a batch at the same moment, its records count once."""
    await metered(office, "CLOUD")
    batch = [record(str(n), 1) for n in range(20)]
    taken = await asyncio.gather(*(tell(office, *batch) for _ in range(4)))
    assert sorted(one.counted for one in taken) == [0, 0, 0, 20]
    async with office.store.read() as tx:
        (one,) = await reads.of_contract(tx, "100001")
    assert (one.quantity, one.records) == ("20", 20)


PARTS = st.lists(st.integers(0, 12), min_size=1, max_size=6)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(before=PARTS, after=PARTS)
async def test_whatever_comes_late_the_bill_is_the_total(
    before: list[int], after: list[int], sqlite_store: Store, machine: Any
):
    """What is billed less what is given back is what all records together cost, early or late."""
    office = make_office(sqlite_store, machine, seed=len(office_names) + 100)
    await office.publish()
    await office.publish(SHELF)
    contract = f"c{len(office_names)}"
    office_names.append(contract)
    order = household(contract, plan="FREE", activation=Activation.OPEN, addons=("BULK",))
    (made,) = await office.sign_up(order)
    await office.settle(made.account)

    def told(units: list[int], word: str) -> list[Record]:
        return [
            record(f"{contract}{word}{n}", one, "gigabytes", contract=contract)
            for n, one in enumerate(units)
        ]

    await tell(office, *told(before, "a"))
    await until(office, APRIL)
    for one in told(after, "b"):
        await tell(office, one)
        office.forward(days=2)
        await until(office, office.now)
    await until(office, datetime(2026, 5, 2, 9, tzinfo=UTC))
    whole = sum(before) + sum(after)
    c = invoice_line.c
    async with office.store.read() as tx:
        lines = await tx.rows(
            select(c.invoice_id, c.n, c.amount_minor).where(
                c.kind == "usage", c.service_id == made.service
            )
        )
        gone = {
            (r.invoice_id, r.invoice_n): r.amount_minor for r in await tx.rows(select(credit_line))
        }
    paid = sum(r.amount_minor - gone.get((r.invoice_id, r.n), 0) for r in lines)
    assert paid == whole * (100 if whole <= 10 else 50)


office_names: list[str] = []


async def test_prices_say_what_usage_costs(small_office: Office):
    """A metered offering needs a price of usage and a meter; nothing else has them."""
    good = SHELF.offerings[0]
    for bad, field in (
        (replace(good, terms=Terms()), "offerings.CLOUD.meter"),
        (replace(offering("X", OfferingKind.ADDON, "x"), terms=RECORDED), "offerings.X.meter"),
    ):
        with pytest.raises(Invalid, match=field):
            await small_office.publish(Publication(zone=ZONE, offerings=(bad,)))
    for prices in (
        (price("CLOUD", "1.00"),),
        (replace(SHELF.prices[0], offering="BASIC", effective_from=APRIL.date()),),
    ):
        with pytest.raises(Invalid, match=r"prices\.\w+.*usage"):
            await small_office.publish(Publication(zone=ZONE, offerings=(good,), prices=prices))
