"""Goodwill and days that are given back take of what is deferred: never more, in the end all."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from billing.invoicing.deferred import Back, Deferred, parts_of
from billing.ledger.deferral import month_of, reached_less, reached_minor
from billing.rating.coverage import less
from terms.calendar import Period
from terms.money import Money

NEW_YEAR = date(2026, 1, 1)
YEAR = Deferred(
    period=Period(NEW_YEAR, date(2027, 1, 1)), net=Money(36_500, "EUR"), booked_on=NEW_YEAR
)


def gift(amount: int, on: date, line: Deferred = YEAR) -> Back:
    """Give goodwill on a day."""
    return Back(net=Money(amount, "EUR"), period=line.period, is_goodwill=True, on=on)


def days(start: date, end: date, on: date, amount: int) -> Back:
    """Give days back on a day."""
    back = Period(start, end)
    return Back(net=Money(amount, "EUR"), period=back, is_goodwill=False, on=on)


def told(*backs: Back) -> list[tuple[int, date, date] | None]:
    """Tell what each takes of a year."""
    found = parts_of(YEAR, backs)
    return [
        (one.amount.amount_minor, one.period.start, one.period.end) if one else None
        for one in found
    ]


def test_goodwill_is_for_all_days_and_those_to_come_are_deferred():
    """Of 36.50 for a year, given in July, 184 of 365 parts are not earned yet."""
    july, end = date(2026, 7, 1), YEAR.period.end
    assert told(gift(3650, date(2026, 7, 15))) == [(1840, july, end)]
    assert told(gift(3650, date(2026, 1, 15))) == [(3650, NEW_YEAR, end)]
    # Days that go take of what goodwill has left: a tenth less.
    rest = days(date(2026, 12, 1), end, date(2026, 7, 20), 3100)
    assert told(gift(3650, date(2026, 1, 15)), rest) == [
        (3650, NEW_YEAR, end),
        (2790, date(2026, 12, 1), end),
    ]
    # And goodwill after that is for the days that are left.
    assert told(rest, gift(334, date(2026, 7, 20))) == [
        (3100, date(2026, 12, 1), end),
        (153, july, date(2026, 12, 1)),
    ]


def test_an_older_goodwill_took_of_nothing():
    """What was booked before as revenue alone stays so, and days take what they took."""
    old = replace(gift(3650, date(2026, 1, 15)), on=None)
    rest = days(date(2026, 12, 1), YEAR.period.end, date(2026, 7, 20), 3100)
    assert told(old, rest) == [None, (3100, date(2026, 12, 1), YEAR.period.end)]


@st.composite
def stories(draw) -> tuple[Deferred, list[Back]]:
    """Draw a line, and what is given back of it day after day, as far as it holds that."""
    start = draw(st.dates(date(2025, 12, 1), date(2026, 3, 31)))
    period = Period(start, start + timedelta(days=draw(st.integers(20, 400))))
    net = Money(draw(st.integers(1, 10**6)), "EUR")
    booked_on = draw(st.dates(start - timedelta(days=20), start + timedelta(days=20)))
    line = Deferred(period=period, net=net, booked_on=booked_on)
    backs: list[Back] = []
    rest, on = net.amount_minor, booked_on
    for _ in range(draw(st.integers(1, 5))):
        on += timedelta(days=draw(st.integers(0, 90)))
        held = list(less([period], [one.period for one in backs if not one.is_goodwill]))
        if not rest or not held:
            break
        if draw(st.booleans()):
            back = gift(draw(st.integers(1, rest)), on, line)
        else:
            run = draw(st.sampled_from(held))
            first = draw(st.dates(run.start, run.last_day))
            end = draw(st.sampled_from([run.end, first + timedelta(days=1)]))
            price = reached_minor(net, period, end) - reached_minor(net, period, first)
            back = days(first, end, on, min(price, rest))
        rest -= back.net.amount_minor
        backs.append(back)
    return line, backs


@given(stories())
def test_what_is_taken_is_deferred_and_all_is_earned(story):
    """Month by month nothing is earned twice or below nothing, and in the end all of it is."""
    line, backs = story
    parts = parts_of(line, backs)
    taken = [one for one in parts if one]
    assert all(one.amount.amount_minor > 0 for one in taken)
    end = month_of(line.booked_on).end
    before, rest = 0, line.net.amount_minor
    while True:
        known = [one for back, one in zip(backs, parts, strict=True) if one and back.on < end]
        amounts = [line.net.amount_minor, *(-one.amount.amount_minor for one in known)]
        reached, *of_parts = reached_less(line.net, line.period, known, end)
        earned = reached - sum(of_parts)
        rest = sum(amounts) - earned
        assert earned >= before
        assert rest >= 0
        if end >= line.period.end:
            break
        before, end = earned, month_of(end).end
    assert rest == 0


@given(stories())
def test_whoever_asks_for_the_newest_alone_is_told_the_same(story):
    """Settling knows only of goodwill what it took before; earning knows all of it."""
    line, backs = story
    parts = parts_of(line, backs)
    for n, part in enumerate(parts):
        before = [
            one if one.is_goodwill and parts[k] else replace(one, on=None)
            for k, one in enumerate(backs[:n])
        ]
        assert parts_of(line, [*before, backs[n]])[-1] == part
