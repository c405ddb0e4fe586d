"""Tries, stages and campaigns: pure functions of debts and days."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.dunning.campaign import Campaign
from billing.dunning.model import Action, Ladder
from billing.dunning.retrying import End, RetryPlan
from billing.dunning.stages import Stages, open_stage
from billing.payments.looks import PENDING_LOOKS, UNKNOWN_LOOKS
from billing.payments.model import Debt
from billing.payments.standing import Standing, standing
from terms.calendar import days_after
from terms.errors import Invalid
from terms.ids import InvoiceId
from terms.money import Money

DAY = date(2025, 1, 1)
intervals = st.lists(st.integers(1, 60), max_size=8).map(tuple)


@given(intervals, st.sampled_from(End))
def test_tries_follow_one_another(days, end):
    """Each try is its interval behind the one before; behind the last comes the end."""
    plan = RetryPlan(days, end)
    dates = [DAY, *plan.dates(DAY)]
    for failed, (one, following) in enumerate(pairwise(dates), start=1):
        assert (following - one).days == plan.after(failed)
    assert plan.after(len(days) + 1) is end
    assert [step.after_days for step in Ladder(tuple(plan.steps)).of(Action.RETRY)] == (
        plan.after_days
    )


@pytest.mark.parametrize("days", [(0,), (3, -1), (3_000, 3_000)])
def test_tries_that_make_no_sense_are_refused(days):
    """Two tries on one day, backwards, or in ten years."""
    with pytest.raises(Invalid, match=r"dunning\.retries"):
        RetryPlan(days)


@given(st.lists(st.integers(0, 400), unique=True, max_size=6), st.lists(st.integers(0, 300)))
def test_the_stage_depends_on_the_oldest_debt(ages, dues):
    """A stage is entered on its day and not before; who owes nothing is in none."""
    stages = Stages(tuple(sorted(ages)))
    due_dates = [days_after(DAY, n) for n in dues]
    today = days_after(DAY, 350)
    found = open_stage(stages, due_dates, today)
    if not due_dates:
        assert found == 0
        return
    age = (today - min(due_dates)).days
    assert found == len([each for each in ages if each <= age])
    for n, entered in enumerate(stages.entered_on(min(due_dates)), start=1):
        assert stages.on(min(due_dates), entered) == n
        assert stages.on(min(due_dates), entered - timedelta(days=1)) == n - 1


def test_stages_rise():
    """An account does not fall a stage by growing older."""
    with pytest.raises(Invalid, match=r"dunning\.stages"):
        Stages((30, 30))
    with pytest.raises(Invalid, match=r"dunning\.stages"):
        Stages((40, 30))


def debt(minor: int, due: int) -> Debt:
    """Owe an amount from a day on."""
    return Debt(
        invoice=InvoiceId("I"),
        number="I",
        sequence=1,
        due_on=days_after(DAY, due),
        rest=Money(minor, "EUR"),
    )


debts = st.lists(st.builds(debt, st.integers(1, 500), st.integers(0, 30)), max_size=5)


@given(debts, st.integers(0, 1000), st.integers(1, 4), st.integers(0, 5))
def test_a_campaign_asks_for_what_is_overdue(owed, least, attempts, between):
    """It asks so often at most, so far apart, for all that is overdue and never for less."""
    campaign = Campaign(threshold=Money(least, "EUR"), attempts_max=attempts, days_between=between)
    asked: list[date] = []
    for n in range(80):
        today = days_after(DAY, n)
        amount = campaign.asks(owed, asked, today)
        if amount is not None:
            overdue = sum(one.rest.amount_minor for one in owed if one.due_on < today)
            assert amount.amount_minor == overdue > 0
            assert overdue >= least
            assert campaign.asks(owed, [*asked, today], today) is None
            asked.append(today)
    assert all((b - a).days == between + 1 for a, b in pairwise(asked))
    enough = sum(one.rest.amount_minor for one in owed) >= least and bool(owed)
    assert len(asked) == (attempts if enough else 0)


@pytest.mark.parametrize("more", [{"attempts_max": 0}, {"days_between": -1}])
def test_a_campaign_that_makes_no_sense_is_refused(more):
    """None that never asks, none that asks before it has asked."""
    plain = {"threshold": Money(1, "EUR"), "attempts_max": 1, "days_between": 1}
    with pytest.raises(Invalid, match=next(iter(more))):
        Campaign(**{**plain, **more})


@pytest.mark.parametrize("looks", [UNKNOWN_LOOKS, PENDING_LOOKS])
def test_looks_grow_rarer_and_end(looks):
    """No look follows sooner than the one before did, and after the last there is none."""
    waits = [looks.wait_after(n) for n in range(len(looks.waits))]
    assert waits == sorted(waits)
    assert looks.wait_after(len(waits)) is None


@given(st.integers(0, 1000), st.integers(-1000, 1000))
def test_an_invoice_is_paid_when_nothing_is_owed(total, owed):
    """Of nothing owed it is paid, of all it is open, between it is partly paid."""
    whole, rest = Money(total, "EUR"), Money(owed, "EUR")
    if owed > total:
        with pytest.raises(ValueError, match="more is owed"):
            standing(whole, rest)
        return
    found = standing(whole, rest)
    assert (found is Standing.PAID) is (owed <= 0)
    assert (found is Standing.PARTLY_PAID) is (0 < owed < total)
