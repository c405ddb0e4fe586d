"""Time zones, summer time and trials: which local day an instant belongs to."""

from __future__ import annotations

from datetime import date, datetime
from itertools import islice

from billing.catalog.terms import USUAL
from billing.rating.model import Charge
from billing.subscriptions.trial import Trial
from terms.calendar import local_date, start_of_day, wall_clock, zone
from terms.schedule import MONTHLY, Interval, Schedule, Unit
from tests.vectors.policies import trial_clock
from tests.vectors.proration import Asked, charges
from tests.vectors.reading import (
    Unsupported,
    Vector,
    clock,
    day,
    instant,
    local,
    many,
    money,
    text,
    whole,
    zone_name,
)
from tests.vectors.registry import Found, maps

UTC = "UTC"
MONTHS_WATCHED = 18  # of the vectors that go over several changes of summer time
TRIAL_DAYS_OF_THE_QUIRK = 30  # it is about the subscription of KB-T01


def trial(vector: Vector, days: int, zone_of: str) -> Trial:
    """Begin a trial as its source counts it."""
    start = vector.given.read("start", lambda value: local(value, zone_of))
    return Trial(started_at=start, days=days, clock=trial_clock(vector))


def first_paid(vector: Vector) -> date:
    """Tell the first day that is charged after a trial, where the customer lives."""
    tz = vector.given.read("customer_tz", zone_name)
    return trial(vector, vector.given.read("trial_days", whole), tz).charged_from(tz)


def rent(vector: Vector, first: date, anchor: int, today: date) -> tuple[Charge, ...]:
    """Charge a plan by the month."""
    asked = Asked(vector.given.read("rate", money), first, None, anchor)
    return charges(vector, asked, USUAL, today)


@maps("timezone.calendar_month", "customer_tz bill_on")
def calendar_month(vector: Vector) -> Found:
    """A month begins where the customer lives."""
    asked = vector.given.read("bill_on", day)
    return _begins(vector, Schedule(MONTHLY, 1, asked).first_begin(asked))


@maps("timezone.weekly_anniversary", "customer_tz start bill_on")
def weekly_anniversary(vector: Vector) -> Found:
    """A week begins where the customer lives."""
    start = vector.given.read("start", day)
    schedule = Schedule(Interval.parse("P1W"), 1, start)
    return _begins(vector, schedule.first_begin(vector.given.read("bill_on", day)))


def _begins(vector: Vector, bill_on: date) -> Found:
    """Tell that a day has not begun at one instant and has at another; or what is so instead."""
    tz = vector.given.read("customer_tz", zone_name)
    not_yet, due = (vector.expected.read(name, instant) for name in ("not_yet", "due"))
    begin = f"the day begins at {start_of_day(bill_on, tz)}"
    shown = due.astimezone(zone(tz))
    return {
        "not_yet": not_yet if local_date(not_yet, tz) < bill_on else begin,
        "due": due if local_date(due, tz) == bill_on else begin,
        "local": f"local {shown.day} {shown:%b %H:%M}",
    }


@maps("timezone.phase", "customer_tz start bill_cycle_day discount_months")
def phase(vector: Vector) -> Found:
    """A phase of months ends on a local day, so no period is cut by it."""
    tz = vector.given.read("customer_tz", zone_name)
    first = local_date(vector.given.read("start", instant), tz)
    anchor = vector.given.read("bill_cycle_day", whole)
    months = Interval(vector.given.read("discount_months", whole), Unit.MONTH)
    end = Schedule(months, first.day, first).containing(first).end
    asked = Asked(money("1.00"), first, end, anchor)
    cheap = charges(vector, asked, USUAL, end)
    dear = charges(vector, asked.since(end), USUAL, end)
    return {"periods": [charge.period for charge in (*cheap, *dear)]}


@maps("dst.month_anchor", "customer_tz start trial_days rate")
def month_anchor(vector: Vector) -> Found:
    """What follows a trial is anchored on the local day."""
    first = first_paid(vector)
    charge = rent(vector, first, first.day, first)[0]
    return {"bill_cycle_day": first.day, "first_period": charge.period, "charge": charge.amount}


@maps("dst.stability", "customer_tz start trial_days rate")
def stability(vector: Vector) -> Found:
    """Over changes of summer time each month costs the whole price."""
    first = first_paid(vector)
    begins = Schedule(MONTHLY, first.day, first).periods(first, date.max)
    last = next(islice(begins, MONTHS_WATCHED, None)).start
    found = rent(vector, first, first.day, last)
    amounts = sorted({charge.amount for charge in found})
    return {
        "first_paid": found[0].period,
        "every_period_charge": amounts[0] if amounts[1:] == [] else amounts,
        "periods": len(found),
    }


@maps("dst.gap", "customer_tz reference subscribe")
def gap(vector: Vector) -> Found:
    """A time of day that does not exist is no hindrance."""
    tz = vector.given.read("customer_tz", zone_name)
    at = vector.given.read("reference", clock)
    day_of = local_date(wall_clock(vector.given.read("subscribe", day), at, tz), tz)
    schedule = Schedule(MONTHLY, day_of.day, day_of)
    period = schedule.containing(day_of)
    return {"charged_through": period.end, "next": schedule.after(period).end}


@maps("dst.fixed_offset_quirk", "customer_tz subscribe account_created")
def fixed_offset_quirk(vector: Vector) -> Found:
    """The anchor does not depend on when an account was made."""
    tz = vector.given.read("customer_tz", zone_name)
    at: datetime = vector.given.read("subscribe", lambda value: local(value, tz))
    one = Trial(started_at=at, days=TRIAL_DAYS_OF_THE_QUIRK, clock=trial_clock(vector))
    created = vector.given.read("account_created", many(text))
    return {"ours": [one.charged_from(tz).day for _ in created]}


@maps("trial.end_instant", "start trial_days rate")
def end_instant(vector: Vector) -> Found:
    """After a trial the rest of the calendar month is charged."""
    days = vector.given.read("trial_days", whole)
    return _rest_of_month(vector, trial(vector, days, UTC).charged_from(UTC))


@maps("trial.upgrade", "start upgrade trial_days rate")
def upgrade(vector: Vector) -> Found:
    """A change inside a trial keeps its start and takes the days of the new plan."""
    days = vector.given.read("trial_days", whole)
    first = trial(vector, 0, UTC).under(days).charged_from(UTC)
    if first <= vector.given.read("upgrade", day):
        raise Unsupported("a change when the trial is over")
    return {"trial_end": first, **_rest_of_month(vector, first)}


def _rest_of_month(vector: Vector, first: date) -> Found:
    charge = rent(vector, first, 1, first)[0]
    return {"fee": charge.amount, "days": charge.share.units, "month_days": charge.share.of}
