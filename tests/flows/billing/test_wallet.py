"""Wallets: money that waits pays by itself, is told of when it is low, and goes back when asked."""

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from billing.cash.store import receipt
from billing.dunning.model import Action, Ladder, Step
from billing.dunning.segment import USUAL, Segment, Segments
from billing.flows import house, top_up
from billing.flows.refund import Refunding
from billing.flows.segment import put_in
from billing.flows.top_up import PayOut, pay_out
from billing.payments.model import REFERRAL
from billing.payments.wallet import WalletRules
from runtime.log import log_entry
from terms.entitlement import ServiceState
from terms.errors import Duplicate, Invalid, InvalidTransition, NotFound
from terms.ids import AccountId
from terms.money import Money
from terms.notice import Notice
from tests.fixtures.billing import PUBLICATION, Office
from tests.flows.billing.books import balances, check_books, open_items, rights
from tests.flows.billing.test_settle import pay, service_of

CONTRACT = "100001"
RULES = WalletRules(
    currency="EUR",
    low_minor=500,
    renewal_days=3,
    top_up_min_minor=1000,
    top_up_max_minor=50_000,
)
AT_ONCE = Ladder((Step(after_days=0, action=Action.SUSPEND),))
PREPAID = replace(
    PUBLICATION,
    segments=Segments({USUAL: Segment(), "prepaid": Segment(ladder=AT_ONCE, wallet=RULES)}),
)
MONTH = 3720  # 31.00 and the tax of 20 %


async def prepaid(office: Office, amount: str) -> AccountId:
    """Let a household of the prepaid segment join and pay so much."""
    await office.publish(PREPAID)
    account = await office.join(method=None)
    await office.run(lambda tx: put_in(office.desk, tx, CONTRACT, "prepaid"))
    await pay(office, amount, "first")
    await office.settle(account)
    return account


async def told(office: Office) -> list[tuple[str, str]]:
    """Return the notices of wallets in their order: what kind, and the balance they name."""
    query = select(log_entry.c.value).where(log_entry.c.kind == "notice")
    async with office.store.read() as tx:
        rows = await tx.rows(query.order_by(log_entry.c.position))
    found = [Notice.decode(row.value) for row in rows]
    return [(one.kind, one.params["amount"]) for one in found if one.kind.startswith("wallet")]


async def credit(office: Office) -> int:
    """Return what is unused."""
    return (await open_items(office.store)).get("credit", 0)


async def out(office: Office, amount: str, reference: str) -> list[Refunding]:
    """Pay out of the wallet; all where no amount is said."""
    money = Money.parse(amount, "EUR") if amount else None
    wish = PayOut(amount=money, reason="asked for", reference=reference)
    return await office.run(
        lambda tx: pay_out(office.desk, tx, CONTRACT, wish, office.now, by="anna")
    )


async def test_a_fall_is_told_once(office: Office):
    """Below 5.00 it is told once, however often it is looked at; after money came, anew."""
    account = await prepaid(office, "31.20")  # 25.20 for March, 6.00 are left
    assert (await credit(office), await told(office)) == (600, [])
    await out(office, "1.50", "B-1")
    for _ in range(3):
        await office.settle(account)
    assert await told(office) == [("wallet_low", "4.50 EUR")]
    await pay(office, "0.50", "second")
    await office.settle(account)
    office.forward(days=1)
    await out(office, "0.01", "B-2")
    await office.settle(account)
    assert [amount for _, amount in await told(office)] == ["4.50 EUR", "4.99 EUR"]


async def test_who_puts_in_too_little_is_told_once(office: Office):
    """Nothing is left of the first payment: nobody is told; 3.00 more are too little, once."""
    account = await prepaid(office, "25.20")
    assert (await credit(office), await told(office)) == (0, [])
    await pay(office, "3.00", "little")
    for _ in range(2):
        await office.settle(account)
    await pay(office, "1.00", "more")
    await office.settle(account)
    assert await told(office) == [("wallet_low", "3.00 EUR")]
    await pay(office, "6.00", "enough")
    await office.settle(account)
    office.forward(days=1)
    await out(office, "7.00", "B-1")
    await office.settle(account)
    assert [amount for _, amount in await told(office)] == ["3.00 EUR", "3.00 EUR"]


async def test_before_a_renewal_it_is_told_what_is_missing(office: Office):
    """Three days ahead: 10.00 are there of 37.20, it is told; whoever has enough hears nothing."""
    account = await prepaid(office, "35.20")
    await office.live([account], datetime(2026, 3, 28, 20, tzinfo=UTC))
    assert await told(office) == []
    await office.live([account], datetime(2026, 3, 29, 20, tzinfo=UTC))
    assert await told(office) == [("wallet_renewal", "10.00 EUR")]
    async with office.store.read() as tx:
        query = select(log_entry.c.value).where(log_entry.c.kind == "notice")
        rows = await tx.rows(query.order_by(log_entry.c.position.desc()))
    params = Notice.decode(rows[0].value).params
    assert (params["needed"], params["missing"]) == ("37.20 EUR", "27.20 EUR")
    assert params["due_on"] == "2026-04-01"
    await pay(office, "64.40", "more")
    await office.settle(account)
    # April is paid by itself, and May is covered: nobody is told.
    await office.live([account], datetime(2026, 4, 29, 20, tzinfo=UTC))
    assert len(await told(office)) == 1
    assert await credit(office) == MONTH
    await check_books(office.store)


async def test_what_is_not_covered_follows_the_ladder_of_the_segment(office: Office):
    """A prepaid household goes dark on the day of the renewal it cannot pay, until it does."""
    account = await prepaid(office, "35.20")
    service = await service_of(office)
    await office.live([account], datetime(2026, 3, 31, 12, tzinfo=UTC))
    assert (await rights(office.store, service)).state is ServiceState.ACTIVE
    await office.live([account], datetime(2026, 4, 2, 12, tzinfo=UTC))
    assert (await rights(office.store, service)).state is ServiceState.SUSPENDED
    assert sum((await open_items(office.store)).values()) == MONTH - 1000
    await pay(office, "30.00", "again")
    await office.settle(account)
    assert (await rights(office.store, service)).state is ServiceState.ACTIVE
    assert await credit(office) == 280


async def test_where_nobody_asks_nothing_is_remembered(office: Office):
    """Without rules a wallet is never looked at: no perk is kept and nobody is told."""
    account = await office.join(method=None)
    await pay(office, "100.00", "R-1")
    await office.settle(account)
    await out(office, "74.00", "B-1")
    await office.settle(account)
    assert await told(office) == []


async def test_topping_up_pays_the_oldest_debt_first(office: Office):
    """What is put in pays what is owed; only the rest waits. Bounds hold by the page's amount."""
    account = await prepaid(office, "0.20")
    await pay(office, "100.00", "R-1")
    await office.settle(account)
    assert await open_items(office.store) == {"credit": 7500}
    async with office.store.read() as tx:
        for minor in (999, 50_001, 0, -5):
            with pytest.raises(Invalid, match="amount"):
                await top_up.page_order(office.desk, tx, CONTRACT, Money(minor, "EUR"))
        with pytest.raises(Invalid, match="kept in EUR"):
            await top_up.page_order(office.desk, tx, CONTRACT, Money(5000, "JPY"))
        with pytest.raises(NotFound, match="no payment provider"):
            await top_up.page_order(office.desk, tx, CONTRACT, Money(5000, "EUR"))


async def test_fifty_payments_into_a_wallet_of_one_reference_are_one(office: Office):
    """Fifty at once put the money in once, with one receipt."""
    account = await prepaid(office, "25.20")
    new = await asyncio.gather(*(pay(office, "20.00", "top-up") for _ in range(50)))
    await office.settle(account)
    assert sum(new) == 1
    assert await credit(office) == 2000
    async with office.store.read() as tx:
        assert len(await tx.rows(select(receipt))) == 2


async def test_no_more_goes_out_than_is_unused(office: Office):
    """Out of several payments, once for each reference; what we gave ourselves stays."""
    account = await prepaid(office, "30.20")  # 5.00 are left
    await pay(office, "10.00", "R-2")
    gift = Money(700, "EUR")
    await office.run(
        lambda tx: house.give(
            office.desk, tx, account, gift, office.now, provider=REFERRAL, ref="G-1"
        )
    )
    await office.settle(account)
    assert await credit(office) == 2200
    with pytest.raises(Invalid, match=r"no more than 15\.00"):
        await out(office, "15.01", "B-1")
    found = await asyncio.gather(*(out(office, "12.00", "B-1") for _ in range(8)))
    assert sum(one.is_new for each in found for one in each) == len(found[0]) == 2
    with pytest.raises(Duplicate):
        await out(office, "11.00", "B-1")
    await office.settle(account)
    assert await credit(office) == 1000
    rest = await asyncio.gather(
        *(out(office, "2.00", f"C-{n}") for n in range(4)), return_exceptions=True
    )
    assert sum(isinstance(one, Invalid | InvalidTransition) for one in rest) == 3
    await out(office, "", "D-1")
    await office.settle(account)
    assert await open_items(office.store) == {"credit": 700}
    with pytest.raises(InvalidTransition, match="nothing is in the wallet"):
        await out(office, "", "D-2")
    await check_books(office.store)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_no_life_makes_a_wallet_less_than_nothing(office: Office, seed: int):
    """Whatever is paid in and out while months pass: in less out is what was charged and waits."""
    dice = random.Random(seed)
    account = await prepaid(office, "40.00")
    paid_in = 4000
    for n in range(12):
        office.forward(days=dice.randint(1, 20))
        if dice.randrange(2):
            minor = dice.randint(1, 9000)
            await pay(office, Money(minor, "EUR").plain, f"R-{n}")
            paid_in += minor
        await office.settle(account)
        for _ in range(dice.randrange(3)):
            minor = dice.randint(1, 4000)
            there = await credit(office)
            try:
                await out(office, Money(minor, "EUR").plain, f"B-{n}-{minor}")
            except (Invalid, InvalidTransition):
                assert minor > there
            else:
                assert minor <= there
                paid_in -= minor
            await office.settle(account)
        sums = await balances(office.store)
        assert sums.get(("credit", account, "EUR"), 0) <= 0
        assert sums[("clearing", "cash", "EUR")] == paid_in
        await check_books(office.store)
