"""Promotions: had by a code, taken off what is charged, told by the lines themselves."""

import asyncio
from datetime import date

import pytest
from sqlalchemy import select, update

from billing.catalog.terms import When
from billing.flows.cancel import cancel
from billing.flows.change import Change, change
from billing.flows.pause import pause, resume
from billing.flows.settle import foresee, settle
from billing.invoicing.discounts import invoice_discount, parts_from
from billing.invoicing.store import credit_note, invoice, invoice_line
from billing.promotions.model import Scope
from billing.promotions.store import promotion as promotions
from billing.promotions.store import redemption
from billing.reads import explaining
from billing.reads import promotions as reading
from terms.errors import Invalid
from tests.fixtures.billing import Office, household
from tests.fixtures.promotions import give, offer, promotion
from tests.flows.billing.books import check_books, counting, everything
from tests.flows.billing.schema import tamper
from tests.flows.billing.test_verify import broken


async def lines(office: Office) -> list[tuple[str, int, int, int]]:
    """Tell of every line what its rate is, what is off it, and what it charges."""
    c = invoice_line.c
    query = select(c.offering, c.rate_minor, c.off_minor, c.amount_minor)
    query = query.join(invoice, invoice.c.id == c.invoice_id).order_by(invoice.c.sequence, c.n)
    async with office.store.read() as tx:
        return [tuple(row) for row in await tx.rows(query)]


async def alter(office: Office, **wish) -> None:
    """Change what the household has; nothing is settled yet."""
    await office.run(lambda tx: change(office.desk, tx, "100001", Change(**wish), office.now))


async def net(office: Office) -> int:
    """Tell what was charged less what was given back, with tax."""
    async with office.store.read() as tx:
        charged = sum(row.total_minor for row in await tx.rows(select(invoice)))
        back = sum(row.total_minor for row in await tx.rows(select(credit_note)))
    return charged - back


async def test_a_share_is_taken_off_for_so_many_periods(office: Office):
    """Half off for two periods halves the part of March and April; May costs all."""
    await offer(office, promotion("HALF", "50%", periods_max=2))
    (made,) = await office.sign_up(household("100001"))
    await give(office, "half")
    await office.settle(made.account)
    await office.live([made.account], office.now.replace(month=5, day=2))
    assert await lines(office) == [
        ("BASIC", 3100, 1550, 1050),
        ("BASIC", 3100, 1550, 1550),
        ("BASIC", 3100, 0, 3100),
    ]
    await check_books(office.store)


async def test_a_second_run_writes_nothing(office: Office):
    """What a promotion took off is settled once, however often it is looked at."""
    await offer(office, promotion("FIVE", "5.00", periods_max=3))
    (made,) = await office.sign_up(household("100001", addons=("SPORT",)))
    await give(office, "FIVE")
    await office.settle(made.account)
    before = await everything(office.store)
    await office.settle(made.account)
    assert await everything(office.store) == before


async def test_an_amount_off_the_invoice_is_spread_over_its_lines_to_the_cent(office: Office):
    """Ten off 31.00, 6.20 and 3.10 are parts in proportion that sum to ten."""
    await offer(office, promotion("TEN", "10.00"))
    office.now = office.now.replace(day=1)
    (made,) = await office.sign_up(household("100001", addons=("KIDS", "SPORT")))
    await give(office, "TEN")
    await office.settle(made.account)
    found = await lines(office)
    assert found == [("BASIC", 3100, 769, 2331), ("KIDS", 310, 77, 233), ("SPORT", 620, 154, 466)]
    assert sum(off for _, _, off, _ in found) == 1000


async def test_an_amount_larger_than_the_lines_leaves_nothing_to_pay(office: Office):
    """A hundred off thirty-one makes nothing; nothing is ever below it, and the picture comes."""
    await offer(office, promotion("HUNDRED", "100.00"))
    (made,) = await office.sign_up(household("100001"))
    await give(office, "HUNDRED")
    await office.settle(made.account)
    assert await lines(office) == [("BASIC", 3100, 3100, 0)]
    assert await net(office) == 0
    await check_books(office.store)


async def test_lines_then_plans_then_the_invoice_each_on_what_is_left(office: Office):
    """Half of the plan's line, then 5.00 of the plan, then a tenth of what both lines have left."""
    await offer(
        office,
        promotion("ALL", "10%"),
        promotion("PLAN", "5.00", "BASIC", scope=Scope.PLAN),
        promotion("LINE", "50%", "BASIC"),
    )
    office.now = office.now.replace(day=1)
    (made,) = await office.sign_up(household("100001", addons=("SPORT",)))
    for code in ("ALL", "PLAN", "LINE"):
        await give(office, code)
    await office.settle(made.account)
    # 31.00 -> 15.50; 5.00 off 15.50 and 6.20; a tenth of 16.70.
    found = await lines(office)
    assert sum(amount for _, _, _, amount in found) == 1503
    async with office.store.read() as tx:
        rows = await tx.rows(select(invoice_discount.c.parts))
        parts = [part for row in rows for part in parts_from(row.parts)]
        told = {n: sum(part.off_minor for part in parts if part.n == n) for n in (1, 2)}
        taken = {one.promotion.code: one.taken_minor for one in await reading.listing(tx)}
    assert told == {1: found[0][2], 2: found[1][2]}
    assert taken == {"ALL": 167, "PLAN": 500, "LINE": 1550}
    for done, says in (
        ("amount_minor = amount_minor + 1", "told of lines that are there"),
        ("parts = '[[9,1550,1550]]' WHERE amount_minor = 1550", "told of lines that are there"),
        ("parts = replace(parts, '[1,', '[2,')", "the sum of what promotions take off it"),
    ):
        async with office.store.rehearse() as tx:
            await tamper(tx, f"UPDATE invoice_discount SET {done}")
            assert any(says in one for one in await broken(tx)), done


async def test_up_and_down_at_once_is_nothing(office: Office):
    """A discounted household that takes the large plan and goes back at once pays nothing."""
    await offer(office, promotion("SEVEN", "7.77"), promotion("THIRD", "33.33%", "BASIC", "LARGE"))
    (made,) = await office.sign_up(household("100001", addons=("SPORT",)))
    await give(office, "SEVEN")
    await give(office, "THIRD")
    await office.settle(made.account)
    before = await net(office)
    office.forward(days=6)
    for plan in ("LARGE", "BASIC", "LARGE", "BASIC"):
        await alter(office, plan=plan, when=When.NOW)
        await office.settle(made.account)
    assert await net(office) == before
    await check_books(office.store)


async def test_an_amount_is_had_once_a_period(office: Office):
    """What the plan has of five euros is not given to an add-on of the same period again."""
    await offer(office, promotion("FIVE", "5.00"))
    (made,) = await office.sign_up(household("100001"))
    await give(office, "FIVE")
    await office.settle(made.account)
    office.forward(days=5)
    await alter(office, add=("SPORT",))
    await office.settle(made.account)
    assert [(name, off) for name, _, off, _ in await lines(office)] == [
        ("BASIC", 500),
        ("SPORT", 0),
    ]


async def test_days_of_rest_come_back_as_they_were_charged(office: Office):
    """A discounted month with a rest costs the discounted price of the days that were had."""
    await offer(office, promotion("HALF", "50%", periods_max=1))
    office.now = office.now.replace(day=1)
    (made,) = await office.sign_up(household("100001"))
    await give(office, "HALF")
    await office.settle(made.account)
    office.forward(days=10)
    await office.run(lambda tx: pause(office.desk, tx, "100001", office.now))
    await office.settle(made.account)
    assert await net(office) == 600
    office.forward(days=5)
    await office.run(lambda tx: resume(office.desk, tx, "100001", office.now))
    await office.settle(made.account)
    assert await net(office) == 1560
    await check_books(office.store)


async def test_a_code_in_the_middle_counts_from_the_next_period(office: Office):
    """What is charged already stays as it is, and cannot be had cheaper by changing to and fro."""
    account = await office.join()
    await offer(office, promotion("HALF", "50%"))
    office.forward(days=3)
    made = await give(office, "HALF")
    assert made.from_on == date(2026, 4, 1)
    before = await net(office)
    for plan in ("LARGE", "BASIC"):
        await alter(office, plan=plan, when=When.NOW)
        await office.settle(account)
    assert await net(office) == before
    await office.live([account], office.now.replace(month=4, day=2))
    assert (await lines(office))[-1] == ("BASIC", 3100, 1550, 1550)


async def test_months_paid_ahead_are_charged_at_once_and_given_back_alike(office: Office):
    """Six months at a tenth off are six lines of one invoice; an end gives back what is left."""
    await offer(office, promotion("SIX", "10%", "BASIC", ahead=6))
    office.now = office.now.replace(day=1)
    (made,) = await office.sign_up(household("100001"))
    await give(office, "SIX")
    await office.settle(made.account)
    assert await lines(office) == [("BASIC", 3100, 310, 2790)] * 6
    office.forward(days=61)
    await office.run(lambda tx: cancel(office.desk, tx, "100001", When.NOW, office.now))
    await office.settle(made.account)
    # Two months are had, March and April; the tax of a fifth comes on top.
    assert await net(office) == 2 * 2790 * 120 // 100
    await check_books(office.store)


async def test_after_the_months_paid_ahead_the_price_is_whole_again(office: Office):
    """Two months ahead: the third is charged when it comes, without a discount."""
    await offer(office, promotion("TWO", "10%", "BASIC", ahead=2))
    office.now = office.now.replace(day=1)
    (made,) = await office.sign_up(household("100001"))
    await give(office, "TWO")
    await office.settle(made.account)
    await office.live([made.account], office.now.replace(month=5, day=2))
    assert [amount for *_, amount in await lines(office)] == [2790, 2790, 3100]


async def test_a_preview_shows_the_discount(office: Office):
    """What settling would charge is told with what is taken off."""
    await offer(office, promotion("HALF", "50%"))
    (made,) = await office.sign_up(household("100001"))
    await give(office, "HALF")
    async with office.store.rehearse() as tx:
        (found,) = await foresee(office.desk, tx, [made.account], office.now)
    assert found.invoice is not None
    (line,) = found.invoice.lines
    assert (line.charge.off_minor, [off.name for off in line.offs]) == (1550, ["Half"])


async def test_fifty_at_once_never_redeem_more_than_ten(office: Office):
    """A code for ten, redeemed by fifty households at once, is had by ten of them."""
    await offer(office, promotion("RACE", "50%", redeem_max=10))
    contracts = [f"2{n:05}" for n in range(50)]
    await office.sign_up(*(household(contract) for contract in contracts))

    async def one(contract: str) -> str:
        try:
            return (await give(office, "RACE", contract)).promotion.code
        except Invalid as error:
            return str(error)

    told = await asyncio.gather(*(one(contract) for contract in contracts))
    assert sorted(told) == ["RACE"] * 10 + ["code: it is used up"] * 40
    async with office.store.read() as tx:
        assert len(await tx.rows(select(redemption))) == 10
        assert await tx.scalar(select(promotions.c.redeemed)) == 10


async def test_one_household_at_once_has_it_once(office: Office):
    """The same household that sends its code ten times at once has it once."""
    await offer(office, promotion("ONCE", "50%"))
    await office.sign_up(household("100001"))

    async def one() -> str:
        try:
            return (await give(office, "ONCE")).promotion.code
        except Invalid as error:
            return str(error)

    told = await asyncio.gather(*(one() for _ in range(10)))
    assert sorted(told) == ["ONCE"] + ["code: it is redeemed already"] * 9


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("NOPE", "there is no such promotion"),
        ("EARLY", "it may be redeemed from 2026-04-01 on"),
        ("LATE", "it could be redeemed until before 2026-03-11"),
        ("SPORTY", "it is for SPORT, which the service does not have"),
        ("ALONE", "it cannot be combined with FIRST"),
        ("SAME", "it cannot be combined with FIRST"),
        ("FIRST", "it is redeemed already"),
    ],
)
async def test_a_code_that_cannot_be_had_is_refused_by_its_field(small_office, given, why):
    """Each refusal names the code and says why; nothing is counted."""
    await offer(
        small_office,
        promotion("FIRST", "1%", group="welcome"),
        promotion("SAME", "1%", group="welcome"),
        promotion("ALONE", "1%", group="*"),
        promotion("EARLY", "1%", from_on=date(2026, 4, 1)),
        promotion("LATE", "1%", until_on=date(2026, 3, 11)),
        promotion("SPORTY", "1%", "SPORT"),
    )
    await small_office.join()
    await give(small_office, "FIRST")
    with pytest.raises(Invalid) as refused:
        await give(small_office, given)
    assert (refused.value.field, refused.value.reason) == ("code", why)
    async with small_office.store.read() as tx:
        counted = {row.code: row.redeemed for row in await tx.rows(select(promotions))}
    assert sum(counted.values()) == 1


async def test_what_somebody_has_stays_as_it_is(small_office: Office):
    """A redeemed promotion may end earlier and be had more often, and takes off no other sum."""
    await offer(small_office, promotion("HALF", "50%"))
    await small_office.join()
    await give(small_office, "HALF")
    assert await offer(small_office, promotion("HALF", "50%", redeem_max=5))
    assert not await offer(small_office, promotion("HALF", "50%", redeem_max=5))
    with pytest.raises(Invalid, match="somebody has it already"):
        await offer(small_office, promotion("HALF", "60%", redeem_max=5))


async def test_households_with_promotions_cost_one_statement_more(office: Office):
    """Settling asks once for the promotions of all, and not at all where nobody has any."""
    await offer(office, promotion("HALF", "50%", periods_max=1))
    made = await office.sign_up(*(household(f"10000{n}") for n in range(1, 5)))
    accounts = [one.account for one in made]
    await office.settle(*accounts)
    made_by = []
    for codes in ((), (f"10000{n}" for n in range(1, 5))):
        for contract in codes:
            await give(office, "HALF", contract)
        async with counting(office.store) as (tx, counted):
            await settle(office.desk, tx, accounts, office.now)
        made_by.append(len(counted.made))
    assert made_by[1] - made_by[0] == 1


async def test_a_discounted_line_explains_itself(office: Office):
    """It tells what is off its price and computes again; verify finds nothing wrong with it."""
    await offer(office, promotion("THIRD", "33.33%"), promotion("TWO", "2.00"))
    (made,) = await office.sign_up(household("100001"))
    await give(office, "THIRD")
    await give(office, "TWO")
    await office.settle(made.account)
    async with office.store.read() as tx:
        found = await explaining.line(tx, "INV-00000001.1")
        assert await broken(tx) == {}
    assert [(off.promotion, off.off.amount_minor) for off in found.offs] == [
        ("THIRD", 1033),
        ("TWO", 200),
    ]
    saved = sum(off.amount.amount_minor for off in found.offs)
    assert (found.agrees, found.amount.amount_minor + saved) == (True, 2100)


async def test_verify_finds_a_promotion_that_counts_wrong(small_office: Office):
    """One that says it was had twice, though one household has it, is named."""
    await offer(small_office, promotion("HALF", "50%"))
    await small_office.join()
    await give(small_office, "HALF")
    async with small_office.store.begin() as tx:
        await tx.execute(update(promotions).values(redeemed=2))
    async with small_office.store.read() as tx:
        assert list(await broken(tx)) == ["each promotion counts those who have it"]
