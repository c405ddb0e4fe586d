"""Dunning by its rules alone: a base of households that owe, for whom nothing follows today.

Each has been told and tried as its ladder says, and a part of them is dark; the rules look at all.
"""

from __future__ import annotations

import time
from datetime import date

from bench.report import Result, at_least
from billing.dunning.hours import Hours, Slot
from billing.dunning.judging import Debtor, judge
from billing.dunning.model import Action, Cut, Ladder, Step
from billing.dunning.segment import Retries, Segment
from billing.payments.model import Attempt, AttemptState, Debt
from terms.calendar import days_after
from terms.ids import AccountId, AttemptId, InvoiceId
from terms.money import Money

ACCOUNTS, ROUNDS = 50_000, 3
LEAST_A_SECOND = 50_000
TODAY, HOUR = date(2026, 4, 1), 12
NOTICES = {3: "payment_reminder", 7: "suspension_warning"}
TRIES, SUSPENDED_AFTER = (1, 3, 5), 10
OWED = Money(3_720, "EUR")


async def run() -> list[Result]:
    """Look at the whole base, a few times; the best time counts, as others only delay."""
    segment, base = _segment(), [_debtor(number) for number in range(ACCOUNTS)]
    took_s = min(_looked_at(base, segment) for _ in range(ROUNDS))
    return [at_least("dunning", ACCOUNTS / took_s, unit="accounts/s", target=LEAST_A_SECOND)]


def _looked_at(base: list[Debtor], segment: Segment) -> float:
    now = Slot(TODAY, HOUR)
    begun_s = time.perf_counter()
    verdicts = [judge(debtor, segment, now) for debtor in base]
    took_s = time.perf_counter() - begun_s
    if any(one.retries or one.notice or one.climbs for one in verdicts):
        raise RuntimeError("something follows for somebody")
    return took_s


def _segment() -> Segment:
    """Have rules of every kind: hours, a holiday, paydays, a least amount."""
    steps = [Step(after_days=days, action=Action.RETRY) for days in TRIES]
    steps += [
        Step(after_days=days, action=Action.NOTICE, notice=name) for days, name in NOTICES.items()
    ]
    steps.append(Step(after_days=SUSPENDED_AFTER, action=Action.SUSPEND))
    working = Hours(
        weekdays=frozenset(range(5)),
        from_hour=9,
        until_hour=17,
        holidays=frozenset({date(2026, 4, 6)}),
    )
    retries = Retries(hours=Hours(from_hour=8), paydays=(1, 15), payday_wait_days=3)
    return Segment(ladder=Ladder(tuple(steps)), least_minor=500, cut_off=working, retries=retries)


def _debtor(number: int) -> Debtor:
    """Make somebody who has come as far as so many days late are to come."""
    late = number % 20
    key, due_on = InvoiceId(f"I{number}"), days_after(TODAY, -late)
    debt = Debt(invoice=key, number=key, sequence=number, due_on=due_on, rest=OWED)
    tries = [
        Attempt(
            id=AttemptId(f"{key}-{n}"),
            account=AccountId("A"),
            invoice=key,
            n=n,
            method="M",
            amount=OWED,
            state=AttemptState.FAILED,
            opened_on=TODAY,
        )
        for n, days in enumerate((0, *TRIES))
        if days <= late
    ]
    told = {days: days_after(due_on, days) for days in NOTICES if days <= late}
    is_dark = late >= SUSPENDED_AFTER
    cut = Cut(Action.SUSPEND.value, days_after(due_on, SUSPENDED_AFTER)) if is_dark else None
    return Debtor(debts=[debt], attempts={key: tries}, noticed={key: told}, method="M", cut=cut)
