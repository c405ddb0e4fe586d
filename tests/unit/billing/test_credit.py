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
from billing.tax.assessment import Taxable, Where, assess
from billing.tax.levels import Inclusive
from terms.calendar import Period
from terms.ids import InvoiceId, ServiceId
from terms.money import Money, Rate

ZONE = "Europe/Vienna"


def charged(
    rate_minor: int,
    first: date,
    until: date,
    *,
    measure: Measure = Measure.DAY,
    included: Inclusive | None = None,
) -> Charged:
    """Charge the days of one calendar month."""
    terms = Terms(measure=measure)
    sold = Offering(code="PLAN", kind=OfferingKind.PLAN, name="Plan", tax="t", terms=terms)
    price = Price(
        offering="PLAN",
        effective_from=date(1990, 1, 1),
        amount=Money(rate_minor, "EUR"),
        included=included,
    )
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
    (split,) = assess(
        [Taxable("t", charge.amount.amount_minor, included)],
        {"t": Rate(200_000)},
        Where("EUR", first),
    ).splits
    return Charged(invoice=InvoiceId("I"), n=1, line=line, split=split, group=None)


def back(one: Charged, since: date, until: date) -> tuple[int, int]:
    """Give days back; returns net and tax in minor units."""
    credit = days_of(one, Period(since, until), ZONE)
    if credit is None:
        return 0, 0
    net, tax = credit.split.net, credit.split.tax
    assert credit.amount in (net, net + tax)
    return net.amount_minor, tax.amount_minor


months = st.dates(date(2023, 1, 1), date(2029, 12, 1)).map(lambda day: day.replace(day=1))


@given(
    st.integers(0, 10**7),
    months,
    st.sampled_from(Measure),
    st.sampled_from([None, *Inclusive]),
    st.data(),
)
def test_all_parts_give_back_what_was_charged(rate, month, measure, included, data):
    """P1, P5: in whatever pieces a line is given back, net and tax sum to it, none is negative."""
    following = (month + timedelta(days=32)).replace(day=1)
    days = (following - month).days
    since, until = sorted(
        data.draw(st.lists(st.integers(0, days), min_size=2, max_size=2, unique=True))
    )
    one = charged(
        rate,
        month + timedelta(days=since),
        month + timedelta(days=until),
        measure=measure,
        included=included,
    )
    period = one.line.charge.period
    cuts = data.draw(st.lists(st.integers(0, period.days), max_size=6))
    bounds = [period.start + timedelta(days=cut) for cut in sorted({0, period.days, *cuts})]
    parts = [back(one, left, right) for left, right in pairwise(bounds)]
    assert sum(net for net, _ in parts) == one.split.net.amount_minor
    assert sum(tax for _, tax in parts) == one.split.tax.amount_minor
    assert min(min(part) for part in parts) >= 0
    assert cost_until(one, period.start, ZONE) == 0
