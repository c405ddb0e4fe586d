"""Which pending charges are billed on a day."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.catalog.model import Price
from billing.pending.model import PendingCharge, ripe
from billing.rating.model import Line, LineKind, once
from terms.ids import ServiceId
from terms.money import Money

FIRST = date(2026, 3, 1)
DAYS = st.integers(0, 60).map(lambda n: FIRST + timedelta(days=n))


def charge(key: str, from_on: date, due_on: date, *, is_withdrawn: bool = False) -> PendingCharge:
    """Make a pending charge of five euros."""
    amount = Money(500, "EUR")
    sold = Price(offering="ALIEN", effective_from=FIRST, amount=amount)
    priced = once(LineKind.PURCHASE, from_on, sold, amount, "standard")
    line = Line(service=ServiceId("s"), subject=key, label="Alien", charge=priced)
    return PendingCharge(
        id=key, line=line, from_on=from_on, due_on=due_on, is_withdrawn=is_withdrawn
    )


WAITING = st.lists(
    st.builds(
        lambda n, a, b, gone: charge(str(n), min(a, b), max(a, b), is_withdrawn=gone),
        *(st.integers(), DAYS, DAYS, st.booleans()),
    ),
    max_size=6,
)


@given(WAITING, DAYS, st.booleans())
def test_all_that_may_be_billed_is_once_one_must(waiting, today, is_invoiced):
    """What is billed is all that may be, or nothing; nothing is late, early or withdrawn."""
    billed = ripe(waiting, today, is_invoiced=is_invoiced)
    left = [one for one in waiting if one not in billed and not one.is_withdrawn]
    assert all(one.from_on <= today and not one.is_withdrawn for one in billed)
    assert all(one.due_on > today for one in left)
    if billed or is_invoiced:
        assert all(one.from_on > today for one in left)


@given(WAITING, DAYS)
def test_day_by_day_each_is_billed_once(waiting, today):
    """Looked at every day, each that is not withdrawn is billed on one day, by its due day."""
    on: dict[int, date] = {}
    rest = list(waiting)
    for n in range(70):
        day = FIRST + timedelta(days=n)
        billed = ripe(rest, day, is_invoiced=day == today)
        on |= {id(one): day for one in billed}
        rest = [one for one in rest if one not in billed]
    assert all(one.is_withdrawn for one in rest)
    assert all(on[id(one)] <= one.due_on for one in waiting if id(one) in on)


def test_it_cannot_be_due_before_it_may_be_billed():
    """A charge that would be due before it may be billed is refused."""
    with pytest.raises(ValueError, match="before"):
        charge("1", date(2026, 3, 2), FIRST)
