"""The ladder as a pure function: published calendars, and alike whether looked at daily or once."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.dunning.hours import Hours, Slot
from billing.dunning.judging import Debtor, judge
from billing.dunning.level import Level
from billing.dunning.model import Action, Cut, Ladder, Step
from billing.dunning.retrying import RetryPlan
from billing.dunning.segment import Retries, Segment
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


def limit(after_days: int, name: str = "sd_only") -> Step:
    """Make a step that leaves some of what there is."""
    level = Level(name=name, only=frozenset({"BASE"}))
    return Step(after_days=after_days, action=Action.LIMIT, level=level)


def ladder(
    retries: list[int],
    notices: list[int] = [],  # noqa: B006 - never changed
    suspend: list[int] = [],  # noqa: B006 - never changed
    *more: Step,
) -> Ladder:
    """Make a ladder by the days of its steps."""
    return Ladder(
        (
            *more,
            *(Step(after_days=day, action=Action.RETRY) for day in retries),
            *(Step(after_days=day, action=Action.NOTICE, notice=f"n{day}") for day in notices),
            *(Step(after_days=day, action=Action.SUSPEND) for day in suspend),
        )
    )


class Life:
    """Debts whose every attempt fails on the day it is made, looked at at chosen hours."""

    def __init__(
        self, debts: list[Debt], rules: Ladder | Segment, *, method: str | None = "M"
    ) -> None:
        self.debts = debts
        self.rules = Segment(ladder=rules) if isinstance(rules, Ladder) else rules
        self.method = method
        self.has_left = False
        self.attempts: dict[InvoiceId, list[Attempt]] = {}
        self.noticed: dict[InvoiceId, dict[int, date]] = {}
        self.cut: Cut | None = None
        self.tried: list[tuple[str, date]] = []
        self.told: list[tuple[str, date]] = []
        self.climbed: list[tuple[str, Slot]] = []

    @property
    def held_since(self) -> date | None:
        """Since when something is taken away."""
        return self.cut.on if self.cut else None

    @property
    def darkened(self) -> list[Slot]:
        """When it was suspended."""
        return [at for rung, at in self.climbed if rung == Action.SUSPEND]

    def look(self, today: date, hour: int = 0):
        """Look until nothing more happens in this hour; returns the last verdict."""
        while True:
            issued = [one for one in self.debts if one.due_on <= today or one is self.debts[0]]
            debtor = Debtor(
                debts=issued,
                attempts=self.attempts,
                noticed=self.noticed,
                method=self.method,
                cut=self.cut,
                has_left=self.has_left,
            )
            found = judge(debtor, self.rules, Slot(today, hour))
            assert found.next_at is None or found.next_at > Slot(today, hour)
            if found.climbs and found.held_by:
                self.climbed.append((found.held_by.rung, Slot(today, hour)))
                self.has_left |= found.held_by.action is Action.TERMINATE
            self.cut = found.cut
            if found.notice:
                one, each = found.notice
                self.noticed.setdefault(one.invoice, {})[each.after_days] = today
                self.told.append((each.notice, today))
            for one, n in found.retries:
                self._fail(one, n, today)
            if not found.notice and not found.retries and not found.climbs:
                return found

    def follow(self, at: Slot) -> None:
        """Look, and again whenever something is to come, until nothing is."""
        following: Slot | None = at
        while following:
            following, before = self.look(*following).next_at, following
            assert following is None or following > before

    def _fail(self, one: Debt, n: int, today: date) -> None:
        tries = self.attempts.setdefault(one.invoice, [])
        tries.append(
            Attempt(
                id=attempt_id(one.invoice, n),
                account=AccountId("A"),
                invoice=one.invoice,
                n=n,
                method=self.method or "",
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


@st.composite
def climbs(draw) -> list[list[int] | Step]:
    """Draw the days of suspensions, and the other rungs around the first one."""
    suspend = draw(days)
    if not suspend:
        return [suspend, *(limit(day, f"L{day}") for day in draw(days)[:2])]
    first = min(suspend)
    before = [day for day in draw(days) if day < first]
    more = [limit(day, f"L{day}") for day in before]
    if draw(st.booleans()):
        more.append(Step(after_days=first + 20, action=Action.TERMINATE))
        if draw(st.booleans()):
            more.append(Step(after_days=first + 45, action=Action.WRITE_OFF))
    return [suspend, *more]


@st.composite
def segments(draw) -> Segment:
    """Draw a ladder, when it suspends, and when it tries again."""
    hours = st.builds(
        Hours,
        weekdays=st.frozensets(st.integers(0, 6), min_size=1),
        from_hour=st.integers(0, 11),
        until_hour=st.integers(12, 24),
        holidays=st.frozensets(st.integers(0, 60).map(lambda n: days_after(DUE, n)), max_size=4),
    )
    return Segment(
        ladder=ladder(draw(days), draw(days), *draw(climbs())),
        least_minor=draw(st.sampled_from([0, 1500])),
        is_exempt=draw(st.booleans()),
        cut_off=draw(hours),
        retries=Retries(
            hours=draw(hours),
            paydays=tuple(draw(st.lists(st.integers(1, 31), max_size=2))),
            payday_wait_days=draw(st.integers(0, 5)),
        ),
    )


@given(segments(), st.lists(st.integers(0, 50), max_size=3), st.data())
def test_looked_at_daily_or_once_it_ends_alike(rules: Segment, dues: list[int], data):
    """However late it is first looked at, all steps follow, and it ends as if looked at daily.

    No notice is given twice or before its day, and between any two lie the days of the ladder.
    Nobody is suspended before the days of the last notice have passed, or outside the hours.
    """
    found = [
        debt(f"I{n}", days_after(DUE, offset), n) for n, offset in enumerate(sorted([0, *dues]))
    ]
    late = Slot(days_after(DUE, data.draw(st.integers(0, 60))), data.draw(st.integers(0, 23)))
    often, once = Life(found, rules), Life(found, rules)
    for offset in range(60):
        often.look(days_after(DUE, offset), late.hour)
    once.follow(late)
    for life in (often, once):
        life.follow(Slot(days_after(DUE, 200)))
    assert [kind for kind, _ in often.told] == [kind for kind, _ in once.told]
    assert (often.cut and often.cut.rung) == (once.cut and once.cut.rung)
    assert [rung for rung, _ in often.climbed] == [rung for rung, _ in once.climbed]
    assert bool(once.held_since) is bool(once.climbed)
    for life in (often, once):
        check_climb(life, rules)
        assert len(life.tried) <= len(found) * (len(rules.ladder.of(Action.RETRY)) + 1)
        steps = [(one.notice, one.after_days) for one in rules.ladder.of(Action.NOTICE)]
        assert [kind for kind, _ in life.told] in ([], [kind for kind, _ in steps])
        told = [(on, after) for (_, on), (_, after) in zip(life.told, steps, strict=False)]
        for (one_on, one), (other_on, other) in pairwise(told):
            assert (other_on - one_on).days >= other - one
        for step_, (_, at) in zip(rules.ladder.rungs, life.climbed, strict=False):
            before = [(on, after) for on, after in told if after < step_.after_days]
            assert len(before) == sum(after < step_.after_days for _, after in steps)
            assert all((at.day - on).days >= step_.after_days - n for on, n in before)
            behind = [(on, after) for on, after in told if after > step_.after_days]
            assert all((on - at.day).days >= n - step_.after_days for on, n in behind)


def check_climb(life: Life, rules: Segment) -> None:
    """See that rungs were taken one by one, each its days behind the one before, at its hours."""
    rungs = rules.ladder.rungs
    if not life.climbed:
        return
    assert not rules.is_exempt
    assert [rung for rung, _ in life.climbed] == [one.rung for one in rungs]
    for _, at in life.climbed:
        assert rules.cut_off.first(at) == at
    for (one, other), ((_, one_at), (_, other_at)) in zip(
        pairwise(rungs), pairwise(life.climbed), strict=True
    ):
        assert (other_at.day - one_at.day).days >= other.after_days - one.after_days


@given(segments(), st.integers(0, 60), st.integers(0, 23))
def test_nothing_happens_before_the_next_look(rules: Segment, offset: int, hour: int):
    """Between two foretold looks every verdict is the same: no step is ever missed."""
    life = Life([debt()], rules)
    at = Slot(days_after(DUE, offset), hour)
    first = life.look(*at)
    until = first.next_at or Slot(days_after(at.day, 30))
    before = (list(life.told), list(life.tried), list(life.darkened))
    while (at := _next(at)) < until:
        found = life.look(*at)
        assert (found.held, found.next_at) == (first.held, first.next_at)
    assert (life.told, life.tried, life.darkened) == before


def _next(at: Slot) -> Slot:
    return Slot(at.day, at.hour + 1) if at.hour < 23 else Slot(days_after(at.day, 1))


def test_after_a_long_outage_each_step_keeps_its_days():
    """Nobody looked for weeks: the first notice comes first, and each step its days behind it."""
    life = Life([debt()], ladder([1, 5], [3, 7], [10]))
    life.look(DUE)
    life.follow(Slot(days_after(DUE, 25)))
    assert life.told == [("n3", days_after(DUE, 25)), ("n7", days_after(DUE, 29))]
    assert life.darkened == [Slot(days_after(DUE, 32))]
    assert life.tried == [("I1", DUE), ("I1", days_after(DUE, 25))]


def test_whoever_is_dark_stays_so_for_the_next_debt():
    """The older of two debts is paid: the younger one is old enough, and nothing is restored."""
    older, younger = debt(), debt("I2", days_after(DUE, 10), 2)
    life = Life([older, younger], ladder([], [3], [5]))
    daily(life, days_after(DUE, 16))
    life.debts = [younger]
    assert life.look(days_after(DUE, 16)).held == younger
    assert life.told[-1] == ("n3", days_after(DUE, 16))
    life.debts = []
    assert life.held_since
    assert judge(Debtor(debts=[]), life.rules, Slot(DUE)).held is None


WORKDAYS = Hours(
    weekdays=range(5), from_hour=9, until_hour=17, holidays=[date(2026, 4, 6)]
)  # Easter Monday


def test_nobody_is_suspended_at_night_on_weekends_or_holidays():
    """Due on Good Friday night it follows on the Tuesday at nine; who is dark stays dark."""
    rules = Segment(ladder=ladder([], [], [3]), cut_off=WORKDAYS)
    life = Life([debt(due=date(2026, 4, 1))], rules)
    for hour in (0, 10, 16):
        assert life.look(date(2026, 4, 4), hour).next_at == Slot(date(2026, 4, 7), 9)
    life.follow(Slot(date(2026, 4, 6), 12))
    assert life.darkened == [Slot(date(2026, 4, 7), 9)]
    assert life.look(date(2026, 4, 11), 3).held_since == date(2026, 4, 7)
    # A machine that slept over the hours waits for the next ones.
    late = Life([debt(due=date(2026, 4, 1))], rules)
    assert late.look(date(2026, 4, 7), 20).next_at == Slot(date(2026, 4, 8), 9)


def test_small_debts_and_exempt_accounts():
    """Under the least amount nothing follows but the first try; who is exempt is told alone."""
    small = Life([debt()], Segment(ladder=ladder([1], [2], [5]), least_minor=1001))
    daily(small, days_after(DUE, 20))
    assert (small.tried, small.told, small.held_since) == ([("I1", DUE)], [], None)
    small.debts.append(debt("I2", days_after(DUE, 21), 2))
    daily(small, days_after(DUE, 30), since=days_after(DUE, 21))
    assert small.told == [("n2", days_after(DUE, 21))]
    assert small.held_since == days_after(DUE, 24)
    exempt = Life([debt()], Segment(ladder=ladder([1], [2], [5]), is_exempt=True))
    daily(exempt, days_after(DUE, 20))
    assert (exempt.told, exempt.held_since) == ([("n2", days_after(DUE, 2))], None)


def test_a_retry_waits_for_payday_and_its_hour():
    """A step on the 12th waits for the 15th at eight; one on the 20th has no payday in reach."""
    tries = Retries(hours=Hours(from_hour=8, until_hour=20), paydays=(1, 15), payday_wait_days=5)
    life = Life([debt()], Segment(ladder=ladder([11, 19]), retries=tries))
    life.follow(Slot(DUE))
    assert life.tried == [("I1", date(2026, 4, day)) for day in (1, 15, 20)]
    assert tries.slot(date(2026, 4, 12)) == Slot(date(2026, 4, 15), 8)
    assert tries.slot(date(2026, 4, 20)) == Slot(date(2026, 4, 20), 8)


def test_without_a_method_nothing_is_tried():
    """A household without a card climbs the ladder by date alone."""
    life = Life([debt()], ladder([1, 3], [2], [5]), method=None)
    daily(life, days_after(DUE, 9))
    assert life.tried == []
    assert life.look(days_after(DUE, 9)).held == debt()


def test_a_method_that_comes_late_is_tried_at_once():
    """A new card is charged on the day it is known, once for all steps that passed."""
    life = Life([debt()], ladder([1, 3], [], []), method=None)
    daily(life, days_after(DUE, 5))
    life.method = "M"
    daily(life, days_after(DUE, 9), since=days_after(DUE, 6))
    assert life.tried == [("I1", days_after(DUE, 6))]
    life.method = "another"
    daily(life, days_after(DUE, 12), since=days_after(DUE, 10))
    assert life.tried[1:] == [("I1", days_after(DUE, 10))]


def test_who_has_left_is_asked_once():
    """Whoever has cancelled is charged what is owed once, and never again."""
    life = Life([debt()], ladder([1, 3], [], []))
    life.has_left = True
    daily(life, days_after(DUE, 9))
    assert life.tried == [("I1", DUE)]


@pytest.mark.parametrize("state", [AttemptState.OPEN, AttemptState.UNKNOWN])
def test_an_unsettled_attempt_stops_the_next_one_and_the_hold(state: AttemptState):
    """Whoever may have paid is neither charged again nor cut off; a later attempt lifts nothing."""
    steps = Segment(ladder=ladder([1], [], [5]))

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
        debtor = Debtor(debts=[debt()], attempts={InvoiceId("I1"): [waiting]}, method="M")
        return judge(debtor, steps, Slot(days_after(DUE, 7)))

    assert verdict(DUE).held is None
    assert verdict(DUE).retries == []
    assert verdict(days_after(DUE, 5)).held == debt()


def test_while_a_debit_is_under_way_no_step_is_taken():
    """Neither a notice nor a rung, from the look on which it begins until its bank has answered."""
    steps = Segment(ladder=ladder([1], [3], [5]))
    late = days_after(DUE, 30)

    def verdict(state: AttemptState, on: date, *, is_debited: bool = True, tries: int = 2):
        given = [
            Attempt(
                id=attempt_id(InvoiceId("I1"), n),
                account=AccountId("A"),
                invoice=InvoiceId("I1"),
                n=n,
                method="M",
                amount=Money(1000, "EUR"),
                state=state if n == tries - 1 else AttemptState.FAILED,
                opened_on=on,
                is_debit=True,
            )
            for n in range(tries)
        ]
        debtor = Debtor(
            debts=[debt()],
            attempts={InvoiceId("I1"): given} if given else {},
            method="M",
            is_debited=is_debited,
        )
        return judge(debtor, steps, Slot(late))

    for state in (AttemptState.OPEN, AttemptState.UNKNOWN):
        for on in (DUE, late):
            for is_debited in (True, False):
                waiting = verdict(state, on, is_debited=is_debited)
                assert (waiting.notice, waiting.climbs, waiting.retries) == (None, False, [])
    begun = verdict(AttemptState.FAILED, DUE, tries=1)
    assert (begun.notice, len(begun.retries)) == (None, 1)
    assert verdict(AttemptState.FAILED, DUE, tries=1, is_debited=False).notice
    over = verdict(AttemptState.FAILED, late)
    assert over.notice
    assert over.retries == []


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
    found = judge(Debtor(debts=[], method="M"), Segment(ladder=ladder([1])), Slot(DUE))
    assert (found.held, found.notice, list(found.retries), found.next_at) == (None, None, [], None)


def test_hours_and_paydays_that_make_no_sense_are_refused():
    """Where nothing could ever be done, somebody has written something else than was meant."""
    for wrong in ({"weekdays": ()}, {"weekdays": (7,)}, {"from_hour": 9, "until_hour": 9}):
        with pytest.raises(Invalid):
            Hours(**wrong)
    for wrong in ({"paydays": (32,)}, {"payday_wait_days": 99}):
        with pytest.raises(Invalid):
            Retries(**wrong)
    with pytest.raises(Invalid, match="least"):
        Segment(least_minor=-1)


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
