"""A dark household comes back when what its segment asks for is paid, at once and once."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from billing.dunning.reactivation import Needs, Reactivation
from billing.dunning.segment import Segment, Segments
from billing.dunning.store import dunning_suspension
from billing.flows.void import void
from billing.reads import account
from billing.reads.dunning import Effects, preview
from runtime.log import log_entry
from terms.entitlement import ServiceState
from terms.money import Rate
from tests.fixtures.billing import LADDER, Office
from tests.flows.billing.books import open_items, rights
from tests.flows.billing.test_dunning import taken
from tests.flows.billing.test_fees import came, fees, late, local, rules, sound
from tests.flows.billing.test_promises import give_word
from tests.flows.billing.test_settle import service_of

FULL = Reactivation(needs=Needs.FULL, fee_minor=1000, currency="EUR", tax="standard")
HALF = Reactivation(needs=Needs.SHARE, share=Rate.parse("50%"))


async def is_lit(office: Office) -> bool:
    """Whether the household may watch."""
    return (await rights(office.store, await service_of(office))).state is ServiceState.ACTIVE


async def dark(office: Office, rule: Reactivation, month: int = 4, day: int = 11) -> None:
    """Make a household that is dark since 11 April for 37.20, and let days pass."""
    await late(office, local(month, day), Segment(ladder=LADDER, reactivation=rule))
    assert not await is_lit(office)


async def ahead(office: Office, days: int, rule: Reactivation) -> Effects:
    """Tell what comes within some days."""
    segments = Segments({"": Segment(ladder=LADDER, reactivation=rule)})
    async with office.store.read() as tx:
        return (await preview(tx, segments, segments, office.now, days=days)).published


async def missing(office: Office) -> tuple[str, str]:
    """What is to be paid, and how that is said."""
    async with office.store.read() as tx:
        shown = await account.view(tx, "100001")
    return str(shown.missing or ""), "".join(shown.why_dark[1:])


async def test_all_that_is_due_is_paid_before_it_is_light(office: Office):
    """April alone is not enough in May; May too, and it is light at once and pays the fee once."""
    await dark(office, FULL, 5, 3)
    assert await missing(office) == ("74.40 EUR", "Pay 74.40 EUR to be switched on again.")
    await came(office, "37.20", office.now, "R1")
    assert not await is_lit(office)
    assert await missing(office) == ("37.20 EUR", "Pay 37.20 EUR to be switched on again.")
    assert (await ahead(office, 3, FULL)).restored == 0
    revision = (await rights(office.store, await service_of(office))).revision
    await came(office, "37.19", office.now, "R2")
    assert not await is_lit(office)
    await came(office, "0.01", office.now, "R3")
    assert await is_lit(office)
    assert await missing(office) == ("", "")
    assert (await rights(office.store, await service_of(office))).revision == revision + 1
    assert await fees(office) == []
    await office.live([*office.looks], local(6, 2))
    assert await fees(office) == [(date(2026, 6, 1), "Reactivation", 1000)]
    assert set((await open_items(office.store)).values()) == {3720, 1200}
    await sound(office)


async def test_for_a_part_it_is_light_and_the_ladder_begins_anew(office: Office):
    """Half is paid on 15 April: both notices come again, and it goes dark ten days later."""
    await dark(office, HALF, 4, 15)
    assert (await missing(office))[0] == "18.60 EUR"
    before = await taken(office)
    await came(office, "18.59", office.now, "R1")
    assert not await is_lit(office)
    await came(office, "0.01", office.now, "R2")
    assert await is_lit(office)
    assert [(await ahead(office, days, HALF)).suspended for days in (9, 10)] == [0, 1]
    (key,) = office.looks
    await office.live([key], local(4, 24, 23))
    assert await is_lit(office)
    assert before == [
        ("payment_reminder", date(2026, 4, 4)),
        ("suspension_warning", date(2026, 4, 8)),
    ]
    assert await taken(office) == [
        ("payment_reminder", date(2026, 4, 18)),
        ("suspension_warning", date(2026, 4, 22)),
    ]
    async with office.store.read() as tx:
        told = await tx.rows(select(log_entry.c.id).where(log_entry.c.kind == "notice"))
    assert len({row.id for row in told}) == 4
    await office.live([key], local(4, 25))
    assert not await is_lit(office)
    await sound(office)
    await came(office, "9.30", office.now, "R3")
    assert await is_lit(office)


async def test_so_many_of_the_oldest(small_office: Office):
    """Two invoices are owed since May, and the older one is asked for."""
    rule = Reactivation(needs=Needs.OLDEST, invoices=1, fee_minor=500, currency="EUR")
    await dark(small_office, rule, 5, 20)
    await came(small_office, "37.20", small_office.now, "R1")
    assert await is_lit(small_office)
    await small_office.live([*small_office.looks], local(5, 29))
    assert await is_lit(small_office)
    await small_office.live([*small_office.looks], local(5, 30))
    assert not await is_lit(small_office)
    await sound(small_office)


async def test_while_a_promise_stands_it_is_light_and_then_dark_again(small_office: Office):
    """A promise does not end the suspension: no fee, and nothing is forgotten."""
    office = small_office
    await dark(office, FULL, 5, 3)
    await came(office, "37.20", office.now, "R1")
    (key,) = office.looks
    await give_word(office, date(2026, 5, 6))
    await office.settle(key)
    assert await is_lit(office)
    await office.live([key], local(5, 7))
    assert not await is_lit(office)
    await sound(office)


async def test_who_was_dark_before_is_asked_by_the_rules_of_today(small_office: Office):
    """A suspension from before anything was written down is written down when it is looked at."""
    office = small_office
    await dark(office, Reactivation(), 5, 3)
    async with office.store.begin() as tx:
        await tx.execute(dunning_suspension.delete())
    await rules(office, Segment(ladder=LADDER, reactivation=FULL))
    await came(office, "37.20", office.now, "R1")
    assert not await is_lit(office)
    await rules(office, Segment(ladder=LADDER, reactivation=replace(FULL, needs=Needs.OLD)))
    (key,) = office.looks
    await office.settle(key)
    assert await is_lit(office)
    await sound(office)


async def test_whose_invoice_was_wrong_pays_no_fee(small_office: Office):
    """Nothing was paid: the invoice is void, and it is light without a fee."""
    office = small_office
    await dark(office, FULL)
    (key,) = office.looks
    await office.run(lambda tx: void(office.desk, tx, "INV-00000002", office.now, by="staff"))
    await office.settle(key)
    assert await is_lit(office)
    await office.live([key], local(5, 2))
    assert await fees(office) == []
    await sound(office)


@pytest.mark.parametrize("rule", [FULL, HALF, replace(FULL, needs=Needs.OLD)])
async def test_who_becomes_exempt_is_light_without_a_fee(small_office: Office, rule):
    """Nothing was paid, and nothing is charged for it."""
    office = small_office
    await dark(office, rule)
    await rules(office, Segment(ladder=LADDER, reactivation=rule, is_exempt=True))
    (key,) = office.looks
    await office.settle(key)
    assert await is_lit(office)
    await office.live([key], local(5, 2))
    assert await fees(office) == []
