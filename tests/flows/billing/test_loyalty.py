"""Points for what is paid, spent as credit; credit for whoever brings another household."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from billing.catalog.terms import When
from billing.flows.cancel import cancel
from billing.flows.loyalty import code_of, expire_due, join, refer, spend
from billing.flows.movements import Told, hear
from billing.flows.publish import Publication
from billing.flows.reward import reward
from billing.ledger.store import entry, posting
from billing.loyalty.model import Program, Tier
from billing.loyalty.store import loyalty, point_entry, referral
from billing.payments.model import Moved, MovementKind
from billing.payments.store import movement, open_item, payment_method
from billing.subscriptions.model import Activation
from runtime.work import work
from terms.errors import Duplicate, Invalid, NotFound
from terms.ids import AccountId
from terms.money import Money, Rate
from tests.fixtures.billing import ZONE, Office, household
from tests.flows.billing.books import MONEY, balances, check_books, everything
from tests.flows.billing.test_settle import pay
from tests.flows.billing.test_verify import broken

PROGRAM = Program(
    referral=Money(500, "EUR"),
    months=12,
    tiers=(
        Tier(name="Bronze", from_minor=0, earns=Rate.parse("1%")),
        Tier(name="Gold", from_minor=10_000, earns=Rate.parse("5%")),
    ),
)


@pytest.fixture
async def member(office: Office) -> AccountId:
    """Return a household that is a member and has paid nothing yet."""
    await office.publish(Publication(zone=ZONE, program=PROGRAM))
    account = await office.join()
    assert await office.run(lambda tx: join(tx, "100001", office.now))
    assert not await office.run(lambda tx: join(tx, "100001", office.now))
    return account


async def settled(office: Office, one: AccountId) -> None:
    """Settle an account, and do what is marked of its loyalty, twice."""
    await office.settle(one)
    async with office.store.read() as tx:
        marked = await tx.rows(select(work.c.key).where(work.c.kind == "reward"))
    keys = [AccountId(row.key) for row in marked]
    for _ in range(2):
        await office.run(lambda tx: reward(office.desk, tx, keys, office.now))


async def paid(office: Office, one: AccountId, amount: str, reference: str) -> None:
    """Take cash and settle."""
    await pay(office, amount, reference)
    await settled(office, one)


async def points(office: Office) -> int:
    """Read the balance, which is the sum of all that came and went."""
    async with office.store.read() as tx:
        balance = await tx.scalar(select(loyalty.c.points))
        assert balance == sum(row.points for row in await tx.rows(select(point_entry.c.points)))
    return int(balance)


async def spent(office: Office, count: int, reference: str) -> int:
    """Spend points and tell how many are left."""
    done = await office.run(
        lambda tx: spend(office.desk, tx, "100001", office.now, points=count, reference=reference)
    )
    return int(done.left)


async def test_what_is_paid_brings_points_by_the_tier(office: Office, member: AccountId):
    """A hundred at one per cent are a hundred points; who has paid that earns five per cent."""
    await paid(office, member, "100.00", "R-1")
    assert await points(office) == 100
    await paid(office, member, "10.00", "R-2")
    assert await points(office) == 150
    before = await everything(office.store)
    await settled(office, member)
    assert await everything(office.store) == before
    found = await balances(office.store)
    assert found[("loyalty", member, "EUR")] == -150
    assert found[("promotion", "", "EUR")] == 150
    await check_books(office.store)


async def test_points_are_by_the_tiers_of_when_it_was_paid(office: Office, member: AccountId):
    """Other tiers count for what is paid from then on, however late the earlier is looked at."""
    await pay(office, "100.00", "R-1")
    office.forward(days=1)
    half = Tier(name="Bronze", from_minor=0, earns=Rate.parse("50%"))
    await office.publish(Publication(zone=ZONE, program=replace(PROGRAM, tiers=(half,))))
    await settled(office, member)
    assert await points(office) == 100
    await paid(office, member, "10.00", "R-2")
    assert await points(office) == 600


async def test_points_are_of_the_day_it_was_paid(office: Office, member: AccountId):
    """They come, are booked and expire by it, however late they are worked out."""
    await pay(office, "100.00", "R-1")
    at, day = office.now, office.now.date()
    office.forward(days=3)
    await settled(office, member)
    async with office.store.read() as tx:
        (one,) = await tx.rows(select(point_entry))
        booked = await tx.scalar(select(posting.c.posted_on).where(posting.c.id == one.id))
    assert (one.at, booked, one.expires_on) == (at, day, day.replace(year=day.year + 1))


async def test_points_of_long_ago_payments_do_not_make_a_tier(office: Office, member: AccountId):
    """What was paid more than a year ago counts for no tier."""
    await paid(office, member, "100.00", "R-1")
    office.forward(days=366)
    await paid(office, member, "100.00", "R-2")
    async with office.store.read() as tx:
        rows = await tx.rows(select(point_entry.c.points).order_by(point_entry.c.id))
    # Those of the same instant have no order.
    assert [rows[0].points, *sorted(row.points for row in rows[1:])] == [100, -100, 100]


async def test_points_become_credit_that_pays(office: Office, member: AccountId):
    """A hundred points are one euro that pays like money; it earns no points itself."""
    await paid(office, member, "100.00", "R-1")
    assert await spent(office, 60, "S-1") == 40
    assert await spent(office, 60, "S-1") == 40
    await settled(office, member)
    assert await points(office) == 40
    found = await balances(office.store)
    assert found[("loyalty", member, "EUR")] == -40
    # The first month costs 25.20 with its tax.
    assert found[("credit", member, "EUR")] == -(10_000 + 60 - 2520)
    await check_books(office.store)
    async with office.store.read() as tx:
        # Nobody has written the deed of this payment down.
        assert set(await broken(tx)) == {"each payment in cash is a deed of somebody"}


async def test_nobody_spends_more_than_there_is(office: Office, member: AccountId):
    """Twenty who spend ten of a hundred points at once spend ten times, and no more."""
    await paid(office, member, "100.00", "R-1")

    async def one(n: int) -> str:
        try:
            await spent(office, 10, f"S-{n}")
        except Invalid as error:
            return error.field
        return "spent"

    told = await asyncio.gather(*(one(n) for n in range(20)))
    assert (told.count("spent"), told.count("points")) == (10, 10)
    assert await points(office) == 0
    with pytest.raises(IntegrityError):
        await office.run(lambda tx: tx.execute(loyalty.update().values(points=-1)))


async def test_points_of_money_that_went_back_go_too(office: Office, member: AccountId):
    """Half of a payment given back takes half of its points, and never more than are left."""

    async def told(kind: MovementKind, minor: int, ref: str) -> None:
        moved = Moved(
            charge="ch_1", ref=ref, amount=Money(minor, "EUR"), account="100001", kind=kind
        )
        one = Told(account=member, number="100001", provider="cards", moved=moved)
        await office.run(lambda tx: hear(office.desk, tx, [one], [], office.now))
        await settled(office, member)

    await told(MovementKind.CLEARED, 10_000, "ch_1")
    await told(MovementKind.REFUNDED, 5_000, "ch_1.5000")
    assert await points(office) == 50
    await spent(office, 30, "S-1")
    await told(MovementKind.REFUNDED, 10_000, "ch_1.10000")
    assert await points(office) == 0
    await check_books(office.store)


async def test_points_expire_and_are_owed_no_more(office: Office, member: AccountId):
    """After twelve months what was not spent is gone, from the balance and from the books."""
    await paid(office, member, "100.00", "R-1")
    await spent(office, 30, "S-1")
    office.forward(days=364)
    assert await office.run(lambda tx: expire_due(office.desk, tx, office.now, rows_max=10)) == 0
    office.forward(days=2)
    assert await office.run(lambda tx: expire_due(office.desk, tx, office.now, rows_max=10)) == 1
    assert await points(office) == 0
    assert await office.run(lambda tx: expire_due(office.desk, tx, office.now, rows_max=10)) == 0
    await settled(office, member)
    assert ("loyalty", member, "EUR") not in await balances(office.store)
    await check_books(office.store)


@pytest.mark.parametrize(
    ("count", "reference", "error"),
    [(0, "S", Invalid), (-5, "S", Invalid), (1, "", Invalid), (101, "S", Invalid)],
)
async def test_points_that_cannot_be_spent_are_refused(
    small_office, member_of_small, count, reference, error
):
    """None, fewer than none, more than there are, or without a reference."""
    with pytest.raises(error):
        await spent(small_office, count, reference)
    assert await points(small_office) == 100


@pytest.fixture
async def member_of_small(small_office: Office) -> AccountId:
    """Return a member with a hundred points, over SQLite."""
    await small_office.publish(Publication(zone=ZONE, program=PROGRAM))
    account = await small_office.join()
    await small_office.run(lambda tx: join(tx, "100001", small_office.now))
    await paid(small_office, account, "100.00", "R-1")
    return account


async def test_a_reference_is_of_one_number_of_points(small_office, member_of_small):
    """The same reference with other points is refused; who is no member has none to spend."""
    await spent(small_office, 10, "S-1")
    with pytest.raises(Duplicate):
        await spent(small_office, 11, "S-1")
    await small_office.join("100002")
    with pytest.raises(NotFound, match="no member"):
        await small_office.run(
            lambda tx: spend(
                small_office.desk, tx, "100002", small_office.now, points=1, reference="S"
            )
        )


async def code_for(office: Office, contract: str) -> str:
    """Ask for the code of a household."""
    return str((await office.run(lambda tx: code_of(office.desk, tx, contract, office.now))).code)


async def brought(office: Office, contract: str, code: str) -> AccountId | None:
    """Note by whose code a household came."""
    return await office.run(lambda tx: refer(tx, contract, code, office.now))


async def test_who_brings_a_household_has_credit_once_it_has_paid(office: Office):
    """Five euros come with the first paid invoice of the new household, and only then."""
    await office.publish(Publication(zone=ZONE, program=PROGRAM))
    old = await office.join()
    code = await code_for(office, "100001")
    assert await code_for(office, "100001") == code
    office.forward(seconds=1)
    new = await office.join("100002")
    assert await brought(office, "100002", code) == old
    await pay(office, "5.00", "R-1", "100002")
    await settled(office, new)
    assert ("promotion", "", "EUR") not in await balances(office.store)
    for n in (2, 3):
        await pay(office, "20.20", f"R-{n}", "100002")
        await settled(office, new)
        await office.settle(old)
    found = await balances(office.store)
    assert found[("promotion", "", "EUR")] == 500
    assert found[("receivable", old, "EUR")] == 2520 - 500
    async with office.store.read() as tx:
        given = await tx.rows(select(movement).where(movement.c.provider == "referral credit"))
    assert [(row.account_id, row.ref) for row in given] == [(old, new)]
    await check_books(office.store)


async def pays_and_not(office: Office, owner: AccountId, kind: MovementKind, ref: str) -> None:
    """Let the payment of a household's first invoice come in, or go back, and do what follows."""
    money = Money(2520, "EUR")
    moved = Moved(charge=f"ch_{ref}", ref=f"{kind} {ref}", amount=money, kind=kind)
    one = Told(account=owner, number="", provider="cards", moved=moved)
    await office.run(lambda tx: hear(office.desk, tx, [one], [], office.now))
    await settled(office, owner)
    await office.settle(*office.looks)


async def referred(office: Office, **changes: Any) -> tuple[AccountId, AccountId]:
    """Have one household bring another; neither has paid."""
    await office.publish(Publication(zone=ZONE, program=PROGRAM))
    old = await office.join(**changes)
    code = await code_for(office, "100001")
    office.forward(seconds=1)
    new = await office.join("100002")
    await brought(office, "100002", code)
    return old, new


async def credit(office: Office, owner: AccountId) -> tuple[int, int]:
    """Tell what an account has to its credit, and what was given for referrals in all."""
    found = await balances(office.store)
    return -found.get(("credit", owner, "EUR"), 0), found.get(("promotion", "", "EUR"), 0)


async def test_credit_for_a_referral_goes_back_with_the_payment(office: Office):
    """While no invoice of the new household is paid by money, nobody has credit for it."""
    old, new = await referred(office, plan="FREE")
    for n, (kind, ref, wanted) in enumerate(
        [
            (MovementKind.CLEARED, "1", 500),
            (MovementKind.DISPUTED, "1", 0),
            (MovementKind.REINSTATED, "1", 500),
            (MovementKind.REFUNDED, "1", 0),
            (MovementKind.CLEARED, "2", 500),
        ]
    ):
        await pays_and_not(office, new, kind, ref)
        assert await credit(office, old) == (wanted, wanted), n
    before = await everything(office.store, MONEY)
    await settled(office, new)
    assert await everything(office.store, MONEY) == before
    await check_books(office.store)
    async with office.store.read() as tx:
        assert await broken(tx) == {}


async def test_credit_that_is_used_stays_and_darkens_nobody(office: Office):
    """Who has used it owes nothing by what another one does, and is charged by card as before."""
    old, new = await referred(office)
    await pays_and_not(office, new, MovementKind.CLEARED, "1")
    assert await credit(office, old) == (0, 500)
    await pays_and_not(office, new, MovementKind.REFUNDED, "1")
    assert await credit(office, old) == (0, 500)
    async with office.store.read() as tx:
        stopped = select(payment_method.c.stopped).where(payment_method.c.account_id == old)
        assert await tx.scalar(stopped) == ""
    await pays_and_not(office, new, MovementKind.CLEARED, "2")
    assert await credit(office, old) == (0, 500)
    await check_books(office.store)


async def test_credit_that_goes_back_before_it_is_settled_is_gone(office: Office):
    """Given and taken back before its household is looked at, it comes to nothing."""
    old, new = await referred(office, plan="FREE")
    money = Money(2520, "EUR")
    for kind in (MovementKind.CLEARED, MovementKind.REFUNDED):
        moved = Moved(charge="ch", ref=f"{kind}", amount=money, kind=kind)
        one = Told(account=new, number="", provider="cards", moved=moved)
        async with office.store.begin() as tx:
            await hear(office.desk, tx, [one], [], office.now)
        await settled(office, new)
    await office.settle(*office.looks)
    assert await credit(office, old) == (0, 0)
    await check_books(office.store)


async def test_an_invoice_that_was_given_back_thanks_nobody(office: Office):
    """Who is brought, ends at once and pays a cent has paid no invoice: nobody has credit."""
    await office.publish(Publication(zone=ZONE, program=PROGRAM))
    await office.join()
    code = await code_for(office, "100001")
    office.forward(seconds=1)
    new = await office.join("100002", activation=Activation.OPEN)
    await brought(office, "100002", code)
    await office.run(lambda tx: cancel(office.desk, tx, "100002", When.NOW, office.now))
    await settled(office, new)
    await pay(office, "0.01", "R-1", "100002")
    await settled(office, new)
    async with office.store.read() as tx:
        items = select(open_item.c.id).where(
            open_item.c.account_id == new, open_item.c.kind == "invoice"
        )
        assert await tx.scalar(items) is None
        assert await tx.scalar(select(referral.c.rewarded_at)) is None


@pytest.mark.parametrize(
    ("contract", "code_from", "changes", "why"),
    [
        ("100001", "100001", {}, "nobody brings itself"),
        ("100002", "100001", {"email": "A@example.org"}, "nobody brings itself"),
        ("100002", "100001", {"phone": "+43 1 234"}, "nobody brings itself"),
        ("100001", "100002", {}, "came later"),
    ],
)
async def test_nobody_brings_itself_or_who_was_there(
    small_office: Office, contract, code_from, changes, why
):
    """The same household, one reached alike, one that came first: each is refused by its field."""
    first = household("100001", email="a@example.org", phone="+43 1 234")
    await small_office.sign_up(first)
    small_office.forward(seconds=1)
    await small_office.sign_up(replace(household("100002"), **changes))
    code = await code_for(small_office, code_from)
    with pytest.raises(Invalid, match=why) as refused:
        await brought(small_office, contract, code)
    assert refused.value.field == "code"


async def test_a_household_is_brought_once_and_only_while_it_is_new(office: Office):
    """Ten codes at once bring it once; who has paid an invoice is not brought any more."""
    codes = []
    for n in range(10):
        await office.sign_up(household(f"20000{n}"))
        codes.append(await code_for(office, f"20000{n}"))
    office.forward(seconds=1)
    new = await office.join()

    async def one(code: str) -> str:
        try:
            await brought(office, "100001", code)
        except Invalid as error:
            return error.field
        return "brought"

    told = await asyncio.gather(*(one(code) for code in codes))
    assert sorted(told) == ["brought", *["code"] * 9]
    async with office.store.read() as tx:
        assert len(await tx.rows(select(referral))) == 1
    later = await office.join("100002")
    await pay(office, "25.20", "R-1", "100002")
    await settled(office, later)
    with pytest.raises(Invalid, match="has paid already"):
        await brought(office, "100002", codes[0])
    assert await brought(office, "100001", "NOSUCH") is None
    assert new


async def test_whoever_has_no_perk_costs_nothing(office: Office):
    """Without members nothing of loyalty is written, whatever is paid."""
    await office.publish(Publication(zone=ZONE, program=PROGRAM))
    one = await office.join()
    await paid(office, one, "100.00", "R-1")
    office.now += timedelta(days=1)
    async with office.store.read() as tx:
        assert await tx.rows(select(point_entry)) == []
        books = {row.book for row in await tx.rows(select(entry.c.book))}
    assert not books & {"loyalty", "promotion"}
