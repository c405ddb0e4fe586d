"""Goodwill and what is given back of days share one line: never more than it, in the end all."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.catalog.terms import Measure
from billing.invoicing.credit import (
    Charged,
    CreditLine,
    Given,
    days_of,
    execute_credit,
    goodwill_of,
    within_rest,
)
from billing.tax.levels import Inclusive
from terms.calendar import Period
from terms.errors import Invalid
from terms.money import Money
from tests.unit.billing.test_credit import ZONE, charged

FIRST, DAYS = date(2026, 3, 1), 31


def line(rate: int, measure: Measure = Measure.DAY, included: Inclusive | None = None) -> Charged:
    """Charge a March."""
    return charged(rate, FIRST, FIRST + timedelta(days=DAYS), measure=measure, included=included)


def days(one: Charged, since: int, until: int) -> CreditLine | None:
    """Give days back as if nothing else was given of the line."""
    return days_of(one, Period(FIRST + timedelta(since), FIRST + timedelta(until)), ZONE)


def cost(one: Charged, since: int, until: int) -> int:
    """Tell what days cost, of which there may be none."""
    credit = days(one, since, until) if since < until else None
    return credit.amount.amount_minor if credit else 0


def after(one: Charged, n: int, credit: CreditLine) -> Charged:
    """Return a line after a note."""
    return one.gave(
        Given(
            note=f"N{n}",
            n=1,
            amount=credit.amount.amount_minor,
            tax=credit.split.tax.amount_minor,
            kept=0,
            is_goodwill=bool(credit.goodwill),
            period=credit.period,
        )
    )


@given(
    st.integers(0, 10**6),
    st.sampled_from([Measure.DAY, Measure.SECOND]),
    st.sampled_from([None, *Inclusive]),
    st.lists(st.integers(1, DAYS - 1), max_size=4, unique=True),
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 10**6)), max_size=4),
    st.randoms(use_true_random=False),
)
def test_all_credits_of_a_line_are_the_line(rate, measure, included, cuts, gifts, order):
    """P1, P5: in any order, days and goodwill sum to it, with net and tax, and none is negative."""
    one = line(rate, measure, included)
    bounds = [0, *sorted(cuts), DAYS]
    spans = list(pairwise(bounds))
    order.shuffle(spans)
    steps: list[tuple[int, int] | int] = [*spans]
    for place, gift in gifts:
        steps.insert(min(place, len(steps) - 1), gift)
    made: list[CreditLine] = []
    for n, step in enumerate(steps):
        if isinstance(step, tuple):
            wish = days(one, *step)
        else:
            amount = Money(step % (one.rest.amount_minor + 1), "EUR")
            wish = goodwill_of(one, amount, f"G{n}") if amount.amount_minor else None
        for credit in within_rest([wish] if wish else []):
            assert execute_credit(replace(credit, of=one), ZONE) == credit.amount
            made.append(credit)
            one = after(one, n, credit)
            assert one.rest.amount_minor >= 0
    for part in made:
        net, tax = part.split.net, part.split.tax
        assert min(net.amount_minor, tax.amount_minor) >= 0
        assert part.amount in (net, net + tax)
    assert sum(part.split.net.amount_minor for part in made) == one.split.net.amount_minor
    assert sum(part.split.tax.amount_minor for part in made) == one.split.tax.amount_minor


@given(st.integers(1, 10**6), st.sampled_from([None, *Inclusive]), st.data())
def test_one_note_cuts_as_several_do(rate, included, data):
    """What one settling gives back of a line comes to what it would by one note after another."""
    one = line(rate, included=included)
    gift = goodwill_of(one, Money(data.draw(st.integers(1, rate)), "EUR"), "G")
    cut = data.draw(st.integers(1, DAYS - 1))
    wishes = [gift, *filter(None, (days(one, 0, cut), days(one, cut, DAYS)))]
    together = within_rest(wishes)
    apart: list[CreditLine] = []
    for n, wish in enumerate(wishes):
        for credit in within_rest([replace(wish, of=one)]):
            apart.append(credit)
            one = after(one, n, credit)
    assert [(c.amount, c.split) for c in together] == [(c.amount, c.split) for c in apart]


@given(st.integers(100, 10**6), st.data())
def test_a_rest_that_ends_costs_no_goodwill(rate, data):
    """Who rests and goes on pays the days had less the goodwill, as if the end had been known.

    A day that was given back in part may cost its whole price again.
    """
    one = line(rate)
    gift = data.draw(st.integers(1, rate))
    held = after(one, 1, goodwill_of(one, Money(gift, "EUR"), "G"))
    rests, goes_on = sorted(data.draw(st.tuples(*[st.integers(1, DAYS - 1)] * 2)))
    back = days(held, rests, DAYS)
    charged = rate - gift
    for credit in within_rest([back] if back else []):
        until = (credit.period.end - FIRST).days
        charged += cost(one, goes_on, until) - credit.amount.amount_minor
    fair = max(rate - cost(one, rests, goes_on) - gift, 0)
    assert fair - 1 <= charged <= fair + rate // DAYS + 1


def test_without_goodwill_nothing_is_cut():
    """Days are given back as they ever were: each by its own place in the line."""
    one = line(1000)
    backs = [each for each in (days(one, 20, 31), days(one, 0, 3)) if each]
    assert within_rest(backs) == backs


@pytest.mark.parametrize("amount", [0, -1, 1001])
def test_more_than_is_left_is_refused(amount):
    """And so is nothing, or less."""
    with pytest.raises(Invalid, match="amount"):
        goodwill_of(line(1000), Money(amount, "EUR"), "G")


def test_a_change_gives_back_no_more_than_a_line_still_holds():
    """249.95 with 10.00 of goodwill: all of its days give 239.95 back (Kill Bill, KB-B05)."""
    one = line(24995)
    one = after(one, 1, goodwill_of(one, Money(1000, "EUR"), "G"))
    whole = days(one, 0, DAYS)
    assert whole
    (back,) = within_rest([whole])
    assert back.amount == Money(23995, "EUR")
