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
from tests.unit.billing.vectors import vector

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


def test_what_stays_of_rent_is_the_price_of_its_days():
    """DX-09: of 11 to 31 March at 3.00, given back on the 26th, 1.45 stays."""
    given_, expected = vector("DX-09")
    rate = Money.parse(given_["rent"], "EUR").amount_minor
    one = charged(rate, date.fromisoformat(given_["issued"]), date(2025, 4, 1))
    freed = back(one, date.fromisoformat(given_["returned"]), date(2025, 4, 1))
    stays = one.line.charge.amount.amount_minor - freed
    assert str(Money(stays, "EUR")) == f"{expected['rent_charge']} EUR"


def test_several_rests_in_one_period_lose_no_cent():
    """KB-B11: the slices that stay are the published ones, and with what goes back they sum."""
    given_, expected = vector("KB-B11")
    start, end = (date.fromisoformat(text) for text in given_["period"])
    one = charged(Money.parse(given_["rate"], "EUR").amount_minor, start, end)
    bounds = [start, *(date.fromisoformat(d) for pair in given_["suspended"] for d in pair), end]
    parts = [back(one, since, until) for since, until in pairwise(bounds)]
    kept, freed = parts[::2], parts[1::2]
    assert [f"{part / 100:.2f}" for part in kept] == expected["kept"]
    assert sum(kept) + sum(freed) == Money.parse(given_["rate"], "EUR").amount_minor
