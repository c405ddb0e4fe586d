"""What is given back of a line: never more than it charged, and all of it in the end."""

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from billing.catalog.model import Offering, OfferingKind, Price, PriceBook
from billing.catalog.terms import Measure, Terms
from billing.invoicing.credit import Charged, cost_until, days_of
from billing.rating.due import Wish, due
from billing.rating.model import Line, LineKind
from terms.calendar import Period
from terms.ids import InvoiceId, ServiceId
from terms.money import Money, Rate

ZONE = "Europe/Vienna"


def charged(
    rate_minor: int, first: date, until: date, *, measure: Measure = Measure.DAY
) -> Charged:
    """Charge the days of one calendar month."""
    terms = Terms(measure=measure)
    sold = Offering(code="PLAN", kind=OfferingKind.PLAN, name="Plan", tax="t", terms=terms)
    price = Price(offering="PLAN", effective_from=date(1990, 1, 1), amount=Money(rate_minor, "EUR"))
    wish = Wish(
        kind=LineKind.RECURRING,
        offering="PLAN",
        currency="EUR",
        bill_day=1,
        first=first,
        until=until,
        zone=ZONE,
    )
    (charge,) = due(PriceBook.of([sold], [price]), wish, first).charges
    line = Line(service=ServiceId("V"), subject="S", label="Plan", charge=charge)
    return Charged(invoice=InvoiceId("I"), n=1, line=line, rate=Rate(200_000))


def back(one: Charged, since: date, until: date) -> int:
    """Give days back; returns minor units."""
    credit = days_of(one, Period(since, until), ZONE)
    return credit.amount.amount_minor if credit else 0


months = st.dates(date(2023, 1, 1), date(2029, 12, 1)).map(lambda day: day.replace(day=1))


@given(st.integers(0, 10**7), months, st.sampled_from(Measure), st.data())
def test_all_parts_give_back_what_was_charged(rate, month, measure, data):
    """P1, P5: in whatever pieces a line is given back, they sum to its amount; none is negative."""
    following = (month + timedelta(days=32)).replace(day=1)
    days = (following - month).days
    since, until = sorted(
        data.draw(st.lists(st.integers(0, days), min_size=2, max_size=2, unique=True))
    )
    one = charged(
        rate, month + timedelta(days=since), month + timedelta(days=until), measure=measure
    )
    period = one.line.charge.period
    cuts = data.draw(st.lists(st.integers(0, period.days), max_size=6))
    bounds = [period.start + timedelta(days=cut) for cut in sorted({0, period.days, *cuts})]
    parts = [back(one, left, right) for left, right in pairwise(bounds)]
    assert sum(parts) == one.line.charge.amount.amount_minor
    assert min(parts) >= 0
    assert cost_until(one, period.start, ZONE) == 0
