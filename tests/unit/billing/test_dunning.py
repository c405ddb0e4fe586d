"""The ladder as a pure function: published calendars, and alike whether looked at daily or once."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.dunning.model import Action, Debtor, Ladder, Step, judge
from billing.dunning.retrying import RetryPlan
from billing.payments.model import ALLOWED, Attempt, AttemptState, Debt, attempt_id, step
from terms.calendar import days_after
from terms.errors import Invalid, InvalidTransition
from terms.ids import AccountId, InvoiceId
from terms.money import Money
from tests.unit.billing.vectors import vector

DUE = date(2026, 4, 1)


def debt(key: str = "I1", due: date = DUE, sequence: int = 1) -> Debt:
    """Make an open invoice."""
    return Debt(
        invoice=InvoiceId(key),
        number=key,
        sequence=sequence,
        due_on=due,
        rest=Money(1000, "EUR"),
    )


def ladder(retries: list[int], notices: list[int] = [], suspend: list[int] = []) -> Ladder:  # noqa: B006 - never changed
    """Make a ladder by the days of its steps."""
    return Ladder(
        (
            *(Step(after_days=day, action=Action.RETRY) for day in retries),
            *(Step(after_days=day, action=Action.NOTICE, notice=f"n{day}") for day in notices),
            *(Step(after_days=day, action=Action.SUSPEND) for day in suspend),
        )
    )


class Life:
    """Debts whose every attempt fails on the day it is made, looked at on chosen days."""

    def __init__(self, debts: list[Debt], steps: Ladder, *, may_charge: bool = True) -> None:
        self.debts = debts
        self.steps = steps
        self.may_charge = may_charge
        self.attempts: dict[InvoiceId, list[Attempt]] = {}
        self.noticed: set[tuple[InvoiceId, int]] = set()
        self.tried: list[tuple[str, date]] = []
        self.told: list[tuple[str, date]] = []

    def look(self, today: date):
        """Look until nothing more happens on this day; returns the last verdict."""
        while True:
            issued = [one for one in self.debts if one.due_on <= today or one is self.debts[0]]
            found = judge(
                Debtor(
                    debts=issued,
                    attempts=self.attempts,
                    noticed=self.noticed,
                    may_charge=self.may_charge,
                ),
                self.steps,
                today,
            )
            if found.notice:
                one, each = found.notice
                self.noticed.add((one.invoice, each.after_days))
                self.told.append((each.notice, today))
            for one, n in found.retries:
                self._fail(one, n, today)
            if not found.notice and not found.retries:
                return found

    def _fail(self, one: Debt, n: int, today: date) -> None:
        tries = self.attempts.setdefault(one.invoice, [])
        tries.append(
            Attempt(
                id=attempt_id(one.invoice, n),
                account=AccountId("A"),
                invoice=one.invoice,
                n=n,
                method="M",
                amount=one.rest,
                state=AttemptState.FAILED,
                opened_on=today,
            )
        )
        assert len({each.id for each in tries}) == len(tries)
        self.tried.append((one.number, today))


def daily(life: Life, until: date, since: date = DUE) -> None:
    """Look at every day."""
    today = since
    while today <= until:
        life.look(today)
        today = days_after(today, 1)


@pytest.mark.parametrize("key", ["KB-L01", "KB-L03", "PO-L01"])
def test_published_retry_calendars(key: str):
    """Retries fall on the published days when the intervals are laid end to end."""
    given_, expected = vector(key)
    days = RetryPlan(tuple(given_["intervals"])).after_days
    due = date.fromisoformat(given_.get("first_failure", "2026-04-01"))
    life = Life([debt(due=due)], ladder(days))
    daily(life, days_after(due, 40), since=due)
    assert life.tried[0] == ("I1", due)
    wanted = [date.fromisoformat(day) for day in expected.get("retries", [])] or [
        days_after(due, day) for day in expected["retry_days"]
    ]
    assert [day for _, day in life.tried[1:]] == wanted


def test_published_ladder_by_the_oldest_debt():
    """KB-L02: steps 30, 40 and 50 days after the oldest unpaid invoice fall on their days."""
    given_, expected = vector("KB-L02")
    due = date.fromisoformat(given_["oldest_unpaid"])
    first, second, _ = given_["thresholds"]
    life = Life([debt(due=due), debt("I2", days_after(due, 30), 2)], ladder([], [first], [second]))
    daily(life, days_after(due, 60), since=due)
    assert life.told == [(f"n{first}", date.fromisoformat(expected["OD1"]))]
    assert life.look(days_after(due, 60)).held_since == date.fromisoformat(expected["OD2"])


def test_retries_come_a_day_before_their_step():
    """KB-L03: each retry falls one day before a step of the service ladder."""
    given_, expected = vector("KB-L03")
    steps = sorted(given_["steps"].values())
    assert [step_ - 1 for step_ in steps] == expected["retry_days"][1:]


days = st.lists(st.integers(0, 45), max_size=5, unique=True)


@given(days, days, days, st.lists(st.integers(0, 50), min_size=1, max_size=3), st.data())
def test_looked_at_daily_or_once_it_ends_alike(retries, notices, suspend, dues, data):
    """After 60 days the hold is the same, however often anybody looked; nothing is done twice."""
    steps = ladder(retries, notices, suspend)
    found = [
        debt(f"I{n}", days_after(DUE, offset), n) for n, offset in enumerate(sorted([0, *dues]))
    ]
    last = days_after(DUE, 60)
    often, once, sometimes = (Life(found, steps) for _ in range(3))
    daily(often, last)
    for offset in sorted(data.draw(st.lists(st.integers(0, 60), max_size=8))):
        sometimes.look(days_after(DUE, offset))
    verdicts = [life.look(last) for life in (often, once, sometimes)]
    assert len({(v.held, v.held_since) for v in verdicts}) == 1
    assert len({v.next_on for v in verdicts}) == 1
    for life in (often, once, sometimes):
        assert len(life.told) == len(set(life.told)) <= len(notices)
        assert len(life.tried) <= len(found) * (len(retries) + 1)


@given(days, days, days, st.integers(0, 60))
def test_nothing_happens_before_the_next_look(retries, notices, suspend, offset):
    """Between two foretold looks every verdict is the same: no step is ever missed."""
    life = Life([debt()], ladder(retries, notices, suspend))
    today = days_after(DUE, offset)
    first = life.look(today)
    until = first.next_on or days_after(today, 30)
    before = (list(life.told), list(life.tried))
    while today < days_after(until, -1):
        today = days_after(today, 1)
        found = life.look(today)
        assert (found.held, found.held_since, found.next_on) == (
            first.held,
            first.held_since,
            first.next_on,
        )
    assert (life.told, life.tried) == before


def test_without_a_method_nothing_is_tried():
    """A household without a card climbs the ladder by date alone."""
    life = Life([debt()], ladder([1, 3], [2], [5]), may_charge=False)
    daily(life, days_after(DUE, 9))
    assert life.tried == []
    assert life.look(days_after(DUE, 9)).held == debt()


def test_a_method_that_comes_late_is_tried_at_once():
    """A new card is charged on the day it is known, once for all steps that passed."""
    life = Life([debt()], ladder([1, 3], [], []), may_charge=False)
    daily(life, days_after(DUE, 5))
    life.may_charge = True
    daily(life, days_after(DUE, 9), since=days_after(DUE, 6))
    assert life.tried == [("I1", days_after(DUE, 6))]


@pytest.mark.parametrize("state", [AttemptState.OPEN, AttemptState.UNKNOWN])
def test_an_unsettled_attempt_stops_the_next_one_and_the_hold(state: AttemptState):
    """Whoever may have paid is neither charged again nor cut off; a later attempt lifts nothing."""
    steps = ladder([1], [], [5])

    def verdict(opened: date):
        waiting = Attempt(
            id=attempt_id(InvoiceId("I1"), 0),
            account=AccountId("A"),
            invoice=InvoiceId("I1"),
            n=0,
            method="M",
            amount=Money(1000, "EUR"),
            state=state,
            opened_on=opened,
        )
        debtor = Debtor(
            debts=[debt()],
            attempts={InvoiceId("I1"): [waiting]},
            noticed=(),
            may_charge=True,
        )
        return judge(debtor, steps, days_after(DUE, 7))

    assert verdict(DUE).held is None
    assert verdict(DUE).retries == []
    assert verdict(days_after(DUE, 5)).held == debt()


def test_a_superseded_attempt_takes_no_step():
    """One that no provider knew of is made anew at once, under a new id; no retry is lost by it."""
    steps = ladder([1, 3])
    life = Life([debt()], steps)
    life.look(DUE)
    tries = life.attempts[InvoiceId("I1")]
    tries[0] = replace(tries[0], is_superseded=True)
    daily(life, days_after(DUE, 9))
    days = [days_after(DUE, after) for after in (0, 0, 1, 3)]
    assert life.tried == [("I1", day) for day in days]
    assert [one.n for one in tries] == [0, 1, 2, 3]


def test_nobody_owes_nothing():
    """Without debts there is nothing to do and nothing to wait for."""
    found = judge(Debtor(debts=[], attempts={}, noticed=(), may_charge=True), ladder([1]), DUE)
    assert (found.held, found.notice, list(found.retries), found.next_on) == (None, None, [], None)


WRONG_STEPS = [
    Step(after_days=-1, action=Action.RETRY),
    Step(after_days=9999, action=Action.RETRY),
    Step(after_days=1, action=Action.NOTICE),
    Step(after_days=1, action=Action.RETRY, notice="x"),
    Step(after_days=1, action=Action.NOTICE, notice="x" * 41),
]


@pytest.mark.parametrize("wrong", WRONG_STEPS)
def test_steps_that_make_no_sense_are_refused(wrong: Step):
    """A ladder is checked when it is made, not when somebody owes."""
    with pytest.raises(Invalid):
        Ladder((wrong,))


ALL_PAIRS = [(a, b) for a in AttemptState for b in AttemptState]


@pytest.mark.parametrize(("state", "to"), ALL_PAIRS)
def test_every_step_of_an_attempt(state: AttemptState, to: AttemptState):
    """The table says of every pair of states whether an attempt may go that way."""
    if to in ALLOWED[state]:
        assert step(state, to) is to
    else:
        with pytest.raises(InvalidTransition):
            step(state, to)


def test_the_table_is_whole():
    """Every state can be reached, and after a success an attempt neither fails nor starts again."""
    reached = {to for some in ALLOWED.values() for to in some}
    assert reached == set(AttemptState)
    assert [one for one, to in ALLOWED.items() if AttemptState.OPEN in to] == [AttemptState.UNKNOWN]
    assert AttemptState.FAILED not in ALLOWED[AttemptState.CLEARED]
    assert timedelta(days=1) > timedelta(0)
