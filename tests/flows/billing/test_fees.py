"""Fees: for what is not paid in time, paid after all else, taken back where they were wrong."""

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import permutations

import pytest
from sqlalchemy import func, select

from billing.dunning.dispute_fees import Basis, DisputeFee
from billing.dunning.late_fees import LateFees
from billing.dunning.segment import Segment, Segments
from billing.flows.fees_ahead import fees_ahead
from billing.flows.movements import Told, hear
from billing.flows.publish import Publication
from billing.flows.settle import settle
from billing.flows.void import void
from billing.flows.write_off import write_off_invoice
from billing.invoicing.store import credit_line, invoice, invoice_line
from billing.payments.model import Moved, MovementKind
from billing.payments.store import allocation, open_item
from billing.reads.explaining import line as explain
from terms.errors import Invalid
from terms.ids import AccountId
from terms.money import Money, Rate
from tests.fixtures.billing import LADDER, ZONE, Office, household
from tests.flows.billing.books import check_books, counting, everything, open_items
from tests.flows.billing.test_goodwill import given
from tests.flows.billing.test_promises import give_word
from tests.flows.billing.test_verify import broken

RULES = LateFees(
    from_on=date(2026, 1, 1),
    currency="EUR",
    once_minor=500,
    once_after_days=5,
    rate=Rate.parse("1.5%"),
    tax="",
)
SEGMENT = Segment(ladder=LADDER, late_fees=RULES)


def local(month: int, day: int, hour: int = 10) -> datetime:
    """Return a moment of a day in Vienna in summer."""
    return datetime(2026, month, day, hour - 2, tzinfo=UTC)


async def rules(office: Office, segment: Segment = SEGMENT) -> None:
    """Publish what follows from debts."""
    await office.publish(Publication(zone=ZONE, segments=Segments({"": segment})))


async def late(office: Office, until: datetime, segment: Segment = SEGMENT) -> AccountId:
    """Make a household that has paid nothing since its first invoice."""
    await rules(office, segment)
    account = await office.join(method=None)
    await came(office, "25.20", office.now, "C0")
    await office.live([account], until)
    return account


async def fees(office: Office) -> list[tuple[date, str, int]]:
    """List the fees that were charged: day, label and amount."""
    i, c = invoice.c, invoice_line.c
    query = select(i.issued_on, c.label, c.amount_minor).join_from(invoice_line, invoice)
    async with office.store.read() as tx:
        found = await tx.rows(query.where(i.is_fee).order_by(i.sequence, c.n))
    return [(row.issued_on, row.label, row.amount_minor) for row in found]


async def given_back(office: Office) -> list[str]:
    """List the labels of what credit notes gave back."""
    async with office.store.read() as tx:
        return sorted(row.label for row in await tx.rows(select(credit_line)))


async def sound(office: Office) -> None:
    """Check the books in every way there is, and that settling again writes nothing."""
    await check_books(office.store)
    before = await everything(office.store)
    await office.settle(*office.looks)
    assert await everything(office.store) == before
    async with office.store.read() as tx:
        assert await broken(tx) == {}


async def came(office: Office, amount: str, at: datetime, ref: str = "B1") -> None:
    """Hear of money that came to a bank on a day; it is settled until nothing more follows."""
    (account,) = office.looks
    moved = Moved(
        charge=ref,
        ref=ref,
        amount=Money.parse(amount, "EUR"),
        account="100001",
        kind=MovementKind.CLEARED,
    )
    told = Told(account=account, number="100001", provider="cards", moved=moved, received_at=at)
    await office.run(lambda tx: hear(office.desk, tx, [told], [], office.now))
    await office.settle(account)
    await office.live([account], office.now)


async def test_who_pays_late_is_charged_once_and_a_share(office: Office):
    """37.20 due on 1 April: 5.00 on the 6th, 1.5 % on 2 May; fees stand on their own and wait."""
    await late(office, local(5, 3))
    assert await fees(office) == [
        (date(2026, 4, 6), "Late fee: INV-00000002", 500),
        (date(2026, 5, 2), "Late fee: INV-00000002, 1.5% per month", 56),
    ]
    # 74.40 and 5.56 are owed. The invoice of May is younger than the fee, and paid before it.
    await came(office, "75.00", office.now)
    async with office.store.read() as tx:
        joined = select(invoice.c.number, allocation.c.amount_minor).join_from(allocation, invoice)
        paid = await tx.rows(joined.order_by(invoice.c.sequence))
        found = await explain(tx, "INV-00000003.1")
    assert [(row.number, row.amount_minor) for row in paid][1:] == [
        ("INV-00000002", 3720),
        ("INV-00000003", 60),
        ("INV-00000004", 3720),
    ]
    (source,) = [one for one in found.sources if one.kind == "late_fee"]
    assert '"invoice": "INV-00000002"' in source.detail
    assert found.agrees
    await sound(office)


async def test_money_that_came_in_time_takes_the_fee_back(office: Office):
    """The bank tells on 10 May of money of 4 April: both fees are given back, once, and no more."""
    await late(office, local(5, 3))
    await came(office, "37.20", local(4, 4))
    assert await given_back(office) == [
        "Late fee: INV-00000002",
        "Late fee: INV-00000002, 1.5% per month",
    ]
    assert sum((await open_items(office.store)).values()) == 3720
    await office.live([*office.looks], local(5, 10))
    assert [each[1] for each in await fees(office)][2:] == ["Late fee: INV-00000004"]
    await sound(office)


async def test_a_part_that_came_in_time_makes_the_share_smaller(small_office: Office):
    """Of 37.20 there were 20.00 on 20 April: the share is of 17.20, the fixed fee stays."""
    await late(small_office, local(5, 3))
    await came(small_office, "20.00", local(4, 20))
    assert [each[2] for each in await fees(small_office)] == [500, 56, 26]
    assert await given_back(small_office) == ["Late fee: INV-00000002, 1.5% per month"]
    await sound(small_office)


async def test_after_weeks_of_sleep_the_same_is_charged(small_office: Office):
    """Nobody looked since 2 April: on 7 May is charged what would have been on its days."""
    account = await late(small_office, local(4, 2))
    small_office.now = local(5, 7)
    await small_office.settle(account)
    await small_office.live([account], small_office.now)
    assert [each[2] for each in await fees(small_office)] == [500, 56]
    await sound(small_office)


async def test_a_preview_tells_the_fees_that_come(office: Office):
    """By either rules: what they come to is what is charged when nobody pays."""
    account = await late(office, local(4, 2))
    none = Segments({"": replace(SEGMENT, is_exempt=True)})
    async with counting(office.store) as (tx, counted):
        ahead, others = await fees_ahead(tx, [Segments({"": SEGMENT}), none], office.now, days=30)
    assert counted.writes == []
    assert (ahead.accounts, ahead.fees, ahead.amounts) == (1, 2, {"EUR": Money(556, "EUR")})
    assert (others.accounts, others.fees, others.amounts) == (0, 0, {})
    await office.live([account], local(5, 2))
    assert sum(each[2] for each in await fees(office)) == 556


async def test_a_void_invoice_bears_none(office: Office):
    """Its fees are given back with it; that of the other one stays."""
    await late(office, local(5, 7))
    assert [each[2] for each in await fees(office)] == [500, 56, 500]
    await office.run(lambda tx: void(office.desk, tx, "INV-00000002", office.now, by="staff"))
    (account,) = office.looks
    await office.settle(account)
    await office.live([account], office.now)
    assert [label for label in await given_back(office) if "fee" in label] == [
        "Late fee: INV-00000002",
        "Late fee: INV-00000002, 1.5% per month",
    ]
    await sound(office)


async def test_a_note_for_what_was_written_off_pays_nothing_else(office: Office):
    """The invoice of May is given up and then void: that of April bears its fee of June all the
    same, and nobody bears one for what was given up.
    """
    account = await late(office, local(5, 3))
    desk = office.desk
    await office.run(lambda tx: write_off_invoice(desk, tx, "INV-00000004", office.now, reason="r"))
    await office.run(lambda tx: void(desk, tx, "INV-00000004", office.now, by="staff"))
    await office.settle(account)
    await office.live([account], local(6, 3))
    assert [each for each in await fees(office) if "INV-00000002" in each[1]] == [
        (date(2026, 4, 6), "Late fee: INV-00000002", 500),
        (date(2026, 5, 2), "Late fee: INV-00000002, 1.5% per month", 56),
        (date(2026, 6, 2), "Late fee: INV-00000002, 1.5% per month", 56),
    ]
    assert not [each for each in await fees(office) if "INV-00000004" in each[1]]
    await sound(office)


@pytest.mark.parametrize("kind", [MovementKind.REFUNDED, MovementKind.GIVEN_BACK])
async def test_money_that_was_given_back_pays_nothing(small_office: Office, kind):
    """Whether a provider tells each refund or their sum: what was paid in time is late again."""
    office = small_office
    account = await late(office, local(4, 2))
    await came(office, "37.20", local(4, 1), "C1")
    await office.live([account], local(4, 3))
    moved = Moved(charge="C1", ref="R1", amount=Money(3720, "EUR"), kind=kind)
    told = Told(account=account, number="100001", provider="cards", moved=moved)
    await office.run(lambda tx: hear(office.desk, tx, [told], [], office.now))
    await office.settle(account)
    await office.live([account], local(5, 3))
    assert [each[2] for each in await fees(office)] == [500, 56]
    bounced = replace(told, moved=replace(moved, kind=MovementKind.BOUNCED))
    await office.run(lambda tx: hear(office.desk, tx, [bounced], [], office.now))
    await office.settle(account)
    await sound(office)


async def test_staff_waives_a_fee_for_good(small_office: Office):
    """Its invoice void, or all of it given as goodwill, it does not come again."""
    office = small_office
    await late(office, local(4, 7))
    (account,) = office.looks
    await office.run(lambda tx: void(office.desk, tx, "INV-00000003", office.now, by="staff"))
    await office.settle(account)
    await office.live([account], local(5, 3))
    assert [each[2] for each in await fees(office)] == [500, 56]
    await given(office, "100%", line="INV-00000005.1")
    await office.settle(account)
    await office.live([account], local(5, 4))
    assert [each[2] for each in await fees(office)] == [500, 56]
    assert len(await given_back(office)) == 2
    await sound(office)


async def test_who_is_exempt_or_has_promised_bears_none(small_office: Office):
    """A promise puts the fee off until it is over; an exempt segment bears none."""
    office = small_office
    account = await late(office, local(4, 3))
    await give_word(office, date(2026, 4, 8))
    await office.settle(account)
    await office.live([account], local(4, 8))
    assert await fees(office) == []
    await office.live([account], local(4, 9))
    assert [each[0] for each in await fees(office)] == [date(2026, 4, 9)]
    await rules(office, replace(SEGMENT, is_exempt=True))
    await office.live([account], local(6, 9))
    assert len(await fees(office)) == 1
    await sound(office)


async def test_as_many_statements_for_many_who_are_late_as_for_one(office: Office):
    """What late fees follow from is read with one statement for all, and not where nobody is."""
    await rules(office)
    accounts = [await office.join(f"10000{n}", method=None) for n in range(1, 6)]
    made = []
    for day, batch in ((12, accounts), (20, accounts[:1]), (20, accounts[1:])):
        office.now = datetime(2026, 3, day, 9, tzinfo=UTC)
        async with counting(office.store) as (tx, counted):
            await settle(office.desk, tx, batch, office.now)
        made.append(counted.made)
    assert len(made[1]) == len(made[2])
    history = [one for one in made[1] if "bills" in one or "'bills'" in one]
    assert len(made[0]) < len(made[1]), history


BY_PROVIDER = DisputeFee(basis=Basis.PROVIDER, currency="EUR")
BY_US = DisputeFee(basis=Basis.FIXED, currency="EUR", amount_minor=990, tax="standard")
CAME = (MovementKind.CLEARED, 2520, "C")
EVENTS = (
    CAME,
    (MovementKind.DISPUTED, 2520, "D"),
    (MovementKind.FEE, 1500, "D"),
    (MovementKind.REINSTATED, 2520, "D"),
    (MovementKind.REFUNDED, 1000, "C"),
)
# Each by a name of its own, and a bank's line tells of what the provider tells of, too.
NAMED = (
    CAME,
    (MovementKind.DISPUTED, 2520, "E1"),
    (MovementKind.DISPUTED, 2520, "bank B1"),
    (MovementKind.REINSTATED, 2520, "E2"),
)
AGAIN = (CAME, NAMED[1], NAMED[3], (MovementKind.DISPUTED, 2520, "E3"))


async def told(office: Office, orders: list[tuple[tuple[MovementKind, int, str], ...]]) -> None:
    """Tell each account of its own charge, in an order of its own; all are settled each time."""
    accounts = await office.sign_up(
        *(household(str(n), method=None) for n in range(100_001, 100_001 + len(orders)))
    )
    keys = [one.account for one in accounts]
    await office.settle(*keys)
    for step in range(len(orders[0])):
        heard = []
        for n, (account, order) in enumerate(zip(keys, orders, strict=True)):
            kind, minor, ref = order[step]
            moved = Moved(charge=f"C{n}", ref=f"{ref} {n}", amount=Money(minor, "EUR"), kind=kind)
            heard.append(Told(account=account, number="", provider="cards", moved=moved))
        async with office.store.begin() as tx:
            await hear(office.desk, tx, heard, [], office.now)
        for _ in range(3):
            await office.settle(*keys)


async def ends(office: Office) -> set[tuple[int, int, int]]:
    """Return of each account the fees that stand, what is open, and its credit."""
    back = func.coalesce(func.sum(credit_line.c.amount_minor), 0)
    of = (credit_line.c.invoice_id == invoice_line.c.invoice_id) & (
        credit_line.c.invoice_n == invoice_line.c.n
    )
    left = select(back).where(of).scalar_subquery()
    i, o = invoice.c, open_item.c
    charged = (
        select(i.account_id, func.sum(invoice_line.c.amount_minor - left).label("minor"))
        .join_from(invoice_line, invoice)
        .where(i.is_fee)
        .group_by(i.account_id)
    )
    items = select(o.account_id, o.kind, func.sum(o.rest_minor).label("minor"))
    found: dict[str, list[int]] = {key: [0, 0, 0] for key in office.looks}
    async with office.store.read() as tx:
        for row in await tx.rows(charged):
            found[row.account_id][0] = int(row.minor)
        for row in await tx.rows(items.group_by(o.account_id, o.kind)):
            found[row.account_id][1 if row.kind == "invoice" else 2] = int(row.minor)
    return {(each[0], each[1], each[2]) for each in found.values()}


@pytest.mark.parametrize(
    ("rule", "events", "fee", "owed"),
    [
        # Won: the fee is given back, and of the payment 10.00 were refunded.
        (BY_PROVIDER, EVENTS, 0, 1000),
        (BY_US, EVENTS, 0, 1000),
        # Lost: all of the payment is owed again, and the fee.
        (BY_PROVIDER, EVENTS[:3], 1500, 2520 + 1500),
        (BY_US, EVENTS[:3], 990, 2520 + 990 + 198),
        (DisputeFee(basis=Basis.NONE, currency="EUR"), EVENTS[:3], 0, 2520),
        # Told by events of their own: won, lost, lost again.
        (BY_US, NAMED, 0, 0),
        (BY_US, NAMED[:3], 990, 2520 + 990 + 198),
        (BY_US, AGAIN, 990, 2520 + 990 + 198),
    ],
)
async def test_however_a_dispute_is_told_it_costs_the_same(office: Office, rule, events, fee, owed):
    """In every order of its events a lost dispute is charged once, one that is won is not."""
    await rules(office, replace(SEGMENT, late_fees=None, dispute_fee=rule))
    await told(office, [*permutations(events)])
    assert {(had, due - unused) for had, due, unused in await ends(office)} == {(fee, owed)}
    await sound(office)


async def test_a_tax_that_is_not_there_is_refused(small_office: Office):
    """Rules name a tax that has a rate."""
    wrong = replace(SEGMENT, late_fees=replace(RULES, tax="nosuch"))
    with pytest.raises(Invalid) as refused:
        await rules(small_office, wrong)
    assert refused.value.field == "dunning.late_fees.tax"
