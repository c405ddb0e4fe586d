"""Vouchers: money once, however many bring a card; told apart for staff; the books agree."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from billing.flows import vouchers
from billing.flows.refund import give_back
from billing.payments.refunds import RefundWish
from billing.payments.store import movement
from billing.reads import vouchers as reading
from billing.vouchers import code as codes
from billing.vouchers.model import ALLOWED, Batch, BatchState, step
from billing.vouchers.store import voucher, voucher_batch, voucher_key
from runtime.chance import SystemChance
from runtime.secrets import Sealer
from runtime.store import metadata
from terms.errors import Duplicate, Invalid, InvalidTransition, NotFound
from terms.money import Money, Rate
from tests.fixtures.billing import Office, household
from tests.fixtures.vouchers import ORDER, made, redeem
from tests.flows.billing.books import balances, check_books, everything, open_items
from tests.flows.billing.schema import tamper
from tests.flows.billing.test_verify import broken


async def check(office: Office) -> None:
    """Check that the books agree and no rule of them is broken."""
    await check_books(office.store)
    async with office.store.read() as tx:
        assert await broken(tx) == {}


async def count(office: Office, table) -> int:
    """Count the rows of a table."""
    async with office.store.read() as tx:
        return int(await tx.scalar(select(func.count()).select_from(table)))


async def told(office: Office, code: str, contract: str = "100001") -> str:
    """Redeem a code and tell what came of it."""
    try:
        done = await redeem(office, code, contract)
    except Invalid as error:
        return error.reason
    return "new" if done.is_new else "had"


async def test_a_voucher_pays_the_oldest_debt_and_the_rest_is_credit(office: Office):
    """21.00 are owed and two cards of 20.00 pay them; 19.00 are left for what comes."""
    batch = await made(office)
    account = await office.join()
    await redeem(office, batch.codes[0])
    await office.settle(account)
    assert await open_items(office.store) == {"INV-00000001": 520}
    done = await redeem(office, batch.codes[1])
    assert (done.serial, done.value, done.is_new) == ("SPRING/2", Money(2_000, "EUR"), True)
    await office.settle(account)
    assert await open_items(office.store) == {"credit": 1480}
    sums = await balances(office.store)
    assert sums["vouchers", "SPRING", "EUR"] == 4_000
    assert sums["credit", account, "EUR"] == -1480
    await check(office)


async def test_fifty_at_once_redeem_a_card_once(office: Office):
    """Fifty households bring the same card at the same moment: one has its money."""
    batch = await made(office)
    contracts = [f"2{n:05}" for n in range(50)]
    signed = await office.sign_up(*(household(contract) for contract in contracts))
    found = await asyncio.gather(*(told(office, batch.codes[0], one) for one in contracts))
    assert found.count("new") == 1
    assert sum("it was redeemed on" in one for one in found) == 49
    assert await count(office, movement) == 1
    await office.settle(*(one.account for one in signed))
    assert (await balances(office.store))["vouchers", "SPRING", "EUR"] == 2_000
    await check(office)


async def test_one_household_that_brings_a_card_fifty_times_has_it_once(office: Office):
    """Sent again, or fifty times at once, it changes nothing more."""
    batch = await made(office)
    account = await office.join()
    found = await asyncio.gather(*(told(office, batch.codes[0]) for _ in range(50)))
    assert sorted(found) == ["had"] * 49 + ["new"]
    await office.settle(account)
    before = await everything(office.store)
    assert await told(office, batch.codes[0]) == "had"
    await office.settle(account)
    assert await everything(office.store) == before
    await check(office)


async def test_a_batch_that_is_stopped_meanwhile_counts_what_was_redeemed(office: Office):
    """Redeemed by many while a person stops it: what was redeemed stays, the others are void."""
    batch = await made(office, count=20)
    contracts = [f"2{n:05}" for n in range(20)]
    signed = await office.sign_up(*(household(contract) for contract in contracts))
    pairs = zip(batch.codes, contracts, strict=True)
    *found, _ = await asyncio.gather(
        *(told(office, code, contract) for code, contract in pairs),
        office.run(lambda tx: vouchers.stop(tx, "SPRING", office.now)),
    )
    assert set(found) <= {"new", "it is void: batch SPRING was stopped"}
    async with office.store.read() as tx:
        after = await reading.one(tx, "SPRING")
    assert (after.redeemed, after.void) == (found.count("new"), 20 - found.count("new"))
    await office.settle(*(one.account for one in signed))
    await check(office)


async def test_staff_is_told_why_a_card_is_refused(office: Office):
    """Unknown, not active, void, expired, used, of another currency: each by its reason."""
    asleep = await made(office, activate=False, name="ASLEEP")
    live = await made(office)
    yen = await made(office, name="YEN", value=Money(3_000, "JPY"))
    await office.join()
    await office.join("100002")
    unknown = codes.make("KX", 7)
    assert await told(office, unknown) == "there is no such voucher"
    assert await told(office, asleep.codes[0]) == "batch ASLEEP is not active yet"
    assert await told(office, yen.codes[0]) == (
        "it is worth 3,000 JPY, and the account is kept in EUR"
    )
    assert await told(office, live.codes[0], "100002") == "new"
    assert await told(office, live.codes[0]) == "it was redeemed on 2026-03-11 for account 100002"
    office.now = office.now.replace(month=12, day=31)
    assert await told(office, live.codes[1]) == "new"
    office.now += timedelta(days=1)
    assert await told(office, live.codes[2]) == "it has expired: it was valid until 2026-12-31"
    await office.run(lambda tx: vouchers.stop(tx, "ASLEEP", office.now))
    assert await told(office, asleep.codes[1]) == "it is void: batch ASLEEP was stopped"
    with pytest.raises(NotFound):
        await redeem(office, live.codes[2], "999999")
    assert await count(office, movement) == 2


async def test_a_card_in_yen_pays_an_account_in_yen(small_office: Office):
    """3000 JPY of 3100 for March: what is left is owed in yen."""
    office = small_office
    batch = await made(office, value=Money(3_000, "JPY"))
    account = await office.join(currency="JPY")
    before = sum((await open_items(office.store)).values())
    assert await told(office, batch.codes[0]) == "new"
    await office.settle(account)
    assert sum((await open_items(office.store)).values()) == abs(before - 3_000)
    await check(office)


async def test_a_voucher_is_not_paid_out(small_office: Office):
    """Whoever redeems a card has credit: nobody turns cards into cash."""
    office = small_office
    batch = await made(office)
    await office.settle(await office.join())
    done = await redeem(office, batch.codes[0])
    wish = RefundWish(charge=done.serial, reason="asks for cash", reference="R-1")
    with pytest.raises(InvalidTransition, match="stays as credit"):
        await office.run(
            lambda tx: give_back(office.desk, tx, "100001", wish, office.now, by="ann")
        )


async def test_no_code_stands_in_any_table(office: Office):
    """Made, activated and redeemed, a code is in no column of any table, nor in what is shown."""
    batch = await made(office)
    account = await office.join()
    await redeem(office, batch.codes[0])
    await office.settle(account)
    kept = repr(await everything(office.store, tuple(metadata.sorted_tables))) + repr(batch)
    assert "SPRING" in kept
    for code in batch.codes:
        for part in (code, codes.shown(code), code[2:], code.lower()):
            assert part not in kept


async def test_a_new_master_key_changes_no_card(office: Office):
    """Sealed anew by another master key, and the former one gone, every card is known."""
    batch = await made(office)
    await office.join()
    new = bytes(range(1, 33))
    async with office.store.begin() as tx:
        assert await vouchers.seal_anew(tx, Sealer([new, bytes(range(32))])) == 1
    async with office.store.begin() as tx:
        done = await vouchers.redeem(
            office.desk,
            tx,
            Sealer([new]),
            contract="100001",
            code=batch.codes[0],
            now=office.now,
        )
    assert done.is_new
    # Where the key is lost for good, the cards are unknown, and a new batch has a key of its own.
    lost = Sealer([bytes(32)])
    with pytest.raises(Invalid, match="no such voucher"):
        async with office.store.begin() as tx:
            await vouchers.redeem(
                office.desk, tx, lost, contract="100001", code=batch.codes[1], now=office.now
            )
    order = replace(ORDER, name="AGAIN")
    async with office.store.begin() as tx:
        await vouchers.make(office.desk, tx, lost, order, now=office.now, today=office.now.date())
    assert await count(office, voucher_key) == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"value": Money(0, "EUR")}, "value"),
        ({"value": Money(-2_000, "EUR")}, "value"),
        ({"value": Money(10**15, "EUR")}, "value"),
        ({"count": 0}, "count"),
        ({"count": -1}, "count"),
        ({"count": 10_001}, "count"),
        ({"valid_until": date(2026, 3, 10)}, "valid_until"),
        ({"valid_until": date(9999, 1, 1)}, "valid_until"),
        ({"dealer": " "}, "dealer"),
        ({"dealer": "a\nb"}, "dealer"),
        ({"dealer": "x" * 81}, "dealer"),
        ({"margin": Rate(1_000_001)}, "margin"),
        ({"prefix": "O0"}, "prefix"),
        ({"name": "a/b"}, "name"),
        ({"name": "x" * 41}, "name"),
    ],
)
async def test_an_order_that_is_none_is_refused_by_its_field(small_office: Office, changes, field):
    """Nothing is made of it."""
    with pytest.raises(Invalid) as refused:
        await made(small_office, **changes)
    assert refused.value.field == field
    assert await count(small_office, voucher_batch) == await count(small_office, voucher) == 0


async def test_a_name_is_taken_once(office: Office):
    """A second batch of the same name is refused and changes nothing."""
    await made(office)
    with pytest.raises(Duplicate):
        await made(office, count=5)
    assert await count(office, voucher) == 3


@pytest.mark.parametrize("state", BatchState)
@pytest.mark.parametrize("to", BatchState)
def test_each_step_of_a_batch_is_in_the_table_or_refused(state, to):
    """A batch is made, activated, stopped; nothing leads back."""
    if to in ALLOWED[state]:
        assert step(state, to) is to
    else:
        with pytest.raises(InvalidTransition):
            step(state, to)


async def test_an_activated_batch_is_not_activated_again(office: Office):
    """Two who activate it at once: one does."""
    await made(office, activate=False)

    async def one() -> str:
        try:
            after = await office.run(lambda tx: vouchers.activate(tx, "SPRING", office.now))
        except InvalidTransition:
            return "refused"
        return str(after.state)

    assert sorted(await asyncio.gather(*(one() for _ in range(8)))) == ["active"] + ["refused"] * 7


async def test_a_dealer_owes_what_was_redeemed_less_its_margin(office: Office):
    """Of two cards of 20.00 at 7.5 % the dealer owes 37.00; nothing of those nobody redeemed."""
    batch = await made(office)
    await made(office, name="OTHER", dealer="Mall", margin=Rate(0), value=Money(500, "EUR"))
    await made(office, name="ASLEEP", activate=False)
    await office.join()
    for code in batch.codes[:2]:
        await redeem(office, code)
    async with office.store.read() as tx:
        kiosk, mall = await reading.dealers(tx)
    assert (kiosk.dealer, kiosk.batches, kiosk.made, kiosk.activated) == ("Kiosk", 2, 6, 3)
    assert (kiosk.redeemed, kiosk.void) == (2, 0)
    assert [str(one) for one in (kiosk.sold, kiosk.earned, kiosk.owed)] == [
        "40.00 EUR",
        "3.00 EUR",
        "37.00 EUR",
    ]
    assert (mall.redeemed, str(mall.owed)) == (0, "0.00 EUR")


@given(
    value=st.integers(1, 10**9),
    ppm=st.integers(0, 1_000_000),
    count=st.integers(1, 10_000),
    share=st.floats(0, 1),
)
def test_nothing_is_gained_by_rounding_a_margin(value, ppm, count, share):
    """Margin and debt are the sum to the cent, and never more than half a cent off what is due."""
    batch = Batch(
        name="B",
        prefix="",
        value=Money(value, "EUR"),
        count=count,
        valid_until=date(2026, 12, 31),
        dealer="D",
        margin=Rate(ppm),
        state=BatchState.ACTIVE,
        made_at=None,  # type: ignore[arg-type]
        redeemed=int(count * share),
    )
    assert batch.earned + batch.owed == batch.sold
    assert 0 <= batch.earned.amount_minor <= batch.sold.amount_minor
    assert abs(2 * batch.earned.amount_minor * 10**6 - 2 * batch.sold.amount_minor * ppm) <= 10**6


async def turn(office: Office, deed: str, name: str) -> None:
    """Activate a batch, or stop it."""
    act = vouchers.activate if deed == "activate" else vouchers.stop
    async with office.store.begin() as tx:
        await act(tx, name, office.now)


STEPS = st.lists(
    st.tuples(st.sampled_from(["redeem", "activate", "stop", "settle"]), st.integers(0, 5)),
    max_size=14,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_any_order_of_deeds_ends_in_sound_books(small_office: Office, steps):
    """Whatever is done in whatever order, a card is money once at most and the books agree."""
    office = small_office
    name = f"B{await count(office, voucher_batch)}"
    office.desk = replace(office.desk, chance=SystemChance())
    batch = await made(office, activate=False, name=name, count=2)
    first = (await count(office, voucher_batch)) * 10 + 300_000
    signed = await office.sign_up(*(household(str(first + n)) for n in range(3)))
    new = 0
    for deed, n in steps:
        if deed == "redeem":
            new += await told(office, batch.codes[n % 2], str(first + n % 3)) == "new"
        elif deed == "settle":
            await office.settle(*(one.account for one in signed))
        else:
            with suppress(InvalidTransition):
                await turn(office, deed, name)
    async with office.store.read() as tx:
        assert (await reading.one(tx, name)).redeemed == new <= 2
    await office.settle(*(one.account for one in signed))
    await check(office)


BREACHES = {
    "UPDATE voucher_batch SET redeemed = 2": "counts those that are redeemed",
    "DELETE FROM voucher WHERE n = 3": "each batch has its vouchers",
    "DELETE FROM movement WHERE provider = 'voucher'": "is money of its account",
    "UPDATE movement SET amount_minor = 1 WHERE provider = 'voucher'": "is money of its account",
    "UPDATE voucher SET account_id = NULL, redeemed_at = NULL": "none is of another",
    "UPDATE entry SET party = 'ELSE' WHERE book = 'vouchers'": "on the book of a batch",
}


async def test_what_breaks_the_vouchers_is_named(office: Office):
    """Whatever is done to their tables past the product, verify names it."""
    batch = await made(office)
    account = await office.join()
    await redeem(office, batch.codes[0])
    await office.settle(account)
    await check(office)
    for change, says in BREACHES.items():
        async with office.store.rehearse() as tx:
            await tamper(tx, change)
            found = await broken(tx)
        assert any(says in one for one in found), (change, list(found))
