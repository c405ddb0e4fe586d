"""What has to be paid before a dark account is light again."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.dunning.fee_terms import reactivation_read, reactivation_written
from billing.dunning.reactivation import Needs, Reactivation, Suspension, missing
from billing.payments.model import Debt
from terms.calendar import days_after
from terms.errors import Invalid
from terms.ids import InvoiceId
from terms.money import Money, Rate

TODAY = date(2026, 5, 20)
OLD = days_after(TODAY, -10)
HALF = Reactivation(needs=Needs.SHARE, share=Rate.parse("50%"))
ONE = Reactivation(needs=Needs.OLDEST, invoices=1)
FULL = Reactivation(needs=Needs.FULL)


def debt(n: int, due_on: date, rest: int = 3_000) -> Debt:
    """Make an open invoice."""
    return Debt(
        invoice=InvoiceId(f"I{n}"),
        number=f"INV-{n}",
        sequence=n,
        due_on=due_on,
        rest=Money(rest, "EUR"),
    )


DEBTS = [debt(1, date(2026, 4, 1)), debt(2, date(2026, 5, 1)), debt(3, date(2026, 5, 18))]
DARK = Suspension.begun(TODAY, DEBTS, TODAY)


@pytest.mark.parametrize(
    ("rules", "debts", "wanted"),
    [
        (Reactivation(), DEBTS, 6_000),  # the third is not old enough
        (Reactivation(), DEBTS[1:], 3_000),
        (FULL, DEBTS, 9_000),
        (FULL, [*DEBTS, debt(4, date(2026, 6, 1))], 9_000),
        (FULL, [debt(3, date(2026, 5, 18), 1)], 1),
        (HALF, DEBTS, 4_500),
        (HALF, [debt(2, date(2026, 5, 1), 2_000), DEBTS[2]], 500),
        # What came after it went dark is no part of what was owed then.
        (HALF, [debt(2, date(2026, 5, 1), 1_500), DEBTS[2], debt(4, date(2026, 5, 19))], 0),
        (ONE, DEBTS, 3_000),
        (ONE, [debt(1, date(2026, 4, 1), 100), *DEBTS[1:]], 100),
        (ONE, DEBTS[1:], 0),
        (replace(ONE, invoices=2), DEBTS[1:], 3_000),
        (replace(ONE, invoices=9), DEBTS, 9_000),
    ],
)
def test_so_much_is_missing(rules, debts, wanted):
    """All that is old, all that is due, a share, or the oldest invoices."""
    assert missing(rules, DARK, debts, today=TODAY, old_until=OLD) == wanted


def test_after_a_part_the_ladder_begins_anew_for_the_rest():
    """What was open then counts from the day of the restoration, what came later from its own."""
    over = DARK.over(datetime(2026, 5, 22, 9, tzinfo=UTC), DEBTS[1:])
    day = date(2026, 5, 22)
    later = debt(4, date(2026, 5, 21))
    assert [over.anew(one, day).due_on for one in (DEBTS[1], later)] == [day, later.due_on]
    assert over.is_over
    assert not DARK.is_over
    assert DARK.anew(DEBTS[0], None) == DEBTS[0]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"needs": Needs.SHARE}, "share"),
        ({"share": Rate.parse("50%")}, "share"),
        ({"needs": Needs.SHARE, "share": Rate.parse("101%")}, "share"),
        ({"needs": Needs.OLDEST}, "invoices"),
        ({"needs": Needs.OLDEST, "invoices": 101}, "invoices"),
        ({"invoices": 1}, "invoices"),
        ({"fee_minor": -1}, "fee"),
        ({"label": ""}, "label"),
    ],
)
def test_rules_that_make_no_sense_are_refused(changes, field):
    """Each names its field."""
    with pytest.raises(Invalid) as refused:
        Reactivation(**changes)
    assert refused.value.field == field


rests = st.lists(st.integers(1, 5_000), min_size=1, max_size=5)
rules = st.one_of(
    st.just(FULL),
    st.integers(1, 1_000_000).map(
        lambda ppm: Reactivation(needs=Needs.SHARE, share=Rate(ppm), fee_minor=500, currency="EUR")
    ),
    st.integers(1, 6).map(lambda n: Reactivation(needs=Needs.OLDEST, invoices=n)),
    st.just(Reactivation()),
)


@given(rules, rests, st.lists(st.integers(1, 4_000), max_size=6))
def test_who_pays_what_is_missing_is_light_again(terms, amounts, payments):
    """However it is paid, what is missing falls by what is paid, to nothing and no further."""
    debts = [debt(n, days_after(OLD, n - 9), rest) for n, rest in enumerate(amounts, 1)]
    dark = Suspension.begun(TODAY, debts, TODAY)

    def lacks() -> int:
        return missing(terms, dark, debts, today=TODAY, old_until=OLD)

    def pay(minor: int) -> None:
        while minor and debts:
            part = min(minor, debts[0].rest.amount_minor)
            minor -= part
            left = debts[0].rest.amount_minor - part
            debts[:1] = [debts[0].less_paid(left)] if left else []

    whole = lacks()
    assert 0 < whole <= sum(amounts)
    for minor in payments:
        before = lacks()
        pay(minor)
        assert lacks() == max(0, before - minor)
    pay(lacks())
    assert lacks() == 0
    assert reactivation_read(reactivation_written(terms)) == terms
