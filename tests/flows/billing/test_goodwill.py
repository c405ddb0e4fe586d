"""Goodwill: given once, by a note like any other; what is given back later takes the rest."""

import asyncio
from datetime import date

import pytest
from sqlalchemy import select

from billing.flows.goodwill import Forgiven, Goodwill, give
from billing.flows.write_off import write_off_invoice
from billing.invoicing.goodwill import goodwill
from billing.invoicing.store import credit_line, credit_note
from billing.reads import credit_notes, explaining
from terms.errors import Duplicate, Invalid, InvalidTransition, NotFound
from terms.facts import Possession
from terms.money import Money, Rate
from tests.fixtures.billing import Office
from tests.flows.billing.books import balances, check_books, everything, open_items
from tests.flows.billing.moves import fact, moved
from tests.flows.billing.test_earn import earn_all
from tests.flows.billing.test_explaining import every_line
from tests.flows.billing.test_life import MARCH, goes_on, lit, on, rests, told
from tests.flows.billing.test_settle import service_of
from tests.flows.billing.test_verify import broken
from tests.flows.billing.test_void import called_void

LINE = "INV-00000001.1"
PAID = 1_000_000  # what a household pays ahead


async def given(office: Office, of: str, *, line: str = LINE, ref: str = "R-1") -> Forgiven:
    """Give goodwill: 5.00 or 10%."""
    share = Rate.parse(of) if of.endswith("%") else Money.parse(of, "EUR")
    wish = Goodwill(of=share, reason="no picture on Sunday", reference=ref)
    done: Forgiven = await office.run(
        lambda tx: give(office.desk, tx, line, wish, office.now, by="person:olga")
    )
    return done


async def backs(office: Office) -> list[tuple[int, int, bool]]:
    """List what was given back, net and tax, and whether as goodwill."""
    c = credit_line.c
    joined = credit_line.join(credit_note, credit_note.c.id == c.note_id)
    query = select(c.net_minor, c.tax_minor, c.goodwill_id).select_from(joined)
    async with office.store.read() as tx:
        rows = await tx.rows(query.order_by(credit_note.c.sequence, c.n))
    return [(row.net_minor, row.tax_minor, row.goodwill_id is not None) for row in rows]


async def test_it_is_given_once_however_often_it_is_asked_for(office: Office):
    """By a note with its tax, as credit of a household that has paid; told again, nothing is."""
    await lit(office, MARCH)
    done = await given(office, "10%")
    assert (done.note, str(done.amount), done.is_new) == ("CRN-00000001", "3.10 EUR", True)
    stands = await everything(office.store)
    again = await asyncio.gather(*(given(office, "10%") for _ in range(3)))
    assert {(one.note, one.is_new) for one in again} == {("CRN-00000001", False)}
    assert await everything(office.store) == stands
    assert await backs(office) == [(310, 62, True)]
    assert await open_items(office.store) == {"credit": PAID - 3720 + 372}
    for of, line in (("3.00", LINE), ("5.00", LINE)):
        with pytest.raises(Duplicate, match="CRN-00000001"):
            await given(office, of, line=line)
    async with office.store.read() as tx:
        note = await credit_notes.view(tx, done.note)
        one = await explaining.line(tx, LINE)
        gift = await explaining.line(tx, f"{done.note}.1")
    assert (note.lines[0].is_goodwill, note.lines[0].days) == (True, 0)
    assert str(one.left) == "27.90 EUR"
    assert gift.word
    assert (gift.word.by, str(gift.word.percent)) == ("person:olga", "10%")
    assert [each.word for each in one.given_back] == [gift.word]
    await clean(office)


async def test_what_is_given_back_later_takes_the_rest(office: Office):
    """Goodwill, a rest, more goodwill, then void: all notes of the line are the line."""
    await lit(office, MARCH)
    await given(office, "2.00")
    await rests(office, date(2026, 3, 4), date(2026, 3, 6))
    await given(office, "1.01", ref="R-2")
    await goes_on(office, date(2026, 3, 11))
    with pytest.raises(Invalid, match=r"1\.99 EUR, which is left"):
        await given(office, "2.00", ref="R-3")
    await told(office, date(2026, 3, 21), plan="LARGE")
    await called_void(office, "INV-00000001")
    assert [one for one in await backs(office) if one[0] != 1100] == [
        *((200, 40, True), (2600, 520, False), (101, 20, True), (199, 40, False))
    ]
    await clean(office)


async def test_who_goes_on_after_a_rest_keeps_the_goodwill(office: Office):
    """10.00 of 31.00 and five days of rest: 26 days at 1.00 less the goodwill, as in one go."""
    await lit(office, MARCH)
    await given(office, "10.00")
    await rests(office, date(2026, 3, 4), date(2026, 3, 6))
    await goes_on(office, date(2026, 3, 11))
    assert [net for net, *_ in await backs(office)] == [1000, 2100]
    async with office.store.read() as tx:
        rows = await tx.fetch("SELECT net_minor FROM invoice ORDER BY sequence")
    assert [row[0] for row in rows] == [3100, 1600]
    await clean(office)


async def test_void_gives_back_what_goodwill_has_left(office: Office):
    """And its days may be charged again, whole."""
    await lit(office, MARCH)
    await given(office, "33.333%")
    await called_void(office, "INV-00000001", again=True)
    assert await backs(office) == [(1033, 207, True), (2067, 413, False)]
    assert await open_items(office.store) == {"credit": PAID - 3720}
    with pytest.raises(InvalidTransition, match="is void"):
        await given(office, "1.00", ref="R-2")
    await clean(office)


async def test_it_is_no_deposit_and_no_lost_debt(small_office: Office):
    """A deposit has a way of its own; what is written off gives nothing back; nor is less given."""
    office = small_office
    office.now = on(MARCH)
    await office.join(method=None)
    await moved(office, fact(Possession.HANDED_OVER, await service_of(office), MARCH))
    with pytest.raises(InvalidTransition, match="a deposit is no charge"):
        await given(office, "1.00", line="INV-00000002.2")
    await office.run(
        lambda tx: write_off_invoice(office.desk, tx, "INV-00000002", office.now, reason="gone")
    )
    with pytest.raises(InvalidTransition, match="is written off"):
        await given(office, "1.00", line="INV-00000002.1")
    for of, why in (("31.01", "left of the line"), ("0.001%", "above nothing")):
        with pytest.raises(Invalid, match=why):
            await given(office, of)
    for line in ("INV-00000009.1", "INV-00000001.7", "INV-00000001", "CRN-00000001.1", ""):
        with pytest.raises(NotFound, match="no line"):
            await given(office, "1.00", line=line)
    for reason, reference, ppm in ((" ", "R", 1), ("r", "", 1), ("r", "R", 0), ("r", "R", 10**7)):
        with pytest.raises(Invalid):
            Goodwill(of=Rate(ppm), reason=reason, reference=reference)
    async with office.store.read() as tx:
        assert await tx.rows(select(goodwill)) == []


async def test_it_takes_what_is_deferred_first(small_office: Office):
    """Of days that are not earned yet nothing is revenue, so that goodwill for them takes none."""
    office = small_office
    office.now = on(date(2026, 3, 11))
    await office.join(bill_day=11)
    before = await balances(office.store)
    await given(office, "5.00")
    after = await balances(office.store)
    changes = {key[0]: after[key] - before.get(key, 0) for key in after}
    assert {book: change for book, change in changes.items() if change} == {
        "deferred": 500,
        "tax": 100,
        "receivable": -600,
    }


@pytest.mark.parametrize("second", [date(2026, 3, 14), date(2026, 4, 5)])
async def test_what_is_left_is_earned_month_by_month(office: Office, second: date):
    """Goodwill, a rest, goodwill again, void: the months earn what is left, and verify agrees."""
    await office.live([await office.join(bill_day=15)], on(date(2026, 3, 15)))
    line = "INV-00000002.1"
    await given(office, "5.00", line=line)
    await rests(office, date(2026, 3, 15), date(2026, 3, 25), date(2026, 3, 28))
    await office.live(list(office.looks), on(second))
    await earn_all(office)
    await given(office, "7.77", line=line, ref="R-2")
    await clean(office)
    await office.live(list(office.looks), on(date(2026, 4, 9)))
    await earn_all(office)
    await clean(office)
    await called_void(office, line.partition(".")[0])
    await office.live(list(office.looks), on(date(2026, 7, 2)))
    await earn_all(office)
    await clean(office)
    notes = [row for row in await backs(office) if row[2]]
    assert [net for net, *_ in notes] == [500, 777]
    async with office.store.read() as tx:
        left = await tx.fetch("SELECT document_id FROM deferral WHERE amount_minor < 0")
    assert left == []


async def clean(office: Office) -> None:
    """Check that the books hold, every line computes again and no rule is broken."""
    await check_books(office.store)
    assert [one for one in await every_line(office) if not one.agrees] == []
    async with office.store.read() as tx:
        assert set(await broken(tx)) <= {"each payment in cash is a deed of somebody"}
