"""Dunning: when it is tried again, what an account has come to, who is asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import count
from typing import Any

from billing.dunning.campaign import Campaign
from billing.dunning.model import Action, Ladder, Step
from billing.dunning.retrying import End, RetryPlan
from billing.dunning.stages import Stages
from billing.payments.looks import PENDING_LOOKS_SHORT, UNKNOWN_LOOKS, Looks
from billing.payments.model import Debt
from terms.calendar import days_after
from terms.ids import InvoiceId
from terms.money import Money
from tests.vectors.reading import Fields, Vector, day, many, money, text, whole
from tests.vectors.registry import Found, maps

ENDS = {End.REVOKE: "revoke subscription"}
DAYS_WATCHED = 90


def _plan(given: Fields, end: End = End.KEEP) -> RetryPlan:
    return RetryPlan(tuple(given.read("intervals", many(whole))), end)


@maps("dunning.retry", "first_failure intervals")
def retry_dates(vector: Vector) -> Found:
    """The days of the tries, each counted from the one before."""
    return {"retries": _plan(vector.given).dates(vector.given.read("first_failure", day))}


@maps("dunning.retry", "intervals")
def retry_days(vector: Vector) -> Found:
    """The days of the tries, and what follows the last."""
    plan = _plan(vector.given, End.REVOKE)
    last = next(step for step in map(plan.after, count(1)) if isinstance(step, End))
    return {"retry_days": plan.after_days, "after_last": ENDS[last]}


@maps("dunning.aligned", "intervals steps")
def aligned(vector: Vector) -> Found:
    """The days of the tries in one ladder with what is done to the service."""
    days = vector.given.read("steps", lambda steps: many(whole)([*dict(steps).values()]))
    others = [Step(after_days=each, action=Action.SUSPEND) for each in days]
    tries = Ladder((*_plan(vector.given).steps, *others)).of(Action.RETRY)
    return {"retry_days": [step.after_days for step in tries]}


@maps("dunning.ladder", "oldest_unpaid thresholds")
def ladder(vector: Vector) -> Found:
    """The days on which an account enters its stages."""
    stages = Stages(tuple(vector.given.read("thresholds", many(whole))))
    days = stages.entered_on(vector.given.read("oldest_unpaid", day))
    return {f"OD{n}": each for n, each in enumerate(days, start=1)}


@maps("dunning.unknown_payment")
def unknown_payment(vector: Vector) -> Found:
    """How long it is waited before each look at an outcome that is not known."""
    return {"unknown": list(_waits(UNKNOWN_LOOKS)), "pending": list(_waits(PENDING_LOOKS_SHORT))}


def _waits(looks: Looks) -> Iterator[timedelta]:
    for made in count():
        wait = looks.wait_after(made)
        if wait is None:
            return
        yield wait


def _debt(row: Any) -> Debt:
    """Read ["149.00", "due 2025-01-03"]."""
    amount, due = row
    due_on = day(text(due).removeprefix("due "))
    return Debt(invoice=InvoiceId("I"), number="I", sequence=1, due_on=due_on, rest=money(amount))


@maps("dunning.threshold", "threshold max_attempts days_between invoices")
def threshold(vector: Vector) -> Found:
    """Who owes enough is asked for all of it, so often and so far apart."""
    given = vector.given
    campaign = Campaign(
        threshold=given.read("threshold", money),
        attempts_max=given.read("max_attempts", whole),
        days_between=given.read("days_between", whole),
    )
    debts = given.read("invoices", many(_debt))
    asked: dict[date, Money] = {}
    first, *_ = sorted(debt.due_on for debt in debts)
    for today in (days_after(first, n) for n in range(DAYS_WATCHED)):
        amount = campaign.asks(debts, list(asked), today)
        if amount is not None:
            asked[today] = amount
    shown = [f"{on} {str(amount).partition(' ')[0]}" for on, amount in asked.items()]
    more = campaign.asks(debts, list(asked), date.max)
    return {"requests": shown, "after": "none" if more is None else str(more)}
