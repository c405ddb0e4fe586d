"""Money given back: once, never more than came, owed again or not as somebody says."""

import asyncio
import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from billing.flows import refunding
from billing.flows.calls import Recorded
from billing.flows.pay import take_cash
from billing.flows.refund import Refunding, give_back
from billing.payments.provider import Lost
from billing.payments.refunds import RefundState, RefundWish
from billing.payments.store import movement, payment_method, refund
from billing.reads.account import view
from runtime.log import log_entry
from terms.errors import Duplicate, Invalid, InvalidTransition, NotFound
from terms.money import Money
from tests.fixtures.billing import Office
from tests.fixtures.till import Till
from tests.flows.billing.books import balances, check_books, open_items
from tests.flows.billing.test_collect import FIRST

EUROS_10 = Money(1000, "EUR")


async def wish(office: Office, charge: str, reference: str, **more: object) -> Refunding:
    """Ask for a refund, and settle what follows of it at once."""
    asked = RefundWish(charge=charge, reference=reference, reason="a word", **more)  # type: ignore[arg-type]
    async with office.store.begin() as tx:
        return await give_back(office.desk, tx, "100001", asked, office.now, by="anna")


async def told_of(office: Office) -> list[int]:
    """List what others were told went back, in minor units, as it happened."""
    c = log_entry.c
    query = select(c.value).where(c.kind == "payment.reversed").order_by(c.position)
    async with office.store.read() as tx:
        return [json.loads(row.value)["amount_minor"] for row in await tx.rows(query)]


async def carry_out(till: Till) -> Recorded:
    """Carry out every refund that is marked, then settle its account."""
    office = till.office
    keys = await till.marked("refund")
    async with office.store.begin() as tx:
        orders = await refunding.prepare(office.desk, tx, keys)
    outcomes = [(one, await refunding.call(office.desk, one)) for one in orders]
    async with office.store.begin() as tx:
        recorded = await refunding.record(office.desk, tx, outcomes, office.now)
    await till.settle()
    return recorded


async def paid(till: Till) -> str:
    """Let the first invoice be paid by card; returns the charge."""
    await till.join()
    await till.collect()
    async with till.office.store.read() as tx:
        return str(await tx.scalar(select(movement.c.charge)))


async def states(till: Till) -> list[str]:
    """Tell how far every refund is."""
    async with till.office.store.read() as tx:
        return [row.state for row in await tx.rows(select(refund.c.state).order_by(refund.c.id))]


async def given(till: Till) -> list[int]:
    """Return what the provider really gave back."""
    return [one["amount"] for one in (await till.ask("refunds?limit=100"))["data"]]


async def test_a_refund_is_owed_again_but_for_what_a_credit_note_takes_off(till: Till):
    """10.00 back opens the invoice; 1.00 and 10.00 of its line back leave 10, 10 (KB-K01)."""
    charge = await paid(till)
    owed = []
    for n, more in enumerate(({}, {"line": "INV-00000001.1"}, {"line": "INV-00000001.1"})):
        amount = Money(100, "EUR") if n == 1 else Money(500, "EUR") if n else EUROS_10
        await wish(till.office, charge, f"R-{n}", amount=amount, **more)
        await carry_out(till)
        await till.hear_all("refund.created")
        owed.append((await open_items(till.office.store))["INV-00000001"])
        await check_books(till.office.store)
    assert owed == [1000, 1000, 1000]
    assert await given(till) == [600, 120, 1000]  # with the tax of 20 %
    assert await states(till) == ["done"] * 3
    assert (await balances(till.office.store))["clearing", "cards", "EUR"] == FIRST - 1720


async def test_a_refund_of_a_line_leaves_the_card_in_use(small_till: Till):
    """Whoever was given back what is not owed again goes on paying by card."""
    till = small_till
    charge = await paid(till)
    line = "INV-00000001.1"
    made = await wish(till.office, charge, "R-1", amount=Money(500, "EUR"), line=line)
    assert (made.amount, made.note) == (Money(600, "EUR"), "CRN-00000001")
    await carry_out(till)
    assert await open_items(till.office.store) == {}
    async with till.office.store.read() as tx:
        assert await tx.scalar(select(payment_method.c.stopped)) == ""
    await wish(till.office, charge, "R-2")
    await carry_out(till)
    assert await given(till) == [FIRST - 600, 600]
    async with till.office.store.read() as tx:
        assert await tx.scalar(select(payment_method.c.stopped)) == "money_went_back"


async def test_no_more_goes_back_than_is_left(small_till: Till):
    """What is on its way counts, whoever asks at once; a reference stands for one refund."""
    till, office = small_till, small_till.office
    charge = await paid(till)
    first = await wish(office, charge, "R-1", amount=Money(2000, "EUR"))
    again = await wish(office, charge, "R-1", amount=Money(2000, "EUR"))
    assert (again.id, again.is_new) == (first.id, False)
    for error, reference, more in (
        (Duplicate, "R-1", {"amount": Money(1, "EUR")}),
        (Invalid, "R-2", {"amount": Money(521, "EUR")}),
        (Invalid, "R-2", {"amount": Money(-1, "EUR")}),
        (Invalid, "R-2", {"amount": Money(1, "CZK")}),
        (Invalid, "R-2", {"line": "INV-00000001.1"}),
        (Invalid, "R-2", {"line": "INV-00000001.1", "amount": Money(1000, "EUR")}),
    ):
        with pytest.raises(error):
            await wish(office, charge, reference, **more)
    with pytest.raises(NotFound):
        await wish(office, "pi_nobody", "R-2")
    await till.join("100002")
    with pytest.raises(Invalid, match="another account"):
        await wish(office, charge, "R-2", line="INV-00000002.1", amount=Money(100, "EUR"))
    rest = await asyncio.gather(
        *(wish(office, charge, f"R-{n}") for n in range(2, 7)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in rest) == ["InvalidTransition"] * 4 + ["Refunding"]
    await carry_out(till)
    assert sorted(await given(till)) == [520, 2000]
    with pytest.raises(InvalidTransition):
        await wish(office, charge, "R-9")
    assert await open_items(office.store) == {"INV-00000001": FIRST, "INV-00000002": FIRST}
    await check_books(office.store)


@pytest.mark.parametrize("fault", ["lost", "error:500:applied=yes", "reset"])
async def test_a_lost_answer_gives_back_once(till: Till, fault: str):
    """However the answer breaks it is looked up, also after the provider forgot the key."""
    charge = await paid(till)
    await wish(till.office, charge, "R-1", amount=EUROS_10)
    await till.faults(f"{fault}:match=POST refunds:count=1")
    recorded = await carry_out(till)
    assert list(recorded.again.values()) == [timedelta(minutes=5)]
    assert await states(till) == ["unknown"]
    await till.faults("skew:25h")
    for _ in range(3):
        await carry_out(till)
    assert await states(till) == ["done"]
    assert await given(till) == [1000]
    await till.hear_all("refund.created")
    assert await open_items(till.office.store) == {"INV-00000001": 1000}
    await check_books(till.office.store)


async def test_what_is_never_known_is_shown_and_stays(small_till: Till):
    """A provider that never answers is asked seven times, then a person looks."""
    till, office = small_till, small_till.office
    made = await wish(office, await paid(till), "R-1", amount=EUROS_10)
    recorded = Recorded(again={}, stuck={})
    for _ in range(8):
        async with office.store.begin() as tx:
            orders = await refunding.prepare(office.desk, tx, [made.id])
            outcomes = [(one, Lost(reason="no answer")) for one in orders]
            recorded = await refunding.record(office.desk, tx, outcomes, office.now)
    assert "needs a look" in recorded.stuck[made.id]
    assert await states(till) == [RefundState.UNKNOWN]
    assert await given(till) == []


@pytest.mark.parametrize("is_heard_first", [False, True])
async def test_a_refund_that_does_not_arrive_is_money_again(till: Till, is_heard_first: bool):
    """A closed card sends it back: the invoice is paid as before, whichever is heard first."""
    charge = await paid(till)
    await wish(till.office, charge, "R-1", amount=EUROS_10)
    if is_heard_first:
        await till.faults("lost:match=POST refunds:count=1")
        await carry_out(till)
    else:
        await carry_out(till)
        assert await open_items(till.office.store) == {"INV-00000001": 1000}
    (made,) = (await till.ask("refunds"))["data"]
    await till.simulator.aadmin("/tamper", {"op": "fail_refund", "refund": made["id"]})
    await till.hear_all("refund.failed")
    assert await states(till) == (["unknown"] if is_heard_first else ["bounced"])
    if is_heard_first:
        await carry_out(till)
    assert await open_items(till.office.store) == {}
    assert await states(till) == (["refused"] if is_heard_first else ["bounced"])
    assert (await balances(till.office.store))["clearing", "cards", "EUR"] == FIRST
    await till.hear_all("refund.created", "refund.updated", "refund.failed")
    assert await open_items(till.office.store) == {}
    again = await wish(till.office, charge, "R-2")
    assert again.amount == Money(FIRST, "EUR")
    await check_books(till.office.store)


async def test_what_the_provider_refuses_is_shown(small_till: Till):
    """Money that a bank has taken back is not given back too: the refund is refused."""
    till, office = small_till, small_till.office
    charge = await paid(till)
    await till.simulator.aadmin("/tamper", {"op": "dispute", "payment_intent": charge})
    made = await wish(office, charge, "R-1", amount=EUROS_10)
    recorded = await carry_out(till)
    assert recorded.stuck[made.id] == "the provider refuses it: charge_disputed"
    assert await states(till) == ["refused"]
    assert await open_items(office.store) == {}


async def test_cash_is_handed_back_at_once(office: Office):
    """Who hands cash back says so: it is booked as it is said, up to what was taken."""
    account = await office.join(method=None)
    async with office.store.begin() as tx:
        amount = Money(FIRST, "EUR")
        await take_cash(office.desk, tx, "100001", office.now, amount=amount, reference="C-1")
    await office.settle(account)
    for n, part in enumerate((500, 700)):
        made = await wish(office, "C-1", f"R-{n}", amount=Money(part, "EUR"))
        assert made.state is RefundState.DONE
        await office.settle(account)
    assert await open_items(office.store) == {"INV-00000001": 1200}
    assert (await balances(office.store))["clearing", "cash", "EUR"] == FIRST - 1200
    async with office.store.read() as tx:
        moved = [one.amount.amount_minor for one in (await view(tx, "100001")).payments]
    assert sorted(moved) == [-700, -500, FIRST]  # each what it was, not the sum so far
    assert await told_of(office) == [500, 700]
    with pytest.raises(Invalid):
        await wish(office, "C-1", "R-3", amount=Money(FIRST - 1199, "EUR"))
    long = "R" * 95  # alike but for their end: each has a credit note of its own
    parts = {"amount": Money(100, "EUR"), "line": "INV-00000001.1"}
    notes = {(await wish(office, "C-1", f"{long}{n}", **parts)).note for n in range(2)}
    assert notes == {"CRN-00000001", "CRN-00000002"}
    await office.settle(account)
    await check_books(office.store)
