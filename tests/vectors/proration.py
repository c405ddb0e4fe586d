"""Proration: what is due of an offering, by its days, thirties or seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from billing.catalog.model import Offering, OfferingKind, Price, PriceBook
from billing.catalog.terms import USUAL, Alignment, Measure, Terms, Timing
from billing.rating.coverage import less
from billing.rating.due import Wish, due
from billing.rating.measure import Share, periods_in, share, units_in
from billing.rating.model import Charge, LineKind
from terms.calendar import Period
from terms.money import Money, at_places, total
from terms.schedule import MONTHLY, Interval, Schedule
from tests.vectors.policies import manner
from tests.vectors.reading import (
    EUR,
    Fields,
    Unsupported,
    Vector,
    day,
    interval,
    many,
    money,
    period,
    whole,
    zone_name,
)
from tests.vectors.registry import Found, maps

UTC = "UTC"
TIMINGS = {"in_advance": Timing.ADVANCE, "in_arrears": Timing.ARREARS}
RATIO_PLACES = 9  # the decimals in which ratios are published
THIRTY = 30


@dataclass(frozen=True)
class Asked:
    """What is asked for: a price, from a day up to a day, by a bill day, where it is lived."""

    rate: Money
    first: date
    until: date | None
    bill_day: int
    zone: str = UTC

    def since(self, first: date) -> Asked:
        """Ask for what goes on from a day."""
        return replace(self, first=first, until=None)


def charges(vector: Vector, asked: Asked, terms: Terms, today: date) -> tuple[Charge, ...]:
    """Have the product charge one offering, in the manner of the vector's source."""
    sold = Offering(code="PLAN", kind=OfferingKind.PLAN, name="Plan", tax="", terms=terms)
    price = Price(offering="PLAN", effective_from=date.min, amount=asked.rate)
    wish = Wish(
        kind=LineKind.RECURRING,
        offering="PLAN",
        currency=EUR,
        bill_day=asked.bill_day,
        first=asked.first,
        until=asked.until,
        began_on=asked.first,
        zone=asked.zone,
    )
    return due(PriceBook.of([sold], [price]), wish, today, manner(vector)).charges


def summed(found: tuple[Charge, ...]) -> Money:
    """Tell what charges come to."""
    return total((charge.amount for charge in found), EUR)


def part_of(whole_period: Period, part: Period, measure: Measure = Measure.DAY) -> Share:
    """Measure a part of a period."""
    start = whole_period.start
    return share(part, whole_period, measure, Schedule(MONTHLY, start.day, start), UTC)


def priced(vector: Vector, rate: Money, one: Share) -> Money:
    """Tell what a part costs, rounded as the vector's source does."""
    return Money(one.part(rate.amount_minor, manner(vector).cut), rate.currency)


@maps("proration.day.cycles", "period mode start end target bill_cycle_day")
def cycles(vector: Vector) -> Found:
    """How many periods are owed."""
    given = vector.given
    terms = Terms(
        interval=given.read("period", interval), timing=given.read("mode", TIMINGS.__getitem__)
    )
    end = given.read("end", lambda value: None if value is None else day(value))
    asked = Asked(money("1.00"), given.read("start", day), end, given.read("bill_cycle_day", whole))
    found = charges(vector, asked, terms, given.read("target", day))
    return {"cycles_fraction": periods_in(charge.share for charge in found)}


@maps("proration.day.fixed30", "start end fixed_days")
def fixed30(vector: Vector) -> Found:
    """Days of months that have thirty each."""
    if vector.given.read("fixed_days", whole) != THIRTY:
        raise Unsupported("months have thirty days or their own")
    start, end = (vector.given.read(name, day) for name in ("start", "end"))
    asked = Asked(money("30.00"), start, end, 1)
    found = charges(vector, asked, Terms(measure=Measure.THIRTY), end)
    shares = [charge.share for charge in found]
    return {"days": units_in(shares), "ratio": at_places(periods_in(shares), RATIO_PLACES)}


@maps("proration.day.money", "rate start bill_cycle_day target")
def leading(vector: Vector) -> Found:
    """A leading part, then whole periods."""
    given = vector.given
    asked = _asked(given, "rate", "start", "bill_cycle_day", None)
    return {"total": summed(charges(vector, asked, USUAL, given.read("target", day)))}


def _asked(given: Fields, rate: str, first: str, anchor: str, until: str | None) -> Asked:
    return Asked(
        given.read(rate, money),
        given.read(first, day),
        given.read(until, day) if until else None,
        given.read(anchor, whole),
    )


@maps("proration.day.money", "rate1 start bcd1 change rate2 bcd2 target")
def two_phases(vector: Vector) -> Found:
    """A phase at one price and anchor, then one at another."""
    today = vector.given.read("target", day)
    before = _asked(vector.given, "rate1", "start", "bcd1", "change")
    after = _asked(vector.given, "rate2", "change", "bcd2", None)
    found = [charges(vector, each, USUAL, today) for each in (before, after)]
    return {"total": summed((*found[0], *found[1]))}


@maps("proration.day.money", "rate trial_end bill_cycle_day period")
def short_first_period(vector: Vector) -> Found:
    """A short first period, and the one behind it."""
    first = vector.given.read("period", period)
    asked = _asked(vector.given, "rate", "trial_end", "bill_cycle_day", None)
    found = charges(vector, asked, USUAL, first.end)
    return {"charge": found[0].amount, "next_period": found[1].period}


@maps("proration.day.money", "rate_incl_tax start period_end")
def mid_month(vector: Vector) -> Found:
    """What begins in a month and is charged up to its end."""
    end = vector.given.read("period_end", day)
    start = vector.given.read("start", day)
    asked = Asked(vector.given.read("rate_incl_tax", money), start, end, end.day)
    return {"total": summed(charges(vector, asked, USUAL, end))}


@maps("proration.day.money", "rate start anchor_day period full")
def first_quarter(vector: Vector) -> Found:
    """The first part of a longer interval, and the whole one behind it."""
    given = vector.given
    full = given.read("full", period)
    asked = _asked(given, "rate", "start", "anchor_day", None)
    # The interval is the one that ends with the whole period that is told.
    months = next(
        each
        for each in (Interval.parse(f"P{n}M") for n in (1, 2, 3, 6, 12))
        if Schedule(each, full.start.day, full.start).containing(full.start) == full
    )
    found = charges(vector, asked, Terms(interval=months), full.end)
    by_period = {charge.period: charge.amount for charge in found}
    following = next(each for each in by_period if each.start == full.end)
    return {"charge": by_period[given.read("period", period)], "next_charge": by_period[following]}


@maps("proration.day.money", "rate already_billed desired")
def moved_anchor(vector: Vector) -> Found:
    """Where an anchor moves, only the days that were not billed are."""
    rate, taken = vector.given.read("rate", money), vector.given.read("already_billed", period)
    found = [
        [part.start, part.end, priced(vector, rate, part_of(wanted, part))]
        for wanted in vector.given.read("desired", many(period))
        for part in less([wanted], [taken])
    ]
    return {"new_lines": found}


@maps("proration.day.money", "rate period suspended")
def suspended(vector: Vector) -> Found:
    """What stays charged of a period with holes in it."""
    rate, full = vector.given.read("rate", money), vector.given.read("period", period)
    parts = less([full], vector.given.read("suspended", many(period)))
    return {"kept": [priced(vector, rate, part_of(full, part)) for part in parts]}


@maps("split.invariance", "rate period split")
def split_invariance(vector: Vector) -> Found:
    """A period that is cut costs what it costs uncut."""
    rate, full = vector.given.read("rate", money), vector.given.read("period", period)
    cut = vector.given.read("split", day)
    parts = (Period(full.start, cut), Period(cut, full.end))
    return {"parts_sum": total((priced(vector, rate, part_of(full, one)) for one in parts), EUR)}


@maps("dst.seconds", "customer_tz period rate cancel_local")
def summer_time(vector: Vector) -> Found:
    """Days do not see that one of them is an hour short; seconds do."""
    full, until = vector.given.read("period", period), vector.given.read("cancel_local", day)
    tz = vector.given.read("customer_tz", zone_name)
    asked = Asked(vector.given.read("rate", money), full.start, until, full.start.day, tz)

    def kept(measure: Measure) -> Money:
        terms = Terms(alignment=Alignment.OWN, measure=measure)
        return summed(charges(vector, asked, terms, until))

    return {
        "day_based_kept": kept(Measure.DAY),
        "utc_second_based_kept": kept(Measure.SECOND),
    }
