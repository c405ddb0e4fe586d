"""Shifts at tills: all cash is in a drawer, what differs is posted, what is closed stays."""

import asyncio
from datetime import date
from functools import partial
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError

from billing.cash.model import EntryKind, ShiftState
from billing.cash.store import drawer_entry, receipt, shift, shift_count
from billing.flows import shifts
from billing.flows.pay import CashTaken, take_cash
from billing.flows.receipts import hand_out
from billing.flows.refund import give_back
from billing.flows.shifts import Counting
from billing.payments.refunds import RefundWish
from runtime.store import Tx
from terms.errors import Duplicate, Forbidden, Invalid, InvalidTransition, NotFound
from terms.ids import AccountId
from terms.money import Money
from tests.fixtures.billing import ZONE, Office
from tests.flows.billing.books import balances, check_books
from tests.flows.billing.schema import tamper
from tests.flows.billing.test_verify import broken

CONTRACT = "100001"


def euros(amount: str) -> Money:
    """Read an amount."""
    return Money.parse(amount, "EUR")


async def unsound(tx: Tx) -> dict[str, Any]:
    """Ask every rule, but for who was at the desk: there is none here."""
    return {k: v for k, v in (await broken(tx)).items() if "is a deed of somebody" not in k}


async def pay(office: Office, amount: str, reference: str, by: str = "anna") -> CashTaken:
    """Take cash."""
    return await office.run(
        lambda tx: take_cash(
            office.desk,
            tx,
            CONTRACT,
            office.now,
            amount=euros(amount),
            reference=reference,
            by=by,
        )
    )


async def give(office: Office, charge: str, amount: str, reference: str, by: str = "anna") -> None:
    """Give cash back."""
    wish = RefundWish(charge=charge, amount=euros(amount), reason="a word", reference=reference)
    await office.run(lambda tx: give_back(office.desk, tx, CONTRACT, wish, office.now, by=by))


async def sit_down(office: Office, till: str = "main", by: str = "anna", *floats: Money) -> str:
    """Open a shift; returns its name."""

    async def story(tx):
        return await shifts.open_shift(office.desk, tx, till, floats, office.now, by=by)

    return (await office.run(story)).name


async def count(office: Office, name: str, *counts: str, by: str = "anna") -> Counting:
    """Count the drawer of a shift."""
    money = [euros(one) for one in counts]
    return await office.run(lambda tx: shifts.count(tx, name, money, office.now, by=by, zone=ZONE))


async def shop(office: Office) -> AccountId:
    """Set two tills up: at one a cashier alone may say 1.00, at the other nothing."""
    household = await office.join()
    async with office.store.begin() as tx:
        await shifts.set_up(tx, "main", "Front desk", 100, office.now)
        await shifts.set_up(tx, "side", "", 0, office.now)
    return household


async def test_a_day_at_a_till_ends_to_the_cent(office: Office):
    """Float, taken, given, to the safe: what is short is posted, receipts have no gap."""
    household = await shop(office)
    name = await sit_down(office, "main", "anna", euros("100.00"))
    assert name == "main-1"
    taken = await pay(office, "30.00", "R-1")
    again = await pay(office, "30.00", "R-1")
    assert taken.is_new
    assert not again.is_new
    assert again.receipt == taken.receipt
    await office.settle(household)
    await give(office, "R-1", "4.80", "B-1")
    await office.run(
        lambda tx: shifts.move(
            tx, EntryKind.PAID_OUT, euros("50.00"), office.now, by="anna", reason="to the safe"
        )
    )
    await office.run(
        lambda tx: shifts.move(
            tx, EntryKind.PAID_IN, euros("5.00"), office.now, by="anna", reason="change"
        )
    )
    done = await count(office, name, "79.50")
    assert done.shift.state is ShiftState.CLOSED
    (one,) = done.counted
    assert (one.expected, one.difference) == (euros("80.20"), euros("-0.70"))
    await office.settle(household)
    sums = await balances(office.store)
    assert sums["over_short", "main", "EUR"] == 70
    assert sums["clearing", "cash", "EUR"] == 3000 - 480 - 70
    await check_books(office.store)
    async with office.store.read() as tx:
        assert await unsound(tx) == {}
        rows = await tx.rows(select(receipt).order_by(receipt.c.sequence))
    assert [(row.number, row.kind, row.amount_minor, row.cashier) for row in rows] == [
        ("RCT-00000001", "payment", 3000, "anna"),
        ("RCT-00000002", "refund", 480, "anna"),
    ]
    assert rows[0].issued_on == date(2026, 3, 11)


async def test_without_a_shift_no_cash_is_taken_where_there_are_tills(office: Office):
    """Without tills everybody takes cash; with them who has a shift, and what came before stays."""
    await office.join()
    before = await pay(office, "1.00", "R-0", by="bert")
    assert before.receipt is not None
    assert before.receipt.shift == ""
    await office.run(lambda tx: shifts.set_up(tx, "main", "", 0, office.now))
    for by in ("", "bert"):
        with pytest.raises(InvalidTransition, match="no shift of yours is open"):
            await pay(office, "1.00", "R-1", by=by)
    with pytest.raises(InvalidTransition, match="no shift of yours is open"):
        await give(office, "R-0", "1.00", "B-1")
    await sit_down(office)
    assert (await pay(office, "1.00", "R-1")).is_new
    assert not (await pay(office, "1.00", "R-1", by="bert")).is_new  # it is taken already
    with pytest.raises(InvalidTransition, match="is not closed"):
        await office.run(lambda tx: shifts.retire(tx, "main"))
    await count(office, "main-1", "1.00")
    await office.run(lambda tx: shifts.retire(tx, "main"))
    with pytest.raises(InvalidTransition, match="retired"):
        await sit_down(office)
    assert (await pay(office, "1.00", "R-2", by="bert")).is_new
    async with office.store.read() as tx:
        numbers = [row.sequence for row in await tx.rows(select(receipt.c.sequence))]
        assert sorted(numbers) == [1, 2, 3]
        assert await unsound(tx) == {}


async def test_who_opens_at_once_has_one_shift_and_a_till_too(office: Office):
    """Of many at a till one sits down, and nobody at two; numbers of shifts have no gap."""
    await shop(office)
    wishes = [("main", "anna"), ("main", "bert"), ("side", "anna"), ("main", "anna")] * 3
    found = await asyncio.gather(
        *(sit_down(office, till, by) for till, by in wishes), return_exceptions=True
    )
    opened = [one for one in found if isinstance(one, str)]
    assert all(isinstance(one, str | Duplicate) for one in found)
    assert 1 <= len(opened) <= 2
    async with office.store.read() as tx:
        rows = await tx.rows(select(shift))
        assert await unsound(tx) == {}
    assert len({row.till for row in rows}) == len({row.cashier for row in rows}) == len(opened)
    with pytest.raises(NotFound):
        await sit_down(office, "nowhere")


async def test_a_large_difference_waits_for_a_second_person(office: Office):
    """Meanwhile no cash is taken; it is counted again, or closed by somebody else."""
    await shop(office)
    await sit_down(office, "main", "anna", euros("10.00"))
    with pytest.raises(Invalid, match="count the EUR"):
        await count(office, "main-1")
    assert (await count(office, "main-1", "8.99")).shift.state is ShiftState.COUNTED
    with pytest.raises(InvalidTransition, match="no shift of yours is open"):
        await pay(office, "1.00", "R-1")
    with pytest.raises(InvalidTransition, match="nothing to count"):
        await count(office, "main-1", "10.00")
    await office.run(lambda tx: shifts.recount(tx, "main-1"))
    await pay(office, "1.00", "R-1")
    await count(office, "main-1", "5.00", by="bert")
    for by in ("anna", "bert"):
        with pytest.raises(Forbidden, match="second person"):
            await approve(office, by)
    done = await approve(office, "carla")
    assert (done.shift.state, done.shift.closed_by) == (ShiftState.CLOSED, "carla")
    assert (await balances(office.store))["over_short", "main", "EUR"] == 600
    with pytest.raises(InvalidTransition, match="waits for nobody"):
        await approve(office, "carla")
    with pytest.raises(InvalidTransition):
        await office.run(lambda tx: shifts.recount(tx, "main-1"))
    async with office.store.read() as tx:
        assert await unsound(tx) == {}


async def approve(office: Office, by: str) -> Counting:
    """Close a shift as a second person."""
    return await office.run(lambda tx: shifts.approve(tx, "main-1", office.now, by=by, zone=ZONE))


async def test_no_more_goes_out_than_is_in_the_drawer(office: Office):
    """A drawer is never below nothing, in any currency."""
    await shop(office)
    await sit_down(office, "main", "anna", Money(500, "JPY"))
    await pay(office, "10.00", "R-1")

    async def out(amount: Money) -> None:
        await office.run(
            lambda tx: shifts.move(
                tx, EntryKind.PAID_OUT, amount, office.now, by="anna", reason="out"
            )
        )

    await out(Money(500, "JPY"))
    for amount in (Money(1, "JPY"), euros("10.01")):
        with pytest.raises(InvalidTransition, match="no more than"):
            await out(amount)
    await out(euros("9.00"))
    with pytest.raises(InvalidTransition, match=r"no more than 1\.00"):
        await give(office, "R-1", "10.00", "B-1")
    await give(office, "R-1", "1.00", "B-1")
    with pytest.raises(Invalid, match="more than nothing"):
        await out(euros("0.00"))
    with pytest.raises(Invalid, match="reason"):
        await office.run(
            lambda tx: shifts.move(
                tx, EntryKind.PAID_IN, euros("1.00"), office.now, by="anna", reason=" "
            )
        )


async def test_cash_and_closing_at_once_lose_nothing(office: Office):
    """What is taken while two close is in the drawer that was counted, or is refused."""
    await shop(office)
    await sit_down(office, "main", "anna", euros("10.00"))

    async def close() -> Counting:
        return await count(office, "main-1", "10.00")

    found = await asyncio.gather(
        *(pay(office, "1.00", f"R-{n}") for n in range(6)),
        close(),
        close(),
        *(pay(office, "1.00", f"R-{n}") for n in range(6, 12)),
        return_exceptions=True,
    )
    taken = [one for one in found if isinstance(one, CashTaken)]
    counts = [one for one in found if isinstance(one, Counting)]
    assert len(counts) == 1
    refused = [one for one in found if isinstance(one, BaseException)]
    assert all(isinstance(one, InvalidTransition) for one in refused)
    assert counts[0].counted[0].expected == euros("10.00") + euros("1.00") * len(taken)
    async with office.store.read() as tx:
        rows = await tx.rows(select(receipt.c.sequence))
        assert sorted(row.sequence for row in rows) == [*range(1, len(taken) + 1)]
        assert await unsound(tx) == {}


async def test_fifty_payments_of_one_reference_are_one(office: Office):
    """One payment, one receipt, one entry in the drawer."""
    await shop(office)
    await sit_down(office)
    found = await asyncio.gather(*(pay(office, "5.00", "R-1") for _ in range(50)))
    assert sum(one.is_new for one in found) == 1
    assert {one.receipt.number for one in found if one.receipt} == {"RCT-00000001"}
    with pytest.raises(Duplicate):
        await pay(office, "6.00", "R-1")
    async with office.store.read() as tx:
        assert len(await tx.rows(select(drawer_entry))) == 1
    assert (await count(office, "main-1", "5.00")).shift.state is ShiftState.CLOSED


async def test_a_closed_shift_never_changes(office: Office):
    """The database itself refuses it, and what somebody did past it is found."""
    await shop(office)
    name = await sit_down(office, "main", "anna", euros("10.00"))
    await pay(office, "1.00", "R-1")
    key = (await count(office, name, "11.00")).shift.id
    entry = {
        "shift_id": key,
        "n": 9,
        "kind": "paid_in",
        "amount_minor": 5,
        "currency": "EUR",
        "receipt_id": None,
        "reason": "late",
        "done_by": "x",
        "done_at": office.now,
    }
    counted = {"shift_id": key, "currency": "JPY", "expected_minor": 0, "counted_minor": 1}
    for deed in (
        lambda tx: tx.execute(update(shift).values(cashier="bert")),
        lambda tx: tx.execute(delete(shift)),
        lambda tx: tx.execute(update(shift_count).values(counted_minor=1)),
        lambda tx: tx.execute(delete(shift_count)),
        lambda tx: tx.insert(shift_count, [counted]),
        lambda tx: tx.insert(drawer_entry, [entry]),
    ):
        with pytest.raises(DBAPIError, match="a closed shift does not change"):
            await office.run(deed)
    await office.run(lambda tx: hand_out(tx, "RCT-00000001", office.now, by="anna"))
    for table in ("receipt", "receipt_print", "drawer_entry"):
        column = "n = 2" if table == "receipt_print" else "currency = 'JPY'"
        for change in (f"UPDATE {table} SET {column}", f"DELETE FROM {table}"):
            with pytest.raises(DBAPIError, match="only grows"):
                await office.run(partial(Tx.driver, sql=change))


BREACHES = (
    ("UPDATE receipt SET amount_minor = amount_minor + 1", "each receipt is cash"),
    ("UPDATE drawer_entry SET amount_minor = amount_minor + 1", "is in its drawer"),
    ("UPDATE shift SET entries = entries + 1", "as many entries as it counts"),
    ("UPDATE till SET shifts = 7", "as many entries as it counts"),
    ("UPDATE shift_count SET expected_minor = 1", "what was expected"),
    ("UPDATE shift_count SET counted_minor = 1", "over and short"),
    ("UPDATE receipt SET sequence = sequence + 7", "receipt numbers have no gap"),
)


async def test_what_breaks_the_cash_is_found(office: Office):
    """Each rule of cash finds what is done past the product."""
    await shop(office)
    await sit_down(office, "main", "anna", euros("10.00"))
    await pay(office, "1.00", "R-1")
    await count(office, "main-1", "10.50")

    for change, says in BREACHES:
        async with office.store.rehearse() as tx:
            await tamper(tx, change)
            found = await broken(tx)
        assert any(says in each for each in found), (change, list(found))
