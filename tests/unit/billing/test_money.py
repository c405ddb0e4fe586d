"""Tax, postings and allocation, as properties."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.accounts.model import Account
from billing.catalog.model import Price
from billing.invoicing.model import Heading, draw_up, posting
from billing.ledger.model import Book, Entry, Posting, PostingKind
from billing.payments.allocation import Wallet, canonical
from billing.payments.model import Movement, MovementKind, taken_back
from billing.rating.model import Line, LineKind, once
from billing.tax.assessment import Assessor
from billing.tax.model import TaxRate, TaxTable
from terms.calendar import days_after
from terms.errors import NotFound
from terms.ids import AccountId, InvoiceId, ServiceId
from terms.money import Money, Rate

DAY = date(2026, 3, 11)
AT = datetime(2026, 3, 11, 9, tzinfo=UTC)
ACCOUNT = Account(
    id=AccountId("A"),
    number="1",
    currency="EUR",
    zone="Europe/Vienna",
    locale="en",
    bill_day=1,
    terms_days=14,
)


def table(**rates: str) -> Assessor:
    """Make a table of taxes with one rate each, ready to tax."""
    return Assessor(
        TaxTable.of(
            TaxRate(tax=name, effective_from=date(2000, 1, 1), rate=Rate.parse(rate))
            for name, rate in rates.items()
        )
    )


def test_a_rate_counts_from_its_day():
    """The rate of the day of issue is charged; before the first rate there is none."""
    rates = TaxTable.of(
        TaxRate(tax="t", effective_from=date(2026, month, 1), rate=Rate.parse(rate))
        for month, rate in ((7, "21%"), (1, "20%"))
    )
    assert str(rates.rate_on("t", date(2026, 6, 30))) == "20%"
    assert str(rates.rate_on("t", date(2026, 7, 1))) == "21%"
    for tax, day in (("t", date(2025, 12, 31)), ("none", DAY)):
        with pytest.raises(NotFound):
            rates.rate_on(tax, day)


def line(amount: int, tax: str = "standard") -> Line:
    """Make a line."""
    price = Price(offering="PLAN", effective_from=DAY, amount=Money(amount, "EUR"))
    charge = once(LineKind.RECURRING, DAY, price, price.amount, tax)
    return Line(service=ServiceId("V"), subject="S", label="Plan", charge=charge)


@given(st.lists(st.tuples(st.integers(0, 10**7), st.sampled_from("ab")), min_size=1, max_size=9))
def test_every_invoice_balances(found):
    """Lines, groups and totals of any invoice agree, and its posting sums to nothing."""
    heading = Heading(id=InvoiceId("I"), sequence=7, at=AT, is_prepaid=False)
    taxes = table(a="20%", b="8.875%")
    invoice = draw_up(ACCOUNT, heading, [line(amount, tax) for amount, tax in found], taxes)
    assert invoice.net.amount_minor == sum(amount for amount, _ in found)
    assert invoice.total == invoice.net + invoice.tax
    assert sum(group.net.amount_minor for group in invoice.groups) == invoice.net.amount_minor
    assert (invoice.number, invoice.due_on) == ("INV-00000007", date(2026, 3, 25))
    booked = posting(invoice)
    if booked is None:
        assert invoice.total.amount_minor == 0
    else:
        assert sum(entry.amount.amount_minor for entry in booked.entries) == 0


def test_what_must_be_paid_first_is_due_at_once():
    """An invoice that lights a service is due on the day of issue, whatever the terms."""
    heading = Heading(id=InvoiceId("I"), sequence=1, at=AT, is_prepaid=True)
    assert draw_up(ACCOUNT, heading, [line(100)], table(standard="0%")).due_on == DAY


@pytest.mark.parametrize("amounts", [(1, -2), (5,), (), (0,)])
def test_code_refuses_what_does_not_balance(amounts: tuple[int, ...]):
    """A posting that does not balance, or of one side only, cannot even be made."""
    sides = [Entry(book=Book.REVENUE, party="", amount=Money(each, "EUR")) for each in amounts]
    with pytest.raises(ValueError, match=r"balance|fewer"):
        Posting(id="P", kind=PostingKind.INVOICE, account=ACCOUNT.id, on=DAY, at=AT, entries=sides)


invoices = st.lists(
    st.tuples(st.booleans(), st.integers(0, 40), st.integers(1, 500)), min_size=1, max_size=6
)
moves = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(1, 600), st.booleans()), max_size=10
)


@given(invoices, moves, st.randoms(use_true_random=False))
def test_what_is_open_depends_on_invoices_and_money_alone(found, money, chance):
    """However money came and went back, the oldest invoices are the paid ones, and fees last."""
    wallet = Wallet(currency="EUR")
    debts = {
        InvoiceId(str(n)): ((is_fee, days_after(DAY, due), n), amount)
        for n, (is_fee, due, amount) in enumerate(found)
    }
    queue = [*debts.items()]
    chance.shuffle(queue)
    held: dict[str, int] = {}
    for name, amount, comes_in in money:
        if queue and chance.random() < 0.5:
            invoice, (order, owed) = queue.pop()
            wallet.owe(invoice, order, owed)
            wallet.use()
            # An invoice that is older than paid ones takes their money.
            wallet.give_back("none", 0)
        if comes_in:
            held[name] = held.get(name, 0) + amount
            wallet.receive(name, amount)
        else:
            back = min(amount, held.get(name, 0))
            held[name] = held.get(name, 0) - back
            wallet.give_back(name, back)
    for invoice, (order, owed) in queue:
        wallet.owe(invoice, order, owed)
    wallet.use()
    wallet.give_back("none", 0)
    assert wallet.debts == canonical(debts, sum(held.values()))
    assert all(part >= 0 for part in wallet.paid.values())
    for name, amount in held.items():
        used = sum(part for (payer, _), part in wallet.paid.items() if payer == name)
        assert used + wallet.credits.get(name, 0) == amount
    for invoice, (_, owed) in debts.items():
        used = sum(part for (_, one), part in wallet.paid.items() if one == invoice)
        assert used + wallet.debts.get(invoice, 0) == owed
    if any(not order[0] for invoice, (order, _) in debts.items() if invoice in wallet.debts):
        fees = [invoice for invoice, (order, _) in debts.items() if order[0]]
        assert all(wallet.debts[invoice] == debts[invoice][1] for invoice in fees)


def test_more_than_came_cannot_go_back():
    """Giving back what was never received is a mistake of ours, not a booking."""
    wallet = Wallet(currency="EUR")
    wallet.receive("M", 100)
    with pytest.raises(ValueError, match="less than"):
        wallet.give_back("M", 101)


kinds = st.sampled_from(list(MovementKind))


@given(st.lists(st.tuples(kinds, st.integers(1, 100)), max_size=8), st.randoms())
def test_what_went_back_never_exceeds_what_came(found, chance):
    """P5: in any order no more goes back than came in, and nothing of what never came."""
    movements = [
        Movement(
            id=str(n),
            account=ACCOUNT.id,
            provider="p",
            charge="c",
            ref=str(n),
            kind=kind,
            amount=Money(amount, "EUR"),
            attempt=None,
            received_at=AT,
        )
        for n, (kind, amount) in enumerate(found)
    ]
    came = sum(amount for kind, amount in found if kind is MovementKind.CLEARED)
    back = taken_back(movements)
    assert 0 <= back <= came
    chance.shuffle(movements)
    assert taken_back(movements) == back
