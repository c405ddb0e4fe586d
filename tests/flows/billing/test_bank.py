"""Statements of banks become money on accounts, or wait in suspense until a person decides."""

import shutil
from contextlib import nullcontext
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from billing.bank.reading import read
from billing.bank.store import bank_entry
from billing.flows.bank.decide import Share, assign, set_aside, suspend, take_back
from billing.flows.bank.take import Taken, batches, close, is_taken, look_again, take_lines
from billing.flows.bank.undo import undo
from billing.flows.movements import Told, hear
from billing.flows.refund import give_back
from billing.flows.top_up import PayOut, pay_out
from billing.flows.void import void
from billing.payments.model import Moved, MovementKind
from billing.payments.refunds import RefundWish
from billing.payments.store import movement, payment_method
from billing.reads.account import view
from billing.reads.bank import asides
from billing.subscriptions.model import Activation
from runtime.log import log_entry
from runtime.store import Store
from terms.errors import Duplicate, Invalid, InvalidTransition, NotFound
from terms.money import Money
from tests.fixtures.bank import OURS, Row, camt, mt940
from tests.fixtures.billing import Office, make_office
from tests.flows.billing.books import balances, check_books, open_items
from tests.flows.billing.test_verify import broken

PAYER, OTHER = "DE02120300000000202051", "DE02500105170137075030"
BY_INVOICE = Row(amount="25.20", text="INV-00000001", ref="B1", end_to_end="E1", iban=PAYER)
BY_NAME = Row(amount="25.20", text="thank you", ref="B2", name="100002 SUBSCRIBER", iban=OTHER)
NOBODY = Row(amount="7.00", text="hello", ref="B3", name="Nobody Known")
FEE = Row(amount="-5.00", code="CHRG", ref="B4")
BACK = BY_INVOICE.but(amount="-25.20", is_reversal=True, ref="B5")


async def take(office: Office, data: bytes) -> Taken:
    """Take a file, as the product does, and settle what it marked."""
    taken = Taken()
    for one in read(data):
        async with office.store.begin() as tx:
            await is_taken(tx, one)
        for batch in batches(one):
            async with office.store.begin() as tx:
                await take_lines(office.desk, tx, one, batch, office.now, taken=taken)
        async with office.store.begin() as tx:
            await close(tx, one, office.now)
    await office.settle(*office.looks)
    return taken


async def lines(office: Office) -> dict[str, tuple[str, str]]:
    """Return how each line lies, by its reference."""
    async with office.store.read() as tx:
        found = await tx.rows(select(bank_entry))
    return {row.ref: (row.state, row.why) for row in found}


async def driven(office: Office, sql: str) -> None:
    """Write past all flows."""
    async with office.store.begin() as tx:
        await tx.driver(sql)


async def entry(office: Office, ref: str) -> str:
    """Return the id of a line."""
    async with office.store.read() as tx:
        return str(await tx.scalar(select(bank_entry.c.id).where(bank_entry.c.ref == ref)))


async def sound(office: Office) -> None:
    """Check the books in every way there is."""
    await check_books(office.store)
    async with office.store.read() as tx:
        assert await broken(tx) == {}


async def books(office: Office) -> dict[str, int]:
    """Return the books of the bank, in minor units."""
    found: dict[str, int] = {}
    for (book, party, _), amount in (await balances(office.store)).items():
        if book in ("suspense", "bank_charges", "outside") or party == "bank":
            found[book] = found.get(book, 0) + amount
    return found


async def test_a_statement_becomes_money_where_it_belongs(office: Office):
    """By number, by name and amount, to nobody, to the bank: each line lies where it should."""
    await office.join()
    await office.join("100002")
    taken = await take(office, camt(BY_INVOICE, BY_NAME, NOBODY, FEE))
    assert taken.states == {"matched": 2, "suspense": 1, "charge": 1}
    assert await lines(office) == {
        "B1": ("matched", "invoice"),
        "B2": ("matched", "name"),
        "B3": ("suspense", "unknown"),
        "B4": ("charge", "charge"),
    }
    assert await open_items(office.store) == {}
    assert await books(office) == {"clearing": 5240, "suspense": -700, "bank_charges": 500}
    await sound(office)
    again = await take(office, camt(BY_INVOICE, BY_NAME, NOBODY, FEE))
    assert (again.known, again.states) == (4, {})
    assert await books(office) == {"clearing": 5240, "suspense": -700, "bank_charges": 500}
    with pytest.raises(Duplicate, match="other content"):
        await take(office, camt(BY_INVOICE, BY_NAME, NOBODY))


UNSURE = {
    "several": (Row(amount="25.20", text="INV-00000001 and 100002"), "review", "several"),
    "amount": (BY_NAME.but(amount="3.00"), "review", "amount"),
    "currency": (Row(amount="25.20", text="100003"), "suspense", "currency"),
    "debit": (Row(amount="-70.00", text="100001 rent"), "suspense", "debit"),
    "return": (BACK, "review", "no_payment"),
    "comes back": (BY_INVOICE.but(is_reversal=True), "review", "comes_back"),
    "a first name": (BY_NAME.but(name="Subscriber"), "suspense", "unknown"),
    "a short number": (Row(amount="25.20", text="flat 777"), "review", "weak"),
}


async def test_what_is_unsure_waits_in_suspense(office: Office):
    """Whatever is not certain waits, with the reason, and the books have it."""
    for contract in ("100001", "100002", "777"):
        await office.join(contract)
    await office.join("100003", currency="JPY")
    rows = [row.but(ref=name) for name, (row, _, _) in UNSURE.items()]
    await take(office, camt(*rows))
    assert await lines(office) == {name: (s, why) for name, (_, s, why) in UNSURE.items()}
    async with office.store.read() as tx:
        assert not await tx.rows(select(movement))
    await sound(office)


async def test_money_for_a_void_invoice_waits(office: Office):
    """An invoice that is void is no debt: its payment waits for a person, in its own state."""
    await office.join(activation=Activation.OPEN)
    async with office.store.begin() as tx:
        await void(office.desk, tx, "INV-00000001", office.now, by="a", reason="b")
    await office.settle(*office.looks)
    await take(office, camt(BY_INVOICE))
    assert await lines(office) == {"B1": ("suspense", "void")}
    await sound(office)


async def test_a_person_decides(office: Office):
    """A line is given to one account or to two, set aside or left; what is wrong is refused."""
    await office.join()
    await office.join("100002")
    rows = [NOBODY.but(ref=f"N{n}", iban=PAYER if n in (1, 4) else "") for n in range(1, 6)]
    await take(office, camt(*rows))
    one, two, three, four, five = [await entry(office, row.ref) for row in rows]
    desk, now = office.desk, office.now

    async def refused(error: type[Exception], story: Any) -> None:
        with pytest.raises(error):
            await office.run(story)

    both = [Share(contract="100001", amount="3.00"), Share(contract="100002", amount="4.00")]
    wrong = [both[0], Share(contract="100002", amount="4.01")]
    await refused(Invalid, lambda tx: assign(desk, tx, one, wrong, now))
    await refused(Invalid, lambda tx: assign(desk, tx, one, [both[0], both[0]], now))
    await refused(Invalid, lambda tx: assign(desk, tx, one, [], now))
    await refused(NotFound, lambda tx: assign(desk, tx, one, [Share(contract="x")], now))
    await refused(NotFound, lambda tx: assign(desk, tx, "x", both, now))
    await refused(NotFound, lambda tx: set_aside(desk, tx, one, now, provider="x"))
    # Who pays is learned from a person, and what else waits of this payer follows.
    await office.run(lambda tx: assign(desk, tx, one, [Share(contract="100001")], now))
    await office.run(lambda tx: assign(desk, tx, two, both, now))
    for reason in ("", " ", "x" * 255):
        await refused(Invalid, lambda tx, why=reason: set_aside(desk, tx, three, now, reason=why))
    await office.run(lambda tx: set_aside(desk, tx, three, now, reason=" rent "))
    async with office.store.read() as tx:
        (told,) = await asides(tx, limit=9)
    assert (told.id, told.reason, told.amount) == (three, "rent", Money(700, "EUR"))
    await office.run(lambda tx: suspend(desk, tx, five, now))
    for done in (one, two, three, four):
        await refused(
            InvalidTransition,
            lambda tx, done=done: assign(desk, tx, done, [Share(contract="100001")], now),
        )
    await office.settle(*office.looks)
    assert await lines(office) == {
        "N1": ("assigned", "person"),
        "N2": ("assigned", "person"),
        "N3": ("outside", "person"),
        "N4": ("matched", "payer"),
        "N5": ("suspense", "person"),
    }
    assert await books(office) == {"clearing": 3500, "suspense": -700, "outside": -700}
    assert await open_items(office.store) == {
        "INV-00000001": 2520 - 700 - 300 - 700,
        "INV-00000002": 2520 - 400,
    }
    await sound(office)
    grows = {"bank_statement": "id = 'X'", "bank_part": "amount_minor = 1"}
    for table, change in (grows | {"bank_aside": "reason = ''"}).items():
        for attack in (f"UPDATE {table} SET {change}", f"DELETE FROM {table}"):
            with pytest.raises(DBAPIError, match="only grows"):
                await driven(office, attack)


async def test_a_payment_by_transfer_goes_back_by_one_of_our_own(small_office: Office):
    """No refund and no wallet gives it back, and both say what does; its line on the statement."""
    office = small_office
    await office.join()
    await take(office, camt(BY_INVOICE.but(amount="30.00")))
    await office.settle(*office.looks)
    charge = f"{await entry(office, 'B1')}.1"
    asked = RefundWish(charge=charge, reference="T-1", reason="a dark evening")
    wish = PayOut(reason="moves away", reference="P-1")
    async with office.store.begin() as tx:
        with pytest.raises(InvalidTransition, match=f"by a transfer.*bank return LINE {charge}"):
            await give_back(office.desk, tx, "100001", asked, office.now, by="anna")
        with pytest.raises(Invalid, match="from a bank goes back by a transfer of your own"):
            await pay_out(office.desk, tx, "100001", wish, office.now, by="anna")
    await take(office, camt(Row(amount="-30.00", ref="O1"), key="S-2", number=2))
    sent, desk, now = await entry(office, "O1"), office.desk, office.now
    await office.run(lambda tx: take_back(desk, tx, sent, charge, now))
    await office.settle(*office.looks)
    assert (await lines(office))["O1"] == ("returned", "person")
    assert await open_items(office.store) == {"INV-00000001": 2520}
    await sound(office)


async def test_a_return_takes_its_payment_back(office: Office):
    """It finds the payment by its references, also before that came, or by a person's word."""
    await office.join()
    await take(office, mt940(BACK, opening="125.20", number=2))
    assert await lines(office) == {"B5": ("review", "no_payment")}
    await sound(office)
    await take(office, camt(BY_INVOICE))
    await office.settle(*office.looks)
    assert await lines(office) == {"B1": ("matched", "invoice"), "B5": ("returned", "return")}
    assert await open_items(office.store) == {"INV-00000001": 2520}
    assert await books(office) == {}
    await sound(office)
    again = BY_INVOICE.but(ref="B6", end_to_end="E6")
    strange = BACK.but(ref="B7", end_to_end="")
    await take(office, camt(again, strange, key="S-3", number=3))
    assert (await lines(office))["B7"] == ("review", "no_payment")
    back, paid = await entry(office, "B7"), await entry(office, "B6")
    gone = await entry(office, "B1")
    desk, now = office.desk, office.now
    with pytest.raises(NotFound):
        await office.run(lambda tx: take_back(desk, tx, back, "x", now))
    with pytest.raises(Invalid):
        await office.run(lambda tx: take_back(desk, tx, back, gone, now))
    await office.run(lambda tx: take_back(desk, tx, back, paid, now))
    await office.settle(*office.looks)
    assert await books(office) == {}
    await sound(office)


async def test_a_split_payment_goes_back_in_parts_or_whole(office: Office):
    """The amount tells which part, or the word of who says so; each goes back once."""
    for contract in ("100001", "100002", "100003"):
        await office.join(contract)
    split = {
        "N1": ["100001=3.00", "100002=4.00"],
        "N2": ["100001=2.00", "100002=2.00", "100003=3.00"],
    }
    await take(office, camt(*[NOBODY.but(ref=ref) for ref in split]))
    desk, now, ids = office.desk, office.now, {ref: await entry(office, ref) for ref in split}
    for ref, wishes in split.items():
        parts = [one.partition("=") for one in wishes]
        shares = [Share(contract=contract, amount=amount) for contract, _, amount in parts]
        async with office.store.begin() as tx:
            await assign(desk, tx, ids[ref], shares, now)
    amounts = {"X1": "-7.00", "X2": "-2.00", "X3": "-4.00"}
    backs = [Row(amount=amount, ref=ref, is_reversal=True) for ref, amount in amounts.items()]
    await take(office, camt(*backs, key="S-2"))
    back = {ref: await entry(office, ref) for ref in amounts}
    asked = [
        ("X3", "N2", "it is of 2.00 EUR, 2.00 EUR, 3.00 EUR"),
        ("X2", "N2", "several parts"),
        ("X1", "N1", ""),
        ("X3", "N1", "taken back already"),
    ]
    for ref, of, why in asked:
        refused = pytest.raises(Invalid, match=why) if why else nullcontext()
        async with office.store.begin() as tx:
            with refused:
                await take_back(desk, tx, back[ref], ids[of], now)
    await office.run(lambda tx: take_back(desk, tx, back["X2"], f"{ids['N2']}.2", now))
    await office.settle(*office.looks)
    assert await open_items(office.store) == {
        "INV-00000001": 2520 - 200,
        "INV-00000002": 2520,
        "INV-00000003": 2520 - 300,
    }
    await sound(office)


async def test_a_wrong_assignment_is_undone(office: Office):
    """The money is the other household's; nothing is confirmed of its payer, no card is stopped."""
    one = await office.join()
    await office.join("100002")
    await take(office, camt(BY_INVOICE, NOBODY.but(iban=PAYER)))
    desk, now = office.desk, office.now
    sure, other = await entry(office, "B1"), await entry(office, "B3")
    await office.run(lambda tx: assign(desk, tx, other, [Share(contract="100001")], now))
    await office.settle(*office.looks)
    async with office.store.begin() as tx:
        await undo(desk, tx, sure, now)
        await undo(desk, tx, other, now)
    await office.settle(*office.looks)
    await sound(office)
    assert (await open_items(office.store))["INV-00000001"] == 2520
    assert set((await lines(office)).values()) == {("suspense", "person")}
    # Nobody but a person looks at it again, and the payer is known no more.
    await office.run(lambda tx: look_again(desk, tx, now))
    await take(office, camt(NOBODY.but(iban=PAYER, ref="B9"), key="S-2"))
    assert (await lines(office))["B1"] == ("suspense", "person")
    assert (await lines(office))["B9"] == ("suspense", "unknown")
    async with office.store.read() as tx:
        stopped = await tx.rows(select(payment_method.c.stopped))
    assert {row.stopped for row in stopped} == {""}
    await office.run(lambda tx: undo(desk, tx, sure, now))
    for _ in range(2):
        await office.run(lambda tx: assign(desk, tx, sure, [Share(contract="100002")], now))
        await office.settle(*office.looks)
        assert "INV-00000002" not in await open_items(office.store)
        await office.run(lambda tx: undo(desk, tx, sure, now))
        await office.settle(*office.looks)
        await sound(office)
    await office.run(lambda tx: assign(desk, tx, sure, [Share(contract="100002")], now))
    await take(office, camt(BACK, key="S-3"))
    assert (await lines(office))["B5"] == ("returned", "return")
    with pytest.raises(InvalidTransition, match="taken back by the bank"):
        await office.run(lambda tx: undo(desk, tx, sure, now))
    await sound(office)
    assert (await balances(office.store))["receivable", one, "EUR"] == 2520
    with pytest.raises(DBAPIError, match="only grows"):
        await driven(office, "DELETE FROM bank_undone")


async def test_what_was_set_aside_by_mistake_is_taken_back(office: Office):
    """It waits for a person, whatever it was taken for, as often as somebody errs; told again."""
    await office.join()
    providers: Any = {"cards": None}
    desk = replace(office.desk, providers=providers)
    now = office.now
    await take(office, camt(BY_INVOICE.but(text="", end_to_end=""), NOBODY))
    line, other = await entry(office, "B1"), await entry(office, "B3")
    for provider, book in (("cards", "clearing"), ("", "outside"), ("", "outside")):
        before = await balances(office.store)
        async with office.store.begin() as tx:
            await set_aside(desk, tx, line, now, provider=provider, reason="rent")
        assert (await balances(office.store))[book, provider, "EUR"] == -2520
        for _ in range(2):
            await office.run(lambda tx: undo(desk, tx, line, now))
            assert {k: v for k, v in (await balances(office.store)).items() if v} == before
        async with office.store.read() as tx:
            assert await asides(tx, limit=9) == []
        await sound(office)
    assert (await lines(office))["B1"] == ("suspense", "person")
    # Nobody but a person decides about it, and then as about every other.
    assert await office.run(lambda tx: look_again(desk, tx, now)) == (0, "")
    await office.run(lambda tx: assign(desk, tx, line, [Share(contract="100001")], now))
    await office.settle(*office.looks)
    await office.run(lambda tx: undo(desk, tx, line, now))
    await office.settle(*office.looks)
    await office.run(lambda tx: set_aside(desk, tx, line, now, reason="the rent"))
    await sound(office)
    with pytest.raises(InvalidTransition, match="on no account and not set aside"):
        await office.run(lambda tx: undo(desk, tx, other, now))
    for attack in ("UPDATE bank_aside_undone SET undone_at = 1", "DELETE FROM bank_aside_undone"):
        with pytest.raises(DBAPIError, match="only grows"):
            await driven(office, attack)
    await driven(office, f"UPDATE bank_entry SET state = 'review' WHERE id = '{line}'")
    async with office.store.read() as tx:
        assert any("set aside" in rule for rule in await broken(tx))


async def test_a_return_set_aside_by_mistake_waits_for_a_person(office: Office):
    """No statement and no retry decides about it, though its payment is known by then."""
    await office.join()
    await take(office, camt(BACK))
    desk, now = office.desk, office.now
    line = await entry(office, "B5")
    await office.run(lambda tx: set_aside(desk, tx, line, now, reason="a fee"))
    await office.run(lambda tx: undo(desk, tx, line, now))
    await take(office, camt(BY_INVOICE, key="S-2"))
    assert (await lines(office))["B5"] == ("suspense", "person")
    paid = await entry(office, "B1")
    await office.run(lambda tx: take_back(desk, tx, line, paid, now))
    assert (await lines(office))["B5"] == ("returned", "person")
    await office.settle(*office.looks)
    await sound(office)


async def test_a_batch_of_debits_is_not_set_aside_by_a_person(office: Office):
    """What pays for a batch of direct debits lies outside by itself: nobody takes it back."""
    await office.join()
    await take(office, camt(NOBODY))
    line = await entry(office, "B3")
    await driven(office, f"UPDATE bank_entry SET state = 'outside' WHERE id = '{line}'")
    with pytest.raises(InvalidTransition, match="no person has set it aside"):
        await office.run(lambda tx: undo(office.desk, tx, line, office.now))


async def test_a_debit_that_failed_takes_back_what_its_provider_said(office: Office):
    """A bank's return of a provider's charge reverses that, once, whoever tells it first."""
    account = await office.join()
    desk = make_office(office.store, office.machine).desk
    providers: Any = {"debits": None}
    desk = type(desk)(work=desk.work, clock=desk.clock, chance=desk.chance, providers=providers)
    kinds = (
        ("E1", MovementKind.CLEARED),
        ("E2", MovementKind.CLEARED),
        ("E2", MovementKind.DISPUTED),
    )
    told = [
        Told(
            account=account,
            number="100001",
            provider="debits",
            moved=Moved(charge=charge, ref=f"{charge}{kind}", amount=Money(2520, "EUR"), kind=kind),
        )
        for charge, kind in kinds
    ]
    await office.run(lambda tx: hear(desk, tx, told, [], office.now))
    office.desk = desk
    await take(office, camt(BACK, BACK.but(ref="B8", end_to_end="E2")))
    assert set((await lines(office)).values()) == {("returned", "return")}
    assert await open_items(office.store) == {"INV-00000001": 2520}
    found = await balances(office.store)
    assert found["clearing", "bank", "EUR"] == -5040
    assert found["clearing", "debits", "EUR"] == 5040
    await sound(office)
    # The provider says the same of both by now, and that it has won.
    late = [
        replace(told[0], moved=replace(told[0].moved, charge=charge, ref=f"{charge}{n}", kind=kind))
        for n, kind in enumerate((MovementKind.DISPUTED, MovementKind.REINSTATED))
        for charge in ("E1", "E2")
        if charge == "E1" or kind is MovementKind.REINSTATED
    ]
    await office.run(lambda tx: hear(desk, tx, late, [], office.now))
    await office.settle(*office.looks)
    assert await open_items(office.store) == {"credit": 2520}
    await sound(office)
    # Each dispute is one fact, and one line of the household's payments.
    async with office.store.read() as tx:
        facts = await tx.rows(select(log_entry.c.kind))
        shown = await view(tx, "100001")
    assert [row.kind for row in facts].count("payment.reversed") == 2
    assert [one.kind for one in shown.payments].count(MovementKind.DISPUTED) == 2


async def test_what_waits_is_looked_at_again(office: Office):
    """A line that came before its household signed up finds it later."""
    await take(office, camt(Row(amount="25.20", text="100001", ref="B1")))
    await office.join()
    gone, _ = await office.run(lambda tx: look_again(office.desk, tx, office.now))
    await office.settle(*office.looks)
    assert gone == 1
    assert await lines(office) == {"B1": ("matched", "account")}
    await sound(office)


# One life of a bank account, and the files that tell it: each line in two or more of them.
LIFE = (
    BY_INVOICE,
    BY_NAME.but(ref=""),
    BY_NAME.but(ref=""),
    NOBODY.but(ref="", text="x"),
    NOBODY.but(ref="", text="x"),
    FEE,
    BACK,
    Row(amount="31.00", text="INV 2", end_to_end="E9"),
)


def told(start: int, end: int) -> bytes:
    """Write the statement of a part of that life."""
    before = Decimal(100) + sum(Decimal(row.amount) for row in LIFE[:start])
    return camt(*LIFE[start:end], key=f"S-{start}-{end}", opening=str(before))


CUTS = ((0, 8), (0, 3), (2, 6), (3, 8), (4, 5), (6, 8))


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(CUTS[1:]), twice=st.booleans(), whole=st.integers(0, 6))
async def test_any_order_and_overlap_of_files_ends_alike(
    sqlite_template, tmp_path_factory, machine, order, twice, whole
):
    """Files in any order, repeated or overlapping, settled in between: the books end alike."""
    files = list(order)
    if whole < len(files):
        files.insert(whole, CUTS[0])
    folder = tmp_path_factory.mktemp("bank")
    shutil.copy(sqlite_template, folder / "books.db")
    store = Store(f"sqlite:///{folder / 'books.db'}")
    try:
        office = make_office(store, machine)
        await office.publish()
        one, two = await office.join(method=None), await office.join("100002", method=None)
        for start, end in files + files[:3] * twice:
            await take(office, told(start, end))
        async with store.read() as tx:
            states = sorted(row.state for row in await tx.rows(select(bank_entry.c.state)))
        assert states == ["charge", *["matched"] * 4, "returned", *["suspense"] * 2]
        assert await balances(store) == {
            ("clearing", "bank", "EUR"): 2520 + 2520 + 3100 + 700 + 700 - 500,
            ("suspense", OURS, "EUR"): -1400,
            ("bank_charges", "bank", "EUR"): 500,
            ("receivable", one, "EUR"): 2520,
            ("credit", two, "EUR"): -2520 - 3100,
            ("revenue", "", "EUR"): -4200,
            ("tax", "standard", "EUR"): -840,
        }
        await sound(office)
    finally:
        await store.close()
