"""Late fees as a pure function: worked out by hand, and alike whether looked at daily or once."""

from dataclasses import dataclass, field, replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.dunning.fee_terms import late_read, late_written
from billing.dunning.late_fees import By, Fee, LateFees, Per, assess
from billing.dunning.overdue import Bill, Covered, History, Steps
from terms.calendar import Period, days_after
from terms.errors import Invalid
from terms.ids import InvoiceId, ServiceId
from terms.money import Rate

DUE = date(2026, 1, 10)
RULES = LateFees(
    from_on=date(2026, 1, 1),
    currency="EUR",
    once_minor=500,
    once_after_days=14,
    rate=Rate.parse("1.5%"),
)


def bill(n: int = 1, due_on: date = DUE, total: int = 10_000) -> Bill:
    """Make an invoice that was issued ten days before it is due."""
    return Bill(
        invoice=InvoiceId(f"I{n}"),
        number=f"INV-{n}",
        sequence=n,
        service=ServiceId("V"),
        issued_on=days_after(due_on, -10),
        due_on=due_on,
        total_minor=total,
    )


@dataclass
class Books:
    """What there is of an account, and the fees that follow from looking at it."""

    bills: list[Bill] = field(default_factory=lambda: [bill()])
    money: list[tuple[date, int]] = field(default_factory=list)
    promises: list[Covered] = field(default_factory=list)
    awaited: frozenset[InvoiceId] = frozenset()
    fees: list[Fee] = field(default_factory=list)

    def look(self, today: date, rules: LateFees | None = RULES) -> date | None:
        """Look until nothing more follows on this day; returns when to look again."""
        while True:
            history = History(
                bills=[one for one in self.bills if one.issued_on <= today],
                money=[(on, amount) for on, amount in self.money if on <= today],
                promises=self.promises,
                awaited=self.awaited,
            )
            found = assess(history, self.fees, rules, today)
            gone = {one.id for one in found.withdrawn}
            self.fees = [replace(f, is_withdrawn=f.is_withdrawn or f.id in gone) for f in self.fees]
            for one in found.fresh:
                self.fees.append(replace(one, id=f"{one.invoice}.{one.n}.{one.take}"))
            if not found.fresh and not found.withdrawn:
                assert len({one.id for one in self.fees}) == len(self.fees)
                assert found.next_on is None or found.next_on > today
                return found.next_on

    @property
    def standing(self) -> dict[tuple[str, int], int]:
        """What stands of each invoice in each place."""
        mine = [one for one in self.fees if not one.is_withdrawn]
        found = {(str(one.invoice), one.n): one.amount_minor for one in mine}
        assert len(found) == len(mine)
        return found


def charged(books: Books, today: date, rules: LateFees = RULES) -> list[int]:
    """Look on a day; returns the fees that stand, in order of their days."""
    books.look(today, rules)
    mine = [one for one in books.fees if not one.is_withdrawn]
    return [one.amount_minor for one in sorted(mine, key=lambda one: (one.falls_on, one.n))]


def test_once_and_a_share_of_what_is_open():
    """100.00 due on 10 January: 5.00 on the 24th, 1.50 when the month since the 11th is over."""
    books = Books()
    assert charged(books, date(2026, 1, 23)) == []
    assert books.look(date(2026, 1, 23)) == date(2026, 1, 24)
    assert charged(books, date(2026, 1, 24)) == [500]
    assert books.look(date(2026, 1, 24)) == date(2026, 2, 11)
    assert charged(books, date(2026, 2, 11)) == [500, 150]
    # 40.00 come: the next month is of 60.00, and no fee is of fees.
    books.money.append((date(2026, 2, 20), 4_000))
    assert charged(books, date(2026, 3, 11)) == [500, 150, 90]
    books.money.append((date(2026, 3, 12), 6_000))
    assert charged(books, date(2027, 1, 1)) == [500, 150, 90]
    assert books.look(date(2027, 1, 1)) is None


@pytest.mark.parametrize(
    ("changes", "until", "wanted"),
    [
        # 12 % a year, month by month: 100.00 x 12 % / 12.
        ({"rate": Rate.parse("12%"), "per": Per.YEAR, "once_minor": 0}, (2026, 3, 11), [100, 100]),
        # By days: 31 and 28 days of 365 of 12 %.
        (
            {"rate": Rate.parse("12%"), "per": Per.YEAR, "by": By.DAYS, "once_minor": 0},
            (2026, 3, 11),
            [102, 92],
        ),
        ({"by": By.DAYS, "once_minor": 0}, (2026, 2, 11), [150]),
        ({"grace_days": 5, "once_minor": 0}, (2026, 2, 15), []),
        ({"grace_days": 5, "once_minor": 0}, (2026, 2, 16), [150]),
        ({"least_minor": 10_001}, (2026, 6, 1), []),
        ({"cap_minor": 600}, (2026, 6, 1), [500, 100]),
        ({"cap_share": Rate.parse("6%")}, (2026, 6, 1), [500, 100]),
        ({"cap_share": Rate.parse("6%"), "cap_minor": 300}, (2026, 6, 1), [300]),
        ({"from_on": date(2026, 1, 11)}, (2026, 6, 1), []),
    ],
)
def test_rules_say_how_much(changes, until, wanted):
    """Per month or year, by months or days, with grace, a least amount, caps and a first day."""
    assert charged(Books(), date(*until), replace(RULES, **changes)) == wanted


def test_by_days_what_is_paid_is_charged_at_once_and_to_the_day():
    """Paid on the tenth day of a month of 31, a third of it is charged, then nothing more."""
    rules = replace(RULES, by=By.DAYS, once_minor=0)
    books = Books(money=[(date(2026, 1, 20), 10_000)])
    assert charged(books, date(2026, 1, 19), rules) == []
    assert charged(books, date(2026, 1, 20), rules) == [48]  # 150 x 10 / 31
    assert charged(books, date(2026, 5, 1), rules) == [48]


def test_money_that_came_in_time_leaves_no_fee():
    """Heard of late, it takes away what was charged; of what came late the rest is charged anew."""
    books = Books()
    assert charged(books, date(2026, 3, 1)) == [500, 150]
    books.money.append((date(2026, 1, 23), 10_000))
    assert charged(books, date(2026, 3, 1)) == []
    books = Books()
    assert charged(books, date(2026, 3, 1)) == [500, 150]
    books.money.append((date(2026, 2, 1), 6_000))
    assert charged(books, date(2026, 3, 1)) == [500, 60]
    assert [one.id for one in books.fees if not one.is_withdrawn] == ["I1.0.0", "I1.1.1"]


def test_older_invoices_are_paid_first():
    """What was meant for the younger one pays the older one: the younger one bears the fee."""
    books = Books(bills=[bill(), bill(2, date(2026, 2, 10))], money=[(date(2026, 1, 20), 10_000)])
    books.look(date(2026, 4, 1))
    assert books.standing == {("I2", 0): 500, ("I2", 1): 150}


def test_what_was_charged_stays_as_its_day_had_it():
    """Other rules, or none, change nothing of the past; what comes is by the new ones."""
    books = Books()
    assert charged(books, date(2026, 2, 11)) == [500, 150]
    other = replace(RULES, once_minor=900, rate=Rate.parse("2%"))
    assert charged(books, date(2026, 3, 11), other) == [500, 150, 200]
    books.look(date(2026, 9, 1), None)
    assert charged(books, date(2026, 3, 11), other) == [500, 150, 200]


def test_void_and_forgiven():
    """Of a void invoice nothing stands; what a person has forgiven does not come again."""
    books = Books()
    books.look(date(2026, 2, 11))
    books.fees[0] = replace(books.fees[0], is_withdrawn=True, is_forgiven=True)
    books.look(date(2026, 2, 11))
    assert books.standing == {("I1", 1): 150}
    books.bills = [replace(books.bills[0], is_void=True)]
    books.look(date(2026, 6, 1))
    assert books.standing == {}


def test_what_is_written_off_bears_nothing_more():
    """What was given up is not open."""
    books = Books()
    books.look(date(2026, 2, 11))
    books.bills = [replace(books.bills[0], given_up=((date(2026, 2, 12), 10_000),))]
    assert charged(books, date(2026, 9, 1)) == [500, 150]


def test_while_an_outcome_is_awaited_nothing_new_is_charged():
    """Who may have paid is not charged; once it is known that he has not, he is."""
    books = Books(awaited=frozenset({InvoiceId("I1")}))
    assert charged(books, date(2026, 2, 11)) == []
    books.awaited = frozenset()
    assert charged(books, date(2026, 2, 11)) == [500, 150]


def test_a_promise_puts_it_off():
    """No fee while it stands; broken, the fee comes when it is over, and its days do not count."""
    promise = Covered(days=Period(date(2026, 1, 20), date(2026, 2, 1)), through=1)
    books = Books(promises=[promise])
    assert charged(books, date(2026, 1, 31)) == []
    assert charged(books, date(2026, 2, 1)) == [500]
    daily = replace(RULES, by=By.DAYS, once_minor=0)
    assert charged(Books(promises=[promise]), date(2026, 2, 11), daily) == [92]  # 150 x 19 / 31
    kept = Books(promises=[promise], money=[(date(2026, 1, 30), 10_000)])
    assert charged(kept, date(2026, 9, 1)) == []
    in_spite = replace(RULES, despite_promise=True)
    assert charged(Books(promises=[promise]), date(2026, 1, 24), in_spite) == [500]


@pytest.mark.parametrize(
    ("changes", "field_name"),
    [
        ({"once_after_days": 0}, "once_after_days"),
        ({"grace_days": -1}, "grace_days"),
        ({"once_minor": -1}, "once"),
        ({"least_minor": -1}, "least"),
        ({"cap_minor": 10**16}, "cap"),
        ({"rate": Rate.parse("101%")}, "rate"),
        ({"cap_share": Rate.parse("101%")}, "cap_share"),
        ({"once_minor": 0, "rate": None}, "once"),
        ({"label": ""}, "label"),
    ],
)
def test_rules_that_make_no_sense_are_refused(changes, field_name):
    """Each names its field."""
    with pytest.raises(Invalid) as refused:
        replace(RULES, **changes)
    assert refused.value.field == field_name


lengths = st.integers(1, 70)
rules = st.builds(
    lambda once, after, rate, per, by, grace, least, cap, share, spite: replace(
        RULES,
        once_minor=once,
        once_after_days=after,
        rate=Rate(rate),
        per=per,
        by=by,
        grace_days=grace,
        least_minor=least,
        cap_minor=cap,
        cap_share=share,
        despite_promise=spite,
    ),
    st.integers(0, 900),
    st.integers(1, 40),
    st.integers(1, 50_000),
    st.sampled_from(Per),
    st.sampled_from(By),
    st.integers(0, 20),
    st.integers(0, 3_000),
    st.none() | st.integers(0, 2_000),
    st.none() | st.integers(1, 200_000).map(Rate),
    st.booleans(),
)
# When money came, how much, and how many days later it was heard of; it may go back.
paid = st.lists(st.tuples(st.integers(0, 90), st.integers(-4_000, 9_000), st.integers(0, 30)))
owed = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9_000)), min_size=1, max_size=3)
promised = st.lists(
    st.tuples(st.integers(0, 80), st.integers(1, 15), st.integers(1, 3)), max_size=2
)
END = days_after(DUE, 140)


@given(rules, owed, paid, promised)
def test_looked_at_daily_or_once_it_ends_alike(terms, bills, money, made):
    """Whenever somebody looks, and however late money is heard of, the same fees stand."""
    begin = days_after(DUE, -10)
    moved = [
        # What goes back does so on the day it is heard of.
        (days_after(begin, on if amount > 0 else on + late), amount, days_after(begin, on + late))
        for on, amount, late in money
    ]
    standing = []
    for looks in (range(151), range(150, 151), range(0, 151, 13)):
        books = Books(
            bills=[bill(n, days_after(DUE, due), total) for n, (due, total) in enumerate(bills, 1)],
            promises=[
                Covered(days=Period(day, days_after(day, length)), through=through)
                for on, length, through in made
                for day in (days_after(DUE, on),)
            ],
        )
        for n in [*looks, 150]:
            today = days_after(begin, n)
            books.money = [(on, amount) for on, amount, heard_on in moved if heard_on <= today]
            books.look(today, terms)
        standing.append(books.standing)
        for one in books.bills:
            mine = sum(minor for (key, _), minor in books.standing.items() if key == one.invoice)
            cap = terms.cap_of(one.total_minor)
            assert cap is None or mine <= cap
    assert standing[0] == standing[1] == standing[2]
    assert late_read(late_written(terms)) == terms


@given(owed, paid)
def test_what_was_open_adds_up(bills, money):
    """On every day all that is open of all invoices is what they come to less what has come."""
    begin = days_after(DUE, -10)
    history = History(
        bills=[bill(n, days_after(DUE, due), total) for n, (due, total) in enumerate(bills, 1)],
        money=[(days_after(begin, on), abs(amount)) for on, amount, _ in money],
    )
    for n in range(0, 150, 7):
        today = days_after(begin, n)
        issued = sum(one.total_minor for one in history.bills if one.issued_on <= today)
        came = sum(amount for on, amount in history.money if on < today)
        rests = [Steps.of(history, one).at(today) for one in history.bills]
        assert sum(rests) == max(0, issued - came)
