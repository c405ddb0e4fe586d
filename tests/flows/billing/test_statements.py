"""A statement begins with what was owed, tells each movement in order, ends with what is owed."""

from datetime import date, timedelta

import pytest

from billing.payments.store import CREDIT
from billing.reads import statements
from billing.reads.statements import Statement, StatementLine
from terms.errors import Invalid, NotFound
from terms.facts import Possession
from terms.ids import AccountId
from terms.money import Money
from tests.fixtures.billing import Office
from tests.flows.billing.books import open_items
from tests.flows.billing.moves import fact, moved
from tests.flows.billing.test_life import MARCH, lit, on, told
from tests.flows.billing.test_settle import pay, service_of


async def drawn(office: Office, since: date, until: date, **more: int) -> Statement:
    """Draw up the household's statement."""
    (key,) = office.looks
    async with office.store.read() as tx:
        return await statements.statement(tx, key, since, until, **more)


async def a_year(office: Office) -> None:
    """Live a year with a change, a box that comes back, money and debts."""
    await lit(office, MARCH)
    await moved(office, fact(Possession.HANDED_OVER, await service_of(office), date(2026, 3, 5)))
    await told(office, date(2026, 4, 16), plan="LARGE")
    home = await service_of(office)
    await moved(office, fact(Possession.RETURNED, home, date(2026, 5, 20), condition="good"))
    await office.live(list(office.looks), on(date(2026, 9, 2)))
    await pay(office, "12.34", "R-9")
    await office.live(list(office.looks), on(date(2027, 3, 2)))


async def test_each_statement_begins_where_the_last_has_ended(office: Office):
    """Opening and movements are the closing balance; the months of a year chain without a gap.

    The last of them is what is owed less what is unused, as the open items have it.
    """
    await a_year(office)
    balance = Money(0, "EUR")
    day, whole = MARCH, await drawn(office, MARCH, date(2027, 3, 31))
    lines: list[StatementLine] = []
    while day < date(2027, 4, 1):
        after = (day + timedelta(days=35)).replace(day=1)
        month = await drawn(office, day, after - timedelta(days=1))
        assert month.opening == balance
        for line in month.lines:
            balance += line.amount
            assert (line.balance, day <= line.on < after) == (balance, True)
            assert line.amount.amount_minor
        assert month.closing == balance
        lines += month.lines
        day = after
    assert list(whole.lines) == lines
    assert (whole.opening, whole.closing) == (Money(0, "EUR"), balance)
    items = await open_items(office.store)
    unused = items.pop(CREDIT, 0)
    assert balance.amount_minor == sum(items.values()) - unused
    assert {line.kind for line in lines} == {"invoice", "credit_note", "payment"}
    assert lines[0].document == "INV-00000001"


async def test_what_is_no_statement_is_refused(small_office: Office):
    """Days the wrong way round, too many lines, nobody's account: each is a sentence."""
    office = small_office
    await a_year(office)
    with pytest.raises(Invalid, match="since: must not be after 2026-03-01"):
        await drawn(office, date(2026, 3, 2), MARCH)
    for since, until, why in (
        (date.min, MARCH, "since: 0001-01-01 is out of reach"),
        (MARCH, date.max, "until: 9999-12-31 is out of reach"),
    ):
        with pytest.raises(Invalid, match=why):
            await drawn(office, since, until)
    with pytest.raises(Invalid, match="more than 3 lines"):
        await drawn(office, MARCH, date(2027, 3, 1), lines_max=3)
    empty = await drawn(office, date(2020, 1, 1), date(2020, 1, 31))
    assert (empty.lines, empty.opening, empty.closing) == ([], Money(0, "EUR"), Money(0, "EUR"))
    async with office.store.read() as tx:
        with pytest.raises(NotFound, match="no account"):
            await statements.statement(tx, AccountId("nobody"), MARCH, MARCH)
