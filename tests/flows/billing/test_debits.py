"""Direct debits: announced, in one batch, booked when nothing came back, stopped by the bank."""

import asyncio
import itertools
import json
import shutil
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import select

from billing.bank.store import bank_entry
from billing.debits.model import Back, Unclear
from billing.debits.pain008 import NAMESPACE
from billing.debits.store import mandate as mandate_table
from billing.dunning.dispute_fees import Basis, DisputeFee
from billing.dunning.segment import Segment, Segments
from billing.dunning.store import dunning_cut, dunning_notice
from billing.flows import methods
from billing.flows.bank import decide
from billing.flows.debits import mandate, present
from billing.flows.debits.back import Other
from billing.flows.pay import take_cash
from billing.flows.refund import give_back
from billing.payments.refunds import RefundWish
from billing.reads import debits as reading
from runtime.log import log_entry
from runtime.store import Store
from terms.errors import Duplicate, Invalid, InvalidTransition, NotFound
from terms.money import Money
from tests.fixtures.bank import Row, camt
from tests.fixtures.billing import LADDER, PUBLICATION, Office, make_office
from tests.fixtures.debits import CREDITOR, OTHER, PAYER, SEALER, Collector
from tests.flows.billing.books import balances, check_books, open_items
from tests.flows.billing.schema import tamper
from tests.flows.billing.test_bank import lines, sound, take
from tests.flows.billing.test_verify import broken

FIRST = Money(2520, "EUR")


@pytest.fixture
async def bank(office: Office) -> Collector:
    """Return an office that collects by direct debit, once on each engine."""
    return await Collector(office).opened()


@pytest.fixture
async def small_bank(small_office: Office) -> Collector:
    """Return one over SQLite alone."""
    return await Collector(small_office).opened()


async def texts(bank: Collector, batch: str, path: str) -> list[str]:
    """Return texts of the file of a batch."""
    async with bank.office.store.begin() as tx:
        content = await present.file_of(tx, SEALER, batch)
        assert content == await present.file_of(tx, SEALER, batch)
    root = etree.fromstring(content)
    return [found.text for found in root.iterfind(f".//{path}", {"p": NAMESPACE})]


async def pay(office: Office, amount: Money, reference: str = "R-1") -> None:
    """Pay at the counter."""
    async with office.store.begin() as tx:
        await take_cash(office.desk, tx, "100001", office.now, amount=amount, reference=reference)
    await office.settle(*office.looks)


async def test_an_invoice_is_announced_collected_and_booked(bank: Collector):
    """Told a fortnight before, in a file that stays as it is, paid when nothing came back."""
    office = bank.office
    await bank.join()
    ((key, state, _),) = await bank.attempts()
    assert (state, await bank.debits()) == ("open", {key: "announced"})
    async with office.store.read() as tx:
        told = [row.value for row in await tx.rows(select(log_entry)) if row.kind == "notice"]
    assert len(told) == 1
    assert '"day":"2026-03-25"' in told[0]
    await sound(office)
    assert "25.20 EUR" in told[0]
    assert "IBAN DE…2051" in told[0]
    await bank.announce()
    assert await bank.make() == []
    office.forward(days=13)
    (made,) = await bank.make()
    assert (made.collect_on, made.debits, made.total) == (date(2026, 3, 25), 1, FIRST)
    assert made.moved == 0
    assert len(await told_days(bank)) == 1
    assert await texts(bank, made.id, "p:EndToEndId") == [key]
    assert await texts(bank, made.id, "p:DbtrAcct/p:Id/p:IBAN") == [PAYER]
    assert await texts(bank, made.id, "p:SeqTp") == ["RCUR"]
    assert await bank.make() == []
    await sound(office)
    assert (await bank.hand_in(made.id), await bank.hand_in(made.id)) == (True, False)
    await sound(office)
    office.forward(days=7)
    assert await bank.book() == 0
    office.forward(days=1)
    assert (await bank.book(), await bank.book()) == (1, 0)
    assert (await bank.attempts())[0] == (key, "cleared", "")
    assert (await bank.debits())[key] == "booked"
    assert "INV-00000001" not in await open_items(office.store)
    (batch,) = await bank.batches()
    assert batch.booked_at == office.now
    await check_books(office.store)
    await sound(office)


async def test_a_batch_that_is_late_for_its_day_tells_the_new_one(bank: Collector):
    """No file has another day than its payers were told last; in time, nobody is told again."""
    office = bank.office
    await bank.join()
    await bank.join("100002", OTHER)
    await pay(office, Money(500, "EUR"))
    office.forward(days=15)
    (made,) = await bank.make()
    assert (made.collect_on, made.debits, made.moved) == (date(2026, 3, 27), 1, 1)
    assert await texts(bank, made.id, "p:ReqdColltnDt") == ["2026-03-27"]
    assert await told_days(bank) == ["2026-03-25", "2026-03-25", "2026-03-27"]
    assert await bank.make() == []
    assert len(await told_days(bank)) == 3


async def test_who_is_debited_is_not_reminded_until_the_bank_has_answered(bank: Collector):
    """Neither a notice nor a rung while a debit comes; after a return there is."""
    office = bank.office
    account = await bank.join(is_once=True)
    key = await bank.key(account)
    for _ in range(13):
        office.forward(days=1)
        await office.settle(account)
    (made,) = await bank.make()
    await bank.hand_in(made.id)
    assert await bank.stopped() == ["used"]
    office.forward(days=6)
    await office.settle(account)
    assert await reminded(bank) == []
    await bank.hear(Back(mark=key, code="AM04", amount=FIRST))
    await office.settle(account)
    assert await reminded(bank) == ["payment_reminder"]


async def reminded(bank: Collector) -> list[str]:
    """Return the steps of the ladder that were taken: notices and rungs."""
    async with bank.office.store.read() as tx:
        found = [row.kind for row in await tx.rows(select(dunning_notice))]
        return found + [row.rung for row in await tx.rows(select(dunning_cut))]


async def told_days(bank: Collector) -> list[str]:
    """Return the days that payers were told."""
    async with bank.office.store.read() as tx:
        rows = [row.value for row in await tx.rows(select(log_entry)) if row.kind == "notice"]
    return sorted(json.loads(row)["params"]["day"] for row in rows if "debit_comes" in row)


async def test_the_number_of_an_account_is_nowhere_in_the_clear(small_bank: Collector):
    """Neither while a mandate stands nor when a batch is made; what is shown is the last four."""
    await small_bank.join()
    await small_bank.presented()
    async with small_bank.office.store.read() as tx:
        for (table,) in await tx.fetch("SELECT name FROM sqlite_master WHERE type = 'table'"):
            found = await tx.fetch(f'SELECT * FROM "{table}"')
            assert PAYER not in repr(found), table


async def test_a_mandate_is_given_once_and_only_where_it_can_be_collected(bank: Collector):
    """The same again is the same; euros alone, a sound number, a new reference, a creditor."""
    office = bank.office
    await bank.join()
    again = await bank.give()
    assert not again.is_new
    told = await bank.give(reference=again.reference, signed_on=office.now.date())
    assert not told.is_new
    others: tuple[tuple[str, dict[str, Any]], ...] = (
        ("holder", {"holder": "Somebody Else"}),
        ("reference", {"reference": "OLD-1"}),
        ("reference", {"reference": "//no//"}),
        ("signed_on", {"signed_on": date(2026, 1, 1)}),
        ("once", {"is_once": True}),
    )
    for field, other_one in others:
        with pytest.raises(Duplicate, match=f"^{field}: "):
            await bank.give(**other_one)
    other = await bank.give(iban=OTHER, reference="OLD-1", signed_on=date(2024, 1, 1))
    assert (other.is_new, other.reference) == (True, "OLD-1")
    await office.join("100002", method=None)
    await office.join("100003", method=None, currency="JPY")
    with pytest.raises(Duplicate, match="OLD-1"):
        await bank.give("100002", reference="OLD-1")
    with pytest.raises(Invalid, match="JPY"):
        await bank.give("100003")
    with pytest.raises(Invalid, match="signed_on"):
        await bank.give("100002", signed_on=date(2023, 1, 1))
    with pytest.raises(Invalid, match="signed_on"):
        await bank.give("100002", signed_on=date(2026, 3, 12))
    with pytest.raises(NotFound):
        await bank.give("100009")


async def test_nothing_is_collected_while_nobody_collects(small_office: Office):
    """A mandate is refused before it is told who collects."""
    await small_office.join(method=None)
    with pytest.raises(InvalidTransition, match="nobody is set up"):
        await Collector(small_office).give()
    with pytest.raises(InvalidTransition, match="nobody is set up"):
        await Collector(small_office).make()
    assert await Collector(small_office).book() == 0


async def test_what_was_paid_otherwise_is_not_collected(bank: Collector):
    """All of it, and nothing is; a part of it, and the rest is announced anew."""
    office = bank.office
    one = await bank.key(await bank.join())
    two = await bank.key(await bank.join("100002", OTHER))
    await pay(office, Money(500, "EUR"))
    office.forward(days=20)
    (made,) = await bank.make()
    assert await texts(bank, made.id, "p:EndToEndId") == [two]
    await bank.announce()
    states = await bank.debits()
    assert states.pop(one) == "dropped"
    assert states.pop(two) == "presented"
    assert list(states.values()) == ["announced"]
    await pay(office, Money(2020, "EUR"), "R-2")
    office.forward(days=20)
    assert await bank.make() == []
    assert sorted((await bank.debits()).values()) == ["dropped", "dropped", "presented"]
    await check_books(office.store)


async def test_two_who_make_batches_at_once_never_collect_twice(bank: Collector):
    """However many click at the same moment, each debit is in one batch."""
    for n in range(3):
        await bank.join(f"10000{n}", (PAYER, OTHER, CREDITOR.iban)[n])
    bank.office.forward(days=20)
    made = await asyncio.gather(*(bank.make() for _ in range(5)))
    assert sorted(one.debits for some in made for one in some) == [3]
    assert set((await bank.debits()).values()) == {"presented"}


async def test_a_batch_is_withdrawn_before_the_bank_has_it(bank: Collector):
    """Its debits are announced anew; one that was handed in is not withdrawn."""
    office = bank.office
    await bank.join()
    office.forward(days=20)
    (made,) = await bank.make()
    assert await office.run(lambda tx: present.withdraw(office.desk, tx, made.id, office.now)) == 1
    with pytest.raises(InvalidTransition, match="withdrawn"):
        await office.run(lambda tx: present.withdraw(office.desk, tx, made.id, office.now))
    await office.settle(*office.looks)
    await bank.announce()
    assert sorted((await bank.debits()).values()) == ["announced", "dropped"]
    with pytest.raises(InvalidTransition, match="withdrawn"):
        await bank.hand_in(made.id)
    with pytest.raises(InvalidTransition, match="withdrawn"):
        await texts(bank, made.id, "p:EndToEndId")
    office.forward(days=20)
    (other,) = await bank.make()
    await bank.hand_in(other.id)
    with pytest.raises(InvalidTransition, match="handed in"):
        await office.run(lambda tx: present.withdraw(office.desk, tx, other.id, office.now))
    with pytest.raises(NotFound):
        await bank.hand_in("DD0")


@pytest.mark.parametrize(
    ("code", "stopped", "states"),
    [
        ("AM04", "", ["announced", "returned"]),
        ("MS02", "money_went_back", ["returned"]),
        ("AC04", "AC04", ["returned"]),
        ("MD01", "MD01", ["returned"]),
    ],
)
async def test_what_the_bank_says_decides_what_becomes_of_a_mandate(
    small_bank: Collector, code, stopped, states
):
    """Too little money is tried again by the ladder; a payer's no, or a closed account, is not."""
    bank = small_bank
    await bank.join()
    await bank.presented()
    ((key, _, _),) = await bank.attempts()
    assert (await bank.hear(Back(mark=key, code=code, amount=FIRST))).new == 1
    assert (await bank.hear(Back(mark=key, code="AM04"))).known == 1
    assert (await bank.attempts())[0] == (key, "failed", code)
    assert await bank.stopped() == [stopped]
    await bank.announce()
    assert sorted((await bank.debits()).values()) == states
    assert await bank.book() == 0


async def test_news_of_debits_that_nobody_knows_change_nothing(small_bank: Collector):
    """Nor of one that is in no batch yet, nor of another amount."""
    bank = small_bank
    await bank.join()
    ((key, _, _),) = await bank.attempts()
    for told in (Back(mark="X-0", code="AM04"), Back(mark=key, code="AM04")):
        assert (await bank.hear(told)).unknown == [told.mark]
    await bank.presented()
    wrong = Back(mark=key, code="AM04", amount=Money(1, "EUR"))
    heard = await bank.hear(wrong)
    assert heard == await bank.hear(wrong)
    assert (heard.new, heard.known, list(heard.unknown)) == (0, 0, [])
    assert list(heard.others) == [Other(mark=key, ours=FIRST, said=Money(1, "EUR"))]
    assert (await bank.attempts())[0][1] == "open"
    made = (await bank.batches())[0].id
    assert (await bank.hear(Back(mark=f"{made}-RCUR", code="FF01", is_batch=True))).new == 1
    assert (await bank.hear(Back(mark=made, code="FF01", is_batch=True))).known == 1


async def test_a_block_goes_back_whole_beside_single_debits(bank: Collector):
    """All but what is unclear; a debit's own word goes before that of its block; no other block."""
    await bank.opened(replace(CREDITOR, says_first=True))
    accounts = [await bank.join(f"10000{n}") for n in range(1, 4)]
    made = await bank.presented()
    first, second, third = [await bank.key(account) for account in accounts]
    block = Back(mark=f"{made.id}-FRST", code="AM05", is_batch=True)
    for kind in ("RCUR", "XXXX"):
        other = replace(block, mark=f"{made.id}-{kind}")
        assert (await bank.hear(other)).unknown == [other.mark]
    own = Back(mark=first, code="AC04", amount=FIRST)
    unclear = Unclear(mark=third, said="ACSP in what is RJCT")
    heard = await bank.hear(block, own, unclear=(unclear,))
    assert (heard.new, list(heard.unclear)) == (2, [unclear])
    found = {key: (state, code) for key, state, code in await bank.attempts()}
    assert found[first] == ("failed", "AC04")
    assert found[second] == ("failed", "AM05")
    assert found[third][0] == "open"


async def test_a_batch_tells_how_much_of_it_went_back(small_bank: Collector):
    """Some of it, or all; one of which all did never counts as paid, also when its time is over."""
    bank = small_bank
    keys = [await bank.key(await bank.join(f"10000{n}")) for n in range(1, 3)]
    await bank.presented()

    async def told() -> tuple[str, int, int]:
        async with bank.office.store.read() as tx:
            (one,) = await reading.batches(tx)
        return one.state.value, one.returned, one.debits

    await bank.hear(Back(mark=keys[0], code="AM04"))
    assert await told() == ("handed_in", 1, 2)
    bank.office.forward(days=10)
    assert await bank.book() == 1
    assert await told() == ("booked", 1, 2)
    await bank.hear(Back(mark=keys[1], code="MD06"))
    assert await told() == ("returned", 2, 2)


async def test_another_account_heals_a_mandate_and_the_bank_is_told(bank: Collector):
    """A closed account stops it; with a new one it is charged again, and the file says SMNDA."""
    office = bank.office
    account = await bank.join()
    await bank.presented()
    ((key, _, _),) = await bank.attempts()
    await bank.hear(Back(mark=key, code="AC04"))
    async with office.store.begin() as tx:
        method = str(await tx.scalar(select(mandate_table.c.method_id)))
        with pytest.raises(InvalidTransition, match="AC04"):
            await methods.prefer(office.desk, tx, "100001", method, office.now)
        label = await mandate.amend(
            office.desk, tx, SEALER, "100001", method=method, iban=OTHER, now=office.now
        )
    assert label == "IBAN DE…5030"
    await office.settle(account)
    await bank.announce()
    made = await bank.presented()
    assert await texts(bank, made.id, "p:OrgnlDbtrAcct/p:Id/p:Othr/p:Id") == ["SMNDA"]
    assert await texts(bank, made.id, "p:DbtrAcct/p:Id/p:IBAN") == [OTHER]
    office.forward(days=20)
    assert await bank.book() == 1
    async with office.store.begin() as tx:
        assert not await tx.scalar(select(mandate_table.c.is_amended))
        await methods.remove(office.desk, tx, "100001", method, office.now)
        with pytest.raises(InvalidTransition, match="removed"):
            await mandate.amend(
                office.desk, tx, SEALER, "100001", method=method, iban=PAYER, now=office.now
            )


async def test_a_mandate_for_one_debit_and_one_that_is_too_old_are_over(small_bank: Collector):
    """The first is used up with its debit, the second is stopped when it would be used."""
    bank = small_bank
    await bank.join(is_once=True)
    made = await bank.presented()
    assert await texts(bank, made.id, "p:SeqTp") == ["OOFF"]
    assert await bank.stopped() == ["used"]
    old = bank.office.now.date() - timedelta(days=3 * 365 - 5)
    await bank.join("100002", OTHER, signed_on=old)
    assert await bank.stopped() == ["expired", "used"]
    assert len(await bank.debits()) == 1


async def test_a_batch_that_is_late_is_collected_on_the_next_day_banks_take(small_bank: Collector):
    """What nobody has handed in in time keeps its notice and moves on; the first is called so."""
    bank = small_bank
    await bank.opened(replace(CREDITOR, says_first=True))
    await bank.join()
    bank.office.forward(days=30)
    (made,) = await bank.make()
    assert made.collect_on == CREDITOR.earliest(bank.office.now.date(), 10)
    assert await texts(bank, made.id, "p:SeqTp") == ["FRST"]
    # Not handed in, it is not booked either.
    bank.office.forward(days=30)
    assert await bank.book() == 0


async def test_a_statement_pays_for_batches_and_takes_debits_back(bank: Collector):
    """The bank's credit is no customer's; a return opens the invoice, and its price is ours."""
    office = bank.office
    one = await bank.join()
    key, other = await bank.key(one), await bank.key(await bank.join("100002", OTHER))
    made = await bank.presented()
    office.forward(days=20)
    assert await bank.book() == 2
    came = Row(amount="50.40", ref="B1", text=f"SEPA-CT {made.id}-RCUR")
    back = Row(amount="-28.20", ref="B2", end_to_end=key, reason="MD06", is_reversal=True)
    await take(office, camt(came, back))
    assert await lines(office) == {"B1": ("outside", "debits"), "B2": ("returned", "return")}
    assert await bank.debits() == {key: "returned", other: "booked"}
    assert (key, "reversed", "") in await bank.attempts()
    assert await bank.stopped() == ["", "money_went_back"]
    found = await balances(office.store)
    assert found["clearing", "bank", "EUR"] == 5040 - 2820
    assert ("clearing", "sepa", "EUR") not in found
    assert found["bank_charges", "bank", "EUR"] == 300
    assert found["receivable", one, "EUR"] == 2520 + 3720
    # A second line for the same debit is for a person.
    await take(office, camt(back.but(ref="B3", reason="AM04"), key="S-2"))
    assert (await lines(office))["B3"] == ("review", "no_payment")
    await sound(office)


async def test_a_debit_goes_back_by_a_transfer_of_our_own(small_bank: Collector):
    """No refund does it, and says so; the line of the transfer does, all of it, once."""
    bank = small_bank
    office = bank.office
    account = await bank.join()
    key = await bank.key(account)
    await bank.presented()
    office.forward(days=20)
    assert await bank.book() == 1
    asked = RefundWish(charge=key, reference="T-1", reason="a dark evening")
    async with office.store.begin() as tx:
        with pytest.raises(
            InvalidTransition, match=f"by direct debit.*bank return LINE {key}"
        ) as no:
            await give_back(office.desk, tx, "100001", asked, office.now, by="anna")
    assert no.value.field == "payment"
    sent = Row(amount="-25.20", ref="O1", text="Refund")
    await take(office, camt(sent, sent.but(ref="O2"), sent.but(ref="O3", amount="-5.00")))
    assert set((await lines(office)).values()) == {("suspense", "debit")}
    async with office.store.read() as tx:
        ids = {row.ref: row.id for row in await tx.rows(select(bank_entry))}
    async with office.store.begin() as tx:
        with pytest.raises(Invalid, match=r"it is of 25\.20 EUR"):
            await decide.take_back(office.desk, tx, ids["O3"], key, office.now)
        await decide.take_back(office.desk, tx, ids["O1"], key, office.now)
        with pytest.raises(Invalid, match="taken back already"):
            await decide.take_back(office.desk, tx, ids["O2"], key, office.now)
    await office.settle(*office.looks)
    assert (await lines(office))["O1"] == ("returned", "person")
    assert await bank.debits() == {key: "returned"}
    found = await balances(office.store)
    assert found["receivable", account, "EUR"] >= 2520
    await sound(office)


async def test_any_order_of_what_the_bank_says_ends_alike(sqlite_template, machine, tmp_path):
    """A report, a statement with the return and the credit, the clock, in any order, some twice."""
    begun = tmp_path / "begun.db"
    shutil.copy(sqlite_template, begun)
    store = Store(f"sqlite:///{begun}")
    bank = await Collector(make_office(store, machine)).opened()
    fee = DisputeFee(basis=Basis.FIXED, currency="EUR", amount_minor=990)
    segment = Segment(ladder=LADDER, dispute_fee=fee)
    await bank.office.publish(replace(PUBLICATION, segments=Segments({"": segment})))
    key = await bank.key(await bank.join())
    await bank.join("100002", OTHER)
    made = await bank.presented()
    now = bank.office.forward(days=20)
    await store.close()
    rows = {
        "credit": Row(amount="50.40", ref="B1", text=f"{made.id}-RCUR"),
        "return": Row(amount="-25.20", ref="B2", end_to_end=key, reason="AM04", is_reversal=True),
    }
    ends = set()
    for order in itertools.permutations(["report", "clock", *rows]):
        shutil.copy(begun, tmp_path / "books.db")
        store = Store(f"sqlite:///{tmp_path / 'books.db'}")
        try:
            office = make_office(store, machine, seed=7)
            office.now = machine.now = now
            office.looks = dict(bank.office.looks)
            end = await ended(Collector(office), [*order, order[0]], key, rows)
            if end not in ends:
                await check_books(store)
            ends.add(end)
        finally:
            await store.close()
    (end,) = ends
    assert "'INV-00000005', 990" in end  # it came back after it had counted as paid


async def ended(bank: Collector, order: list[str], key: str, rows: dict[str, Row]) -> str:
    """Live one order; returns what it ends in."""
    office = bank.office
    for what in order:
        if what == "report":
            await bank.hear(Back(mark=key, code="AM04", amount=FIRST))
        elif what == "clock":
            await bank.book()
        else:
            await take(office, camt(rows[what], key=what))
    await bank.announce()
    for _ in range(3):
        await office.settle(*office.looks)
    left = sorted((await open_items(office.store)).items())
    states = sorted((await bank.debits()).values())
    books = sorted((await balances(office.store)).items())
    return repr((left, states, books, await bank.stopped(), len(await bank.attempts())))


BREACHES = {
    "UPDATE debit_batch SET total_minor = total_minor + 1": "as its file says",
    "UPDATE debit SET batch_id = NULL": "was in a batch before",
    "UPDATE debit SET state = 'presented'": "was in a batch before",
    "DELETE FROM movement": "each debit that is booked",
    "UPDATE debit SET state = 'announced'": "each debit that is booked",
}


async def test_what_breaks_a_rule_of_debits_is_found(small_bank: Collector):
    """Sums, batches and movements that do not fit are named, and attempts nobody works for."""
    bank = small_bank
    await bank.join()
    await bank.presented()
    assert [state for _, state, _ in await bank.attempts()] == ["open"]
    await sound(bank.office)
    for change in (
        "DELETE FROM debit",
        "UPDATE debit SET state = 'dropped'",
        "UPDATE debit_batch SET booked_at = made_at",
    ):
        async with bank.office.store.rehearse() as tx:
            await tamper(tx, change)
            assert any("whose outcome is to come" in one for one in await broken(tx)), change
    bank.office.forward(days=20)
    assert await bank.book() == 1
    for change, says in BREACHES.items():
        async with bank.office.store.rehearse() as tx:
            await tamper(tx, change)
            assert any(says in one for one in await broken(tx)), change
