"""What a line says of itself computes to its amount again, whatever kind of line it is."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from billing.catalog.model import Offering, OfferingKind, Price, PriceBook
from billing.catalog.terms import Alignment, Measure, Terms, Timing
from billing.invoicing.credit import Charged, CreditLine, days_of, execute_credit, whole_of
from billing.rating.due import Wish, due
from billing.rating.execute import execute
from billing.rating.model import BY_THE_PERIOD, Charge, Line, LineKind, once
from billing.tax.levels import on_top
from terms.calendar import Period
from terms.ids import InvoiceId, ServiceId
from terms.money import Money, Rate
from terms.schedule import Interval

LONG_AGO = date(1990, 1, 1)
ZONE = "America/New_York"
days = st.dates(date(2023, 3, 1), date(2028, 3, 31))
amounts = st.integers(0, 10**12)
intervals = st.sampled_from(("P1M", "P3M", "P1Y", "P30D")).map(Interval.parse)
terms = st.builds(
    Terms,
    interval=intervals,
    timing=st.sampled_from(Timing),
    alignment=st.sampled_from(Alignment),
    measure=st.sampled_from(Measure),
)


@st.composite
def by_the_period(draw: st.DrawFn) -> Charge:
    """Make a charge of a part of a period, as rating makes it."""
    sold = Offering(code="X", kind=OfferingKind.PLAN, name="X", tax="standard", terms=draw(terms))
    price = Price(offering="X", effective_from=LONG_AGO, amount=Money(draw(amounts), "EUR"))
    first = draw(days)
    wish = Wish(
        kind=draw(st.sampled_from(sorted(BY_THE_PERIOD))),
        offering="X",
        currency="EUR",
        bill_day=draw(st.integers(1, 31)),
        first=first,
        until=first + timedelta(days=draw(st.integers(1, 500))),
        began_on=first,
        zone=ZONE,
        quantity=draw(st.integers(1, 50)),
    )
    found = due(PriceBook.of([sold], [price]), wish, date(2031, 1, 1)).charges
    return draw(st.sampled_from(found))


@st.composite
def charged_once(draw: st.DrawFn) -> Charge:
    """Make a charge of a day, of each kind there is."""
    kind = draw(st.sampled_from(sorted(set(LineKind) - BY_THE_PERIOD)))
    amount = Money(draw(amounts), "EUR")
    sold = Price(offering="X", effective_from=LONG_AGO, amount=amount)
    return once(kind, draw(days), sold, amount, "")


charges = by_the_period() | charged_once()


@st.composite
def given_back(draw: st.DrawFn) -> CreditLine | None:
    """Give back days of a charge, or the whole of one that is not cut."""
    charge = draw(charges)
    line = Line(service=ServiceId("S"), subject="s", label="X", charge=charge)
    split = on_top(charge.amount, Rate(200_000))
    charged = Charged(invoice=InvoiceId("I"), n=1, line=line, split=split, group=None)
    if charge.measure is Measure.WHOLE:
        kept = draw(st.integers(0, charge.amount.amount_minor))
        return whole_of(charged, kept_minor=kept)
    period = charge.period
    length = (period.end - period.start).days
    start = draw(st.integers(0, length - 1))
    end = draw(st.integers(start + 1, length))
    part = Period(period.start + timedelta(days=start), period.start + timedelta(days=end))
    return days_of(charged, part, ZONE)


@given(charge=charges)
def test_a_charge_computes_to_its_amount(charge: Charge):
    """Rate and share of a charge are its amount, and no other amount."""
    assert execute(charge) == charge.amount
    assert execute(replace(charge, amount=charge.amount + Money(1, "EUR"))) == charge.amount


@given(credit=given_back())
def test_a_credit_computes_to_its_amount(credit: CreditLine | None):
    """The line it is of, its days and what is kept are what a credit gives back."""
    if credit is not None:
        assert execute_credit(credit, ZONE) == credit.amount
