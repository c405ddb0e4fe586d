"""Wallets: money that waits pays by itself, is told of when it is low, and goes back when asked."""

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from billing.cash.store import receipt
from billing.dunning.model import Action, Ladder, Step
from billing.dunning.segment import USUAL, Segment, Segments
from billing.flows import house, top_up
from billing.flows.publish import Publication
from billing.flows.refund import Refunding
from billing.flows.segment import put_in
from billing.flows.settle import settle
from billing.flows.signup import MethodRef
from billing.flows.top_up import PayOut, pay_out
from billing.payments.model import DEBIT, REFERRAL
from billing.payments.store import payment_method
from billing.payments.wallet import WalletRules
from runtime.log import log_entry
from terms.entitlement import ServiceState
from terms.errors import Duplicate, Invalid, InvalidTransition, NotFound
from terms.ids import AccountId
from terms.money import Money
from terms.notice import Notice
from tests.fixtures.billing import PUBLICATION, Office, household
from tests.flows.billing.books import balances, check_books, counting, open_items, rights
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


def with_wallet(rules: WalletRules) -> Publication:
    """Give the catalogue, with a segment of these rules."""
    segments = {USUAL: Segment(), "prepaid": Segment(ladder=AT_ONCE, wallet=rules)}
    return replace(PUBLICATION, segments=Segments(segments))


PREPAID = with_wallet(RULES)
CARD = MethodRef(provider="cards", customer="cus_1", method="pm_1")
MANDATE = MethodRef(provider=DEBIT, customer="", method="M-1")
MONTH = 3720  # 31.00 and the tax of 20 %


async def prepaid(
    office: Office, amount: str, rules: WalletRules = RULES, **changes: Any
) -> AccountId:
    """Let a household of the prepaid segment join and pay so much."""
    await office.publish(with_wallet(rules))
    account = await office.join(**{"method": None, **changes})
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


async def test_who_tops_up_exactly_is_told_before_each_renewal(office: Office):
    """Whoever was told that nothing is left hears of the next renewal all the same, once."""
    account = await prepaid(office, "62.40")  # March, and April to the cent
    expected = []
    for n, (near, paid_on) in enumerate(((28, 30), (29, 30), (28, 29))):
        due = datetime(2026, 4 + n, 1, 12, tzinfo=UTC)
        await office.live([account], due)
        expected.append(("wallet_low", "0.00 EUR"))
        assert await told(office) == expected
        await office.live([account], due.replace(day=near - 1, hour=20))
        assert await told(office) == expected
        for day in (near, near + 1):
            await office.live([account], due.replace(day=day))
            await office.settle(account)
        expected.append(("wallet_renewal", "0.00 EUR"))
        assert await told(office) == expected
        office.now = due.replace(day=paid_on, hour=20)
        await pay(office, "37.20", f"top-up {n}")
        await office.settle(account)
    assert await told(office) == expected


@pytest.mark.parametrize("is_prepaid", [True, False])
async def test_where_nothing_ever_stayed_the_segment_says_who_pays_ahead(
    office: Office, is_prepaid
):
    """Exact money for each invoice: told before each renewal in a prepaid segment alone."""
    account = await prepaid(office, "25.20", replace(RULES, is_prepaid=is_prepaid))
    for month in (4, 5, 6):
        await office.live([account], datetime(2026, month, 1, 12, tzinfo=UTC))
        await pay(office, "37.20", f"month {month}")
        await office.settle(account)
    expected = [("wallet_renewal", "0.00 EUR")] * 3 if is_prepaid else []
    assert (await told(office), await credit(office)) == (expected, 0)


async def test_a_wallet_without_a_least_is_not_used_before_something_is_in_it(office: Office):
    """Where nothing counts as low, whoever pays his invoices hears nothing of a wallet."""
    account = await prepaid(office, "25.20", replace(RULES, low_minor=0))
    await office.live([account], datetime(2026, 3, 30, 12, tzinfo=UTC))
    assert await told(office) == []
    await pay(office, "1.00", "more")
    await office.settle(account)
    assert await told(office) == [("wallet_renewal", "1.00 EUR")]


@pytest.mark.parametrize("method", [CARD, MANDATE])
async def test_who_is_charged_by_himself_needs_nothing_in_it(office: Office, method: MethodRef):
    """A card or a mandate pays the rest; once it is taken away, it is told what is missing."""
    account = await prepaid(office, "35.20", replace(RULES, is_prepaid=True), method=method)
    await office.live([account], datetime(2026, 3, 30, 12, tzinfo=UTC))
    assert await told(office) == []
    async with office.store.begin() as tx:
        gone = update(payment_method).where(payment_method.c.account_id == account)
        await tx.execute(gone.values(stopped="removed"))
    await office.settle(account)
    assert await told(office) == [("wallet_renewal", "10.00 EUR")]


async def test_a_renewal_is_told_of_once_whatever_moves_before_it(office: Office):
    """Too little more, enough, and less again: one notice of it; the plain one keeps its rule."""
    account = await prepaid(office, "35.20")
    await office.live([account], datetime(2026, 3, 29, 20, tzinfo=UTC))
    for amount in ("5.00", "25.00"):
        await pay(office, amount, amount)
        await office.settle(account)
    await out(office, "10.00", "B-1")
    await office.settle(account)
    assert await told(office) == [("wallet_renewal", "10.00 EUR")]
    await out(office, "26.00", "B-2")
    await office.settle(account)
    assert await told(office) == [("wallet_renewal", "10.00 EUR"), ("wallet_low", "4.00 EUR")]


async def test_after_an_outage_it_is_told_late_or_not_at_all(office: Office):
    """The day before it is told once; when the renewal is there already, it is not told of it."""
    late, over = await prepaid(office, "35.20"), await office.join("100002", method=None)
    await office.run(lambda tx: put_in(office.desk, tx, "100002", "prepaid"))
    await pay(office, "35.20", "second", contract="100002")
    await office.settle(over)
    office.now = datetime(2026, 3, 31, 12, tzinfo=UTC)
    for _ in range(2):
        await office.settle(late)
    assert await told(office) == [("wallet_renewal", "10.00 EUR")]
    office.now = datetime(2026, 4, 2, 12, tzinfo=UTC)
    for _ in range(2):
        await office.settle(late, over)
    assert await told(office) == [("wallet_renewal", "10.00 EUR"), ("wallet_low", "0.00 EUR")]


async def test_what_is_owed_is_asked_for_before_the_renewal(office: Office):
    """Whoever owes April hears in April what both need: what he puts in pays the debt first."""
    account = await prepaid(office, "35.20")
    await office.live([account], datetime(2026, 4, 28, 20, tzinfo=UTC))
    async with office.store.read() as tx:
        query = select(log_entry.c.value).where(log_entry.c.kind == "notice")
        rows = await tx.rows(query.order_by(log_entry.c.position.desc()))
    params = Notice.decode(rows[0].value).params
    assert (params["due_on"], params["missing"]) == ("2026-05-01", "64.40 EUR")


async def test_as_many_statements_tell_one_as_two_hundred(office: Office):
    """A renewal that is near is told of with the same statements for one household and for 200."""
    await office.publish(with_wallet(replace(RULES, is_prepaid=True)))
    orders = [household(f"{n:06d}", method=None, segment="prepaid") for n in range(201)]
    made = [one.account for one in await office.sign_up(*orders)]
    await office.settle(*made)
    office.now = datetime(2026, 3, 29, 12, tzinfo=UTC)
    counts = []
    for batch in (made[:1], made[1:]):
        async with counting(office.store) as (tx, counted):
            await settle(office.desk, tx, batch, office.now)
        counts.append(counted.made)
    assert len(counts[0]) == len(counts[1]) <= 8, "\n".join(counts[1])
    assert len(await told(office)) == 201


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
