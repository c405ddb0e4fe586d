"""Tax, postings, allocation, anchors and amounts, against published vectors and as properties."""

from datetime import UTC, date, datetime
from fractions import Fraction

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
from billing.tax.model import TaxRate, TaxTable, assess
from terms.calendar import Period, days_after, local_date, period_after, period_containing
from terms.errors import NotFound
from terms.ids import AccountId, InvoiceId, ServiceId
from terms.money import Money, Rate, divide_half_up, exponent
from tests.unit.billing.vectors import of_area, vector

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


def table(**rates: str) -> TaxTable:
    """Make a table of taxes with one rate each."""
    return TaxTable.of(
        TaxRate(tax=name, effective_from=date(2000, 1, 1), rate=Rate.parse(rate))
        for name, rate in rates.items()
    )


def exact(text: str, currency: str = "EUR") -> Money:
    """Round an exact amount half up to the minor unit, as every line is."""
    scaled = Fraction(text) * 10 ** exponent(currency)
    return Money(divide_half_up(scaled.numerator, scaled.denominator), currency)


def test_lines_are_rounded_first():
    """EN-H01: three lines of 3.333 are 9.99, their tax is 2.00, the total 11.99."""
    given_, expected = vector("EN-H01")
    lines = [("t", exact(amount)) for amount, _ in given_["lines"]]
    (group,) = assess(lines, table(t="20%"), DAY)
    assert [str(one) for _, one in lines] == [f"{a} EUR" for a in expected["line_amounts"]]
    assert str(group.net) == f"{expected['base']} EUR"
    assert str(group.amount) == f"{expected['tax']} EUR"
    assert str(group.net + group.amount) == f"{expected['total']} EUR"


def test_each_rate_is_taxed_once():
    """LG-H03: eight discounted lines at two rates are taxed 18.90, once per rate."""
    given_, expected = vector("LG-H03")
    discounts = [Fraction(str(each)) for each in expected["line_discount_cents"]]
    nets = [Fraction(c) - d for c, d in zip(given_["lines_cents"], discounts, strict=True)]
    # The lines are rounded so that they sum to the subtotal: by largest remainder.
    shares = Money(expected["subtotal_cents"], "EUR").allocate([int(n * 10**5) for n in nets])
    taxes = [f"t{percent}" for percent in given_["tax_pct"]]
    lines = list(zip(taxes, shares, strict=True))
    groups = assess(lines, table(t10="10%", t20="20%"), DAY)
    assert sum(g.amount.amount_minor for g in groups) == expected["tax_if_rounded_per_rate_group"]
    assert sum(g.net.amount_minor for g in groups) == expected["subtotal_cents"]


def test_unused_days_with_tax():
    """LG-J05: 3 of 28 days of 50.00 and 20 % are 5.36, 1.07 and 6.43."""
    given_, expected = vector("LG-J05")
    net = Money.parse(given_["fee"], "EUR").portion(given_["days"], given_["month_days"])
    (group,) = assess([("t", net)], table(t=f"{given_['tax_pct']}%"), DAY)
    assert (str(net), str(group.amount), str(net + group.amount)) == (
        f"{expected['net']} EUR",
        f"{expected['tax']} EUR",
        f"{expected['total']} EUR",
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


@pytest.mark.parametrize("key", ["DX-01", "DX-02"])
def test_parts_sum_to_the_whole(key: str):
    """Largest remainder: 12.00 in five shares, 100.00 in three, without losing a cent."""
    given_, expected = vector(key)
    weights = given_.get("weights") or [1] * given_["parts"]
    parts = Money(given_["amount_cents"], "EUR").allocate(weights)
    assert [part.amount_minor for part in parts] == (expected.get("parts") or expected["ours"])


def test_daily_shares_sum_to_the_month():
    """DX-03: 10.00 over 31 days are 8 days of 0.33 and the rest of 0.32."""
    given_, expected = vector("DX-03")
    parts = Money(given_["amount_cents"], "EUR").allocate([1] * given_["days"])
    assert sum(part.amount_minor for part in parts) == expected["ours_sum"]
    assert [part.amount_minor for part in parts].count(33) == expected["ours_days_at_33"]


def test_ratios_are_never_rounded():
    """DX-05: a third of a hundred million is exact to the cent; DX-06: halves go up."""
    given_, expected = vector("DX-05")
    numerator, denominator = map(int, given_["fraction"].split("/"))
    third = Money.parse(given_["amount"], "EUR").portion(numerator, denominator)
    assert str(third) == f"{expected['exact']} EUR"
    halves, ups = vector("DX-06")
    assert [str(exact(each)) for each in halves["amounts"]] == [f"{u} EUR" for u in ups["half_up"]]
    scale, scaled = vector("CB-H01")
    raw = str(Fraction(scale["price"]) * Fraction(scale["quantity"]))
    assert [str(exact(raw, code)) for code in ("USD", "JPY")] == [
        f"{scaled[code]} {code}" for code in ("USD", "JPY")
    ]


# KB-C03 is about an annual period.
@pytest.mark.parametrize("key", [k for k in of_area("anchor.first_cycle") if k != "KB-C03"])
def test_the_first_anchor_on_or_after_the_start(key: str):
    """The first cycle begins on the anchor on or after the start, clamped to its month."""
    given_, expected = vector(key)
    assert given_["period"] == "monthly"
    start = date.fromisoformat(given_["start"])
    period = period_containing(start, given_["bill_cycle_day"])
    first = period.start if period.start == start else period.end
    assert first == date.fromisoformat(expected["first_cycle_date"])


def bill_dates(start: date, anchor: int, count: int) -> list[date]:
    """List the first bill dates of a monthly anchor."""
    period = period_containing(start, anchor)
    dates = []
    for _ in range(count):
        dates.append(period.start)
        period = period_after(period, anchor)
    return dates


@pytest.mark.parametrize("key", ["LG-C02", "LG-C03"])
def test_month_ends_keep_their_anchor(key: str):
    """An anchor of 30 bills 28 February and 30 March again; one of 28 stays 28."""
    given_, expected = vector(key)
    start = date.fromisoformat(given_["start"])
    wanted = [date.fromisoformat(day) for day in expected["bill_dates_include"]]
    dates = bill_dates(start, start.day, 30)
    assert [day for day in dates if day in wanted] == wanted
    assert all(
        day in wanted for day in dates if wanted[0] <= day <= wanted[0].replace(month=3, day=30)
    )


@pytest.mark.parametrize("key", of_area("anchor.boundaries"))
def test_boundaries_of_month_end_anchors(key: str):
    """Periods of anchors 30 and 31 in a leap year have the published first and last days."""
    given_, expected = vector(key)
    start = datetime.fromisoformat(given_["start"]).date()
    period = period_containing(start, start.day)
    for first, last in expected["periods"]:
        assert period == Period(date.fromisoformat(first), days_after(date.fromisoformat(last), 1))
        period = period_after(period, start.day)


@pytest.mark.parametrize("key", ["LG-T01", "LG-T02"])
def test_the_bill_day_is_local(key: str):
    """The first of March is due when it begins where the customer lives, and not before."""
    given_, expected = vector(key)
    for name, is_due in (("not_yet", False), ("due", True)):
        instant = datetime.fromisoformat(expected[name])
        assert (local_date(instant, given_["customer_tz"]) >= date(2023, 3, 1)) is is_due


@given(st.integers(2, 8), st.integers(1, 10**9), st.integers(0, 10**9), st.data())
def test_upgrade_and_downgrade_at_once_net_to_nothing(days, old, new, data):
    """P2: crediting what is left and charging it again at the same instant is nothing."""
    left = data.draw(st.integers(0, days))
    credit, charge = Money(-old, "EUR").portion(left, days), Money(old, "EUR").portion(left, days)
    assert credit + charge == Money(0, "EUR")
    there = Money(new, "EUR").portion(left, days) + credit
    back = charge - Money(new, "EUR").portion(left, days)
    assert there + back == Money(0, "EUR")


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


def test_oldest_due_first():
    """DX-11: 50.00 pays 30.00 of January and 20.00 of February; fees come after by number."""
    given_, expected = vector("DX-11")
    wallet = Wallet(currency="EUR")
    for n, (name, due, amount) in enumerate(given_["open"]):
        wallet.owe(
            InvoiceId(name),
            (date.fromisoformat(due), n),
            Money.parse(amount, "EUR").amount_minor,
        )
    wallet.receive("M", Money.parse(given_["payment"], "EUR").amount_minor)
    assert {name: str(Money(part, "EUR")) for (_, name), part in wallet.moved.items()} == {
        name: f"{amount} EUR" for name, amount in expected["alloc"]
    }
    assert {name: str(Money(rest, "EUR")) for name, rest in wallet.debts.items()} == {
        name: f"{amount} EUR" for name, amount in expected["left"]
    }


def test_overpayment_is_used_by_itself():
    """UI-K01: three months paid on one invoice leave credit for the next two."""
    given_, expected = vector("UI-K01")
    month = Money.parse(given_["invoice"], "EUR").amount_minor
    wallet = Wallet(currency="EUR")
    wallet.owe(InvoiceId("1"), (DAY, 1), month)
    wallet.receive("M", Money.parse(given_["paid"], "EUR").amount_minor)
    assert not wallet.debts
    assert str(wallet.unused) == f"{expected['credit']} EUR"
    wallet.owe(InvoiceId("2"), (date(2026, 4, 11), 2), month)
    wallet.use()
    assert not wallet.debts
    assert str(wallet.unused) == f"{expected['after_next_invoice']} EUR"


invoices = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 500)), min_size=1, max_size=6)
moves = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(1, 600), st.booleans()), max_size=10
)


@given(invoices, moves, st.randoms(use_true_random=False))
def test_what_is_open_depends_on_invoices_and_money_alone(found, money, chance):
    """However money came and went back, the oldest invoices are the paid ones."""
    wallet = Wallet(currency="EUR")
    debts = {
        InvoiceId(str(n)): ((days_after(DAY, due), n), amount)
        for n, (due, amount) in enumerate(found)
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
