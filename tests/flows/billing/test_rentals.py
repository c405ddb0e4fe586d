"""Rented boxes: what is charged, held and given back as they come, are swapped, lost, returned."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from billing.catalog.model import OfferingKind, Price
from billing.equipment.model import Starts
from billing.equipment.store import rental
from billing.flows.publish import Publication
from billing.flows.release import release_deposit
from billing.invoicing.store import invoice, invoice_line
from billing.reads import account as accounts
from billing.reads.credit_notes import CreditNoteView
from billing.reads.rentals import RentalView
from billing.subscriptions.model import Activation
from billing.tax.model import TaxRate
from terms.errors import Invalid, InvalidTransition, NotFound
from terms.facts import Condition, Possession
from terms.money import Money, Rate
from tests.fixtures.billing import ZONE, Office, offering, price
from tests.flows.billing.books import balances, check_books, everything, open_items
from tests.flows.billing.moves import fact, moved
from tests.flows.billing.test_settle import pay, service_of
from tests.unit.billing.vectors import vector

HANDED_OVER, ACTIVATED, SWAPPED = Possession.HANDED_OVER, Possession.ACTIVATED, Possession.SWAPPED
RETURNED, LOST, FOUND = Possession.RETURNED, Possession.LOST, Possession.FOUND
MARCH_11, MARCH_26, APRIL = date(2026, 3, 11), date(2026, 3, 26), date(2026, 4, 1)
DAMAGED = {"condition": Condition.DAMAGED}


async def alone(office: Office) -> str:
    """Sign a household up whose plan costs nothing, so that only its boxes do."""
    await office.join(plan="FREE")
    return await service_of(office)


async def on(office: Office, day: date) -> None:
    """Let the days go by, each with its bill run."""
    await office.live(list(office.looks), datetime(day.year, day.month, day.day, 9, tzinfo=UTC))


async def shown(office: Office) -> accounts.AccountView:
    """Return what the account shows."""
    async with office.store.read() as tx:
        return await accounts.view(tx, "100001")


async def lines(office: Office) -> list[tuple[str, str, int, int, str]]:
    """Return what was charged for boxes: kind, label, days, amount and tax."""
    c = invoice_line.c
    joined = invoice_line.join(invoice, invoice.c.id == c.invoice_id)
    query = select(invoice_line).select_from(joined).order_by(invoice.c.sequence, c.n)
    async with office.store.read() as tx:
        found = await tx.rows(query.where(c.kind != "recurring"))
    return [(row.kind, row.label, row.units, row.amount_minor, row.tax) for row in found]


def given_back(notes: Sequence[CreditNoteView]) -> list[tuple[str, str, date, int]]:
    """Return what was credited: kind, label, first day and amount."""
    return [
        (line.kind.value, line.label, line.period_start, line.amount.amount_minor)
        for note in reversed(notes)
        for line in note.lines
    ]


async def unchanged_by_settling(office: Office) -> None:
    """Check the books, and that settling once more writes nothing."""
    await check_books(office.store)
    before = await everything(office.store)
    await office.settle(*office.looks)
    assert await everything(office.store) == before


async def decide(office: Office, one: RentalView, keep_minor: int) -> None:
    """Decide how much of a deposit is kept, and settle."""
    await office.run(lambda tx: release_deposit(office.desk, tx, one.id, keep_minor=keep_minor))
    await office.settle(*office.looks)


async def test_a_returned_box_costs_its_days_and_its_deposit_comes_back(office: Office):
    """DX-09: 3.00 a month, out on 11 and back on 26 March, costs 1.45; the 30.00 are released."""
    given, expected = vector("DX-09")
    service = await alone(office)
    await moved(office, fact(HANDED_OVER, service, MARCH_11))
    assert await lines(office) == [
        ("rental", "Decoder RB-1 S-1", 21, 203, "standard"),
        ("deposit", "Deposit Decoder RB-1 S-1", 1, 3000, ""),
    ]
    assert await open_items(office.store) == {"INV-00000002": 203 + 41 + 3000}
    (running,) = (await shown(office)).rentals
    assert (running.serial, running.from_on, running.until_on) == ("S-1", MARCH_11, None)
    assert str(running.deposit) == f"{given['deposit']} EUR"
    await on(office, MARCH_26)
    await moved(office, fact(RETURNED, service, MARCH_26))
    view = await shown(office)
    assert given_back(view.credit_notes) == [
        ("rental", "Decoder RB-1 S-1", MARCH_26, 58),
        ("deposit", "Deposit Decoder RB-1 S-1", MARCH_11, 3000),
    ]
    (note,) = view.credit_notes
    assert (note.number, str(note.tax), str(note.total)) == (
        "CRN-00000001",
        "0.12 EUR",
        "30.70 EUR",
    )
    assert {line.invoice for line in note.lines} == {"INV-00000002"}
    rent = Money.parse(expected["rent_charge"], "EUR")
    assert view.owed == rent + Money(29, "EUR")  # what is left of 32.44
    assert [(one.until_on, one.deposit.amount_minor) for one in view.rentals] == [(MARCH_26, 0)]
    sums = await balances(office.store)
    assert (sums["revenue", "", "EUR"], sums["tax", "standard", "EUR"]) == (-145, -29)
    await unchanged_by_settling(office)
    await on(office, date(2026, 6, 2))
    assert len(await lines(office)) == 2


async def test_what_is_given_back_pays_what_is_owed_next(office: Office):
    """A box that was paid leaves a credit behind, and the next invoice of the plan takes it."""
    account = await office.join()
    await moved(office, fact(HANDED_OVER, await service_of(office), MARCH_11))
    await pay(office, "57.64", "R-1")
    await office.settle(account)
    assert await open_items(office.store) == {}
    await on(office, MARCH_26)
    await moved(office, fact(RETURNED, await service_of(office), MARCH_26))
    assert await open_items(office.store) == {"credit": 3070}
    await on(office, date(2026, 4, 2))
    assert await open_items(office.store) == {"INV-00000003": 3720 - 3070}
    await unchanged_by_settling(office)


async def test_a_return_is_credited_at_the_rate_it_was_taxed_at(small_office: Office):
    """The tax rises in April: what is given back of March bears March's rate, April's its own."""
    office, service = small_office, await alone(small_office)
    risen = TaxRate(tax="standard", effective_from=APRIL, rate=Rate.parse("30%"))
    await office.publish(Publication(zone=ZONE, taxes=(risen,)))
    await moved(office, fact(HANDED_OVER, service, MARCH_11))
    await on(office, date(2026, 4, 5))
    await moved(office, fact(RETURNED, service, MARCH_26))
    (note,) = (await shown(office)).credit_notes
    assert [(str(group.rate), group.net.amount_minor) for group in note.groups] == [
        ("20%", 58),
        ("30%", 300),
    ]
    assert note.tax.amount_minor == 12 + 90
    await unchanged_by_settling(office)


async def test_a_credit_is_counted_from_the_price_it_was_charged_at(small_office: Office):
    """Rent that costs more from April on gives back the days of March at March's price."""
    office, service = small_office, await alone(small_office)
    await moved(office, fact(HANDED_OVER, service, MARCH_11))
    dearer = price("DECODER", "9.00", since=date(2026, 3, 12))
    await office.publish(Publication(zone=ZONE, prices=(dearer,)))
    await moved(office, fact(RETURNED, service, MARCH_26))
    assert [one[3] for one in given_back((await shown(office)).credit_notes)] == [58, 3000]


async def test_a_swapped_box_carries_its_rental_on(office: Office):
    """After a swap nothing new is charged; from April the line names the new box; one deposit."""
    service = await alone(office)
    await moved(office, fact(HANDED_OVER, service, MARCH_11))
    before = await everything(office.store)
    swap = fact(SWAPPED, service, date(2026, 3, 20), "S-2", old="S-1", model="RB-2", **DAMAGED)
    await moved(office, swap)
    after = await everything(office.store)
    assert {name for name in after if after[name] != before[name]} == {"rental", "work"}
    await moved(office, fact(ACTIVATED, service, date(2026, 3, 21), "S-2", model="RB-2"))
    await moved(office, fact(RETURNED, service, date(2026, 3, 21), "S-1"))
    await on(office, date(2026, 4, 1))
    assert await lines(office) == [
        ("rental", "Decoder RB-1 S-1", 21, 203, "standard"),
        ("deposit", "Deposit Decoder RB-1 S-1", 1, 3000, ""),
        ("rental", "Decoder RB-2 S-2", 30, 300, "standard"),
    ]
    (one,) = (await shown(office)).rentals
    assert (one.serial, one.model, one.from_on, one.until_on) == ("S-2", "RB-2", MARCH_11, None)
    await moved(office, fact(RETURNED, service, date(2026, 4, 11), "S-2", model="RB-2"))
    assert given_back((await shown(office)).credit_notes) == [
        ("deposit", "Deposit Decoder RB-1 S-1", MARCH_11, 3000),
        ("rental", "Decoder RB-2 S-2", date(2026, 4, 11), 200),
    ]
    await unchanged_by_settling(office)


async def test_a_box_that_replaces_nothing_rented_is_a_new_one(small_office: Office):
    """What replaces a box that cost nothing begins a rental; what is out already ends the old."""
    office, service = small_office, await alone(small_office)
    await moved(office, fact(SWAPPED, service, MARCH_11, "S-2", old="OWN"))
    await moved(office, fact(HANDED_OVER, service, MARCH_11, "S-3"))
    await moved(office, fact(SWAPPED, service, MARCH_26, "S-3", old="S-2"))
    found = sorted((one.serial, one.until_on) for one in (await shown(office)).rentals)
    assert found == [("S-2", MARCH_26), ("S-3", None)]
    await unchanged_by_settling(office)


async def test_a_lost_box_costs_its_fee_until_it_is_found(office: Office):
    """On the day of loss rent stops and 60.00 are due; found, they come back with the deposit."""
    service = await alone(office)
    await moved(office, fact(HANDED_OVER, service, MARCH_11))
    await moved(office, fact(LOST, service, MARCH_26))
    assert (await lines(office))[-1] == ("lost_fee", "Lost: Decoder RB-1 S-1", 1, 6000, "standard")
    view = await shown(office)
    assert given_back(view.credit_notes) == [("rental", "Decoder RB-1 S-1", MARCH_26, 58)]
    assert [(one.ending, one.deposit.amount_minor) for one in view.rentals] == [("lost", 3000)]
    assert view.owed.amount_minor == 145 + 29 + 3000 + 7200
    await unchanged_by_settling(office)
    await on(office, date(2026, 5, 2))
    await moved(office, fact(FOUND, service, date(2026, 5, 2)))
    view = await shown(office)
    assert given_back(view.credit_notes)[1:] == [
        ("deposit", "Deposit Decoder RB-1 S-1", MARCH_11, 3000),
        ("lost_fee", "Lost: Decoder RB-1 S-1", MARCH_26, 6000),
    ]
    assert view.owed.amount_minor == 145 + 29
    await unchanged_by_settling(office)


async def test_a_loss_that_is_heard_of_late_is_charged_once(small_office: Office):
    """Months charged and paid meanwhile come back whole; the fee is asked for once."""
    office, service = small_office, await alone(small_office)
    await moved(office, fact(HANDED_OVER, service, MARCH_11))
    await on(office, date(2026, 5, 5))
    await pay(office, "200.00", "R-1")
    await moved(office, fact(LOST, service, MARCH_26))
    assert [one[3] for one in given_back((await shown(office)).credit_notes)] == [58, 300, 300]
    assert (await shown(office)).owed.amount_minor == 0
    await unchanged_by_settling(office)
    assert [one[0] for one in await lines(office)].count("lost_fee") == 1


@pytest.mark.parametrize("kind", [HANDED_OVER, ACTIVATED])
async def test_a_lost_box_that_turns_up_in_use_was_found(small_office: Office, kind: Possession):
    """Where a lost box is handed over or comes alive again, its fee is given back."""
    office, service = small_office, await alone(small_office)
    await moved(office, fact(HANDED_OVER, service, MARCH_11))
    await moved(office, fact(LOST, service, MARCH_26))
    await moved(office, fact(kind, service, date(2026, 3, 28)))
    kinds = [one[0] for one in given_back((await shown(office)).credit_notes)]
    assert kinds == ["rental", "deposit", "lost_fee"]
    running = [one.from_on for one in (await shown(office)).rentals if one.until_on is None]
    assert running == [date(2026, 3, 28)]
    await unchanged_by_settling(office)


async def test_a_rental_without_a_fee_only_stops_when_its_box_is_lost(small_office: Office):
    """A fee and a deposit of nothing make no line; the days that are left are given back."""
    office, service = small_office, await alone(small_office)
    await moved(office, fact(HANDED_OVER, service, MARCH_11, model="HD-1"))
    await moved(office, fact(LOST, service, MARCH_26, model="HD-1"))
    assert [one[0] for one in await lines(office)] == ["rental"]
    assert [one[3] for one in given_back((await shown(office)).credit_notes)] == [58]


async def test_a_fee_is_the_one_in_force_on_the_day_of_loss(small_office: Office):
    """Deposit and fee are dated like prices: that of its first day, that of the day of loss."""
    office, service = small_office, await alone(small_office)
    later = price("DECODER", "3.00", since=date(2026, 3, 20))
    await office.publish(
        Publication(zone=ZONE, prices=(replace(later, deposit_minor=5000, lost_fee_minor=9000),))
    )
    await moved(office, fact(HANDED_OVER, service, MARCH_11))
    await on(office, MARCH_26)
    await moved(office, fact(LOST, service, MARCH_26))
    assert [(one[0], one[3]) for one in await lines(office)] == [
        ("rental", 203),
        ("deposit", 3000),
        ("lost_fee", 9000),
    ]


async def test_a_person_decides_about_the_deposit_of_a_damaged_box(office: Office):
    """A box that is back damaged keeps its deposit until somebody keeps 12.50 of it for good."""
    service = await alone(office)
    await moved(office, fact(HANDED_OVER, service, MARCH_11))
    await moved(office, fact(RETURNED, service, MARCH_26, **DAMAGED))
    (one,) = (await shown(office)).rentals
    assert (one.ending, one.deposit.amount_minor) == ("damaged", 3000)
    with pytest.raises(Invalid, match=r"between 0\.00 EUR and 30\.00 EUR"):
        await decide(office, one, 3001)
    await decide(office, one, 1250)
    (line,) = (await shown(office)).credit_notes[0].lines  # the newest
    assert (line.amount.amount_minor, line.kept.amount_minor) == (1750, 1250)
    assert (await balances(office.store))["revenue", "", "EUR"] == -145 - 1250
    assert (await shown(office)).owed.amount_minor == 145 + 29 + 1250
    await decide(office, one, 1250)
    assert len((await shown(office)).credit_notes) == 2
    with pytest.raises(InvalidTransition, match=r"12\.50 EUR was kept already"):
        await decide(office, one, 0)
    await unchanged_by_settling(office)


async def test_a_deposit_that_is_kept_whole_stands_on_a_note_of_nothing(office: Office):
    """Nothing is given back, and the books show whose money it is now."""
    service = await alone(office)
    await moved(office, fact(HANDED_OVER, service, MARCH_11))
    await moved(office, fact(LOST, service, MARCH_11))
    (one,) = (await shown(office)).rentals
    await decide(office, one, 3000)
    view = await shown(office)
    assert str(view.credit_notes[0].total) == "0.00 EUR"
    assert [each.deposit.amount_minor for each in view.rentals] == [0]
    assert not [key for key in await balances(office.store) if key[0] == "deposit"]
    await moved(office, fact(FOUND, service, MARCH_26))
    assert given_back((await shown(office)).credit_notes)[-1][0] == "lost_fee"
    await unchanged_by_settling(office)


async def test_only_a_deposit_that_waits_is_decided_about(small_office: Office):
    """A running rental, one that is over, one without a deposit and one of nobody are refused."""
    office, service = small_office, await alone(small_office)
    await moved(office, fact(HANDED_OVER, service, MARCH_11))
    await moved(office, fact(HANDED_OVER, service, MARCH_11, "S-2", model="HD-1"))
    running = {one.serial: one for one in (await shown(office)).rentals}
    without = "no deposit was charged for box S-2"
    for serial, why in (("S-1", "S-1 is held while its household has the box"), ("S-2", without)):
        with pytest.raises(InvalidTransition, match=why):
            await decide(office, running[serial], 0)
    await moved(office, fact(RETURNED, service, MARCH_26))
    await moved(office, fact(RETURNED, service, MARCH_26, "S-2", model="HD-1", **DAMAGED))
    for serial, why in (("S-1", "S-1 was given back when the box came back"), ("S-2", without)):
        with pytest.raises(InvalidTransition, match=why):
            await decide(office, running[serial], 0)
    with pytest.raises(NotFound):
        await decide(office, replace(running["S-1"], id="nobody's"), 0)


async def test_rentals_may_begin_with_the_first_proof_of_life(office: Office):
    """Where the operator says so, rent begins with the activation; without one it never does."""
    assert await office.publish(Publication(zone=ZONE, starts=Starts.ACTIVATION)) == (
        "rentals begin with the activation",
    )
    assert await office.publish(Publication(zone=ZONE, starts=Starts.ACTIVATION)) == ()
    service = await alone(office)
    await moved(office, fact(HANDED_OVER, service, MARCH_11))
    await moved(office, fact(HANDED_OVER, service, MARCH_11, "S-2"))
    assert await lines(office) == []
    await on(office, date(2026, 3, 27))
    await moved(office, fact(ACTIVATED, service, MARCH_26))
    await moved(office, fact(ACTIVATED, service, date(2026, 3, 27)))
    await moved(office, fact(RETURNED, service, MARCH_26, "S-2"))
    assert [(one[2], one[3]) for one in await lines(office)] == [(6, 58), (1, 3000)]
    await unchanged_by_settling(office)


async def test_who_was_billed_elsewhere_has_left_the_deposit_there(small_office: Office):
    """Of a box another system has billed until May only the rent is charged, from May on."""
    office = small_office
    await office.join(
        plan="FREE",
        starts_on=date(2024, 1, 1),
        billed_until=date(2026, 5, 1),
        activation=Activation.OPEN,
    )
    await moved(office, fact(HANDED_OVER, await service_of(office), date(2024, 1, 1)))
    await on(office, date(2026, 5, 2))
    assert [(one[0], one[3]) for one in await lines(office)] == [("rental", 300)]


async def test_facts_that_come_late_or_twice_charge_no_day_twice(small_office: Office):
    """A hand-over dated before the last return begins on that day; a fact is heard once."""
    office, service = small_office, await alone(small_office)
    first, back = fact(HANDED_OVER, service, MARCH_11), fact(RETURNED, service, MARCH_26)
    await moved(office, back)
    await moved(office, first, fact(LOST, service, date(2026, 3, 20)), back)
    again = fact(HANDED_OVER, service, date(2026, 3, 15))
    await moved(office, again)
    await moved(office, back, first, again)
    async with office.store.read() as tx:
        found = await tx.rows(select(rental).order_by(rental.c.from_on))
    assert [(row.from_on, row.until_on, row.ending) for row in found] == [
        (MARCH_11, date(2026, 3, 20), "returned"),
        (date(2026, 3, 20), None, None),
    ]


async def test_a_box_that_came_and_went_unseen_holds_no_deposit(small_office: Office):
    """Hand-over and return heard together charge the days between them and nothing else."""
    office, service = small_office, await alone(small_office)
    await moved(office, fact(HANDED_OVER, service, MARCH_11), fact(RETURNED, service, MARCH_26))
    assert [(one[0], one[2], one[3]) for one in await lines(office)] == [("rental", 15, 145)]
    assert (await shown(office)).credit_notes == []


async def test_a_rental_of_before_is_given_nothing_back(office: Office):
    """One that had ended before returns were credited, as the migration left it, stays so."""
    service = await alone(office)
    await moved(office, fact(HANDED_OVER, service, MARCH_11))
    async with office.store.begin() as tx:
        await tx.driver("UPDATE rental SET until_on = '2026-03-26'")
    await unchanged_by_settling(office)
    assert (await shown(office)).credit_notes == []


def with_part(one: Price, part: str, amount_minor: int) -> Price:
    """Give a price a deposit or a fee for what is lost."""
    if part == "deposit":
        return replace(one, deposit_minor=amount_minor)
    return replace(one, lost_fee_minor=amount_minor)


@pytest.mark.parametrize("part", ["deposit", "lost_fee"])
async def test_only_rentals_have_deposits_and_fees(small_office: Office, part: str):
    """A plan has neither, nothing is negative, and what is in force stays as it is."""
    fresh = offering("LENT", OfferingKind.RENTAL, models=("L-1",))
    refused = {
        "only a rental": with_part(price("BASIC", "1.00", since=date(2026, 5, 1)), part, 1),
        "not negative": with_part(price("LENT", "1.00"), part, -1),
        "sold already": with_part(price("DECODER", "3.00"), part, 1),
    }
    for why, wrong in refused.items():
        with pytest.raises(Invalid, match=why):
            await small_office.publish(Publication(zone=ZONE, offerings=(fresh,), prices=(wrong,)))
