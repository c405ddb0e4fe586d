"""A line of the books tells everything it came about by, and computes again."""

from datetime import date

import pytest
from sqlalchemy import select

from billing.invoicing.store import credit_line, invoice_line
from billing.reads import explaining
from billing.reads.explaining import Explanation
from terms.errors import NotFound
from terms.facts import Possession
from tests.fixtures.billing import Office
from tests.flows.billing.moves import fact, moved
from tests.flows.billing.test_life import MARCH, goes_on, lit, on, rests, told
from tests.flows.billing.test_settle import service_of


async def every_line(office: Office) -> list[Explanation]:
    """Explain whatever stands on a document."""
    async with office.store.read() as tx:
        charged = [f"{row.invoice_id}.{row.n}" for row in await tx.rows(select(invoice_line))]
        back = [f"{row.note_id}.{row.n}" for row in await tx.rows(select(credit_line))]
        return [await explaining.line(tx, name) for name in (*charged, *back)]


async def test_every_line_computes_again_and_names_its_cause(office: Office):
    """After a change, a rest, a rental, a loss: each line agrees with its record, with a source."""
    await lit(office, MARCH)
    home = await service_of(office)
    await moved(office, fact(Possession.HANDED_OVER, home, date(2026, 3, 5)))
    await told(office, date(2026, 3, 11), plan="LARGE")
    await rests(office, date(2026, 4, 3), date(2026, 4, 5))
    await goes_on(office, date(2026, 4, 11))
    await moved(office, fact(Possession.LOST, home, date(2026, 4, 11)))
    await office.live(list(office.looks), on(date(2026, 5, 2)))
    found = await every_line(office)
    assert all(one.agrees for one in found)
    assert {one.kind.value for one in found} == {"recurring", "rental", "deposit", "lost_fee"}
    assert {one.gives_back != "" for one in found} == {True, False}
    for one in found:
        kinds = [each.kind for each in one.sources]
        assert kinds[0] in {"subscription", "rental"}, one
        assert "price" in kinds
    rested = next(one for one in found if one.gives_back and one.offering == "LARGE")
    assert "pause" in [each.kind for each in rested.sources]


async def test_a_line_is_asked_for_by_number(small_office: Office):
    """The third line of an invoice is its number, a point, 3; what was given back stands there."""
    office = small_office
    await lit(office, MARCH)
    await told(office, date(2026, 3, 16), plan="LARGE")
    async with office.store.read() as tx:
        one = await explaining.line(tx, "INV-00000001.1")
        note = await explaining.line(tx, "CRN-00000001.1")
        for wrong in ("INV-00000001.2", "INV-00000001", "INV-9.1", "INV-00000001.0", ".1", ""):
            with pytest.raises(NotFound, match="no line"):
                await explaining.line(tx, wrong)
    assert (one.offering, str(one.amount), str(one.fraction)) == ("BASIC", "31.00 EUR", "1")
    assert one.group
    assert str(one.group.amount) == "6.20 EUR"
    assert [(each.note, str(each.amount)) for each in one.given_back] == [
        ("CRN-00000001", "16.00 EUR")
    ]
    assert (note.gives_back, note.period_start) == ("INV-00000001.1", date(2026, 3, 16))
