"""Payment methods: left on the provider's page, tried at once, told of before they end, removed."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from billing.flows import methods, upkeep
from billing.flows.calls import Recorded
from billing.payments.store import attempt, payment_method
from runtime.log import log_entry
from terms.errors import InvalidTransition, NotFound
from tests.fixtures.billing import Office
from tests.fixtures.till import Till
from tests.flows.billing.books import check_books, open_items
from tests.flows.billing.test_collect import FIRST, attempts, charged

HEARD = ("setup_intent.succeeded", "payment_method.detached", "payment_method.updated")


async def leave(till: Till, card: str, *, replaces: str = "") -> None:
    """Leave a card on the provider's page, and have it heard of and described."""
    office = till.office
    async with office.store.read() as tx:
        order = await methods.setup_order(
            office.desk, tx, "100001", replaces=replaces, return_url="http://x.example/"
        )
    page = await office.desk.providers[order.provider].setup(order)
    await till.submit(page, {"card": card})
    await till.hear_all(*HEARD)
    await look(till)


async def look(till: Till) -> Recorded:
    """Talk about every method that is marked."""
    office = till.office
    async with office.store.read() as tx:
        kept = await upkeep.prepare(office.desk, tx, await till.marked("method"))
    found = [(one, await upkeep.call(office.desk, one)) for one in kept]
    async with office.store.begin() as tx:
        return await upkeep.record(office.desk, tx, found, office.now)


async def kept(office: Office) -> list[Any]:
    """Return the methods of the household, the one to be charged last."""
    c = payment_method.c
    async with office.store.read() as tx:
        return list(await tx.rows(select(payment_method).order_by(c.is_default, c.id)))


async def at_provider(till: Till) -> dict[str, Any]:
    """Tell whose each method is at the provider."""
    found = (await till.ask("payment_methods?limit=100"))["data"]
    return {one["id"]: one["customer"] for one in found}


async def test_a_new_card_pays_at_once_what_the_old_one_could_not(till: Till):
    """A lost card is never tried again; the one left in its place is, once, on the same day."""
    account = await till.join()
    await till.behave("decline:lost_card")
    await till.collect()
    await till.office.live([account], till.office.now + timedelta(days=12))
    assert await charged(till) == []
    assert await attempts(till) == [(0, "failed", "lost_card")]
    await till.behave("ok")
    (old,) = await kept(till.office)
    await leave(till, "visa", replaces=old.id)
    await till.collect()
    assert (await attempts(till))[0] == (0, "failed", "lost_card")
    assert [state for _, state, _ in await attempts(till)] == ["failed", "cleared"]
    assert await charged(till) == [FIRST]
    assert await open_items(till.office.store) == {}
    gone, new = await kept(till.office)
    assert (gone.stopped, new.stopped, new.is_default) == ("replaced", "", True)
    assert (new.label, new.expires_on) == ("visa 4242", date(2040, 12, 31))
    assert new.customer_ref == gone.customer_ref
    assert await at_provider(till) == {gone.method_ref: None, new.method_ref: new.customer_ref}
    await check_books(till.office.store)


async def test_a_card_that_is_declined_softly_is_tried_by_the_calendar(small_till: Till):
    """Another card is tried at once; turning back to the first one tries nothing out of turn."""
    till, office = small_till, small_till.office
    await till.join()
    await till.behave("decline:insufficient_funds")
    await till.collect()
    await leave(till, "mastercard")
    await till.collect()
    assert [n for n, _, _ in await attempts(till)] == [0, 1]
    first, second = await kept(office)
    for one in (first, second, first):
        async with office.store.begin() as tx:
            await methods.prefer(office.desk, tx, "100001", one.id, office.now)
        await till.settle()
        await till.collect()
    assert [n for n, _, _ in await attempts(till)] == [0, 1]
    await till.behave("ok")
    await office.live(list(office.looks), office.now + timedelta(days=1, hours=16))
    await till.collect()
    assert [n for n, _, _ in await attempts(till)] == [0, 1, 2]
    async with office.store.read() as tx:
        used = [row.method_id for row in await tx.rows(select(attempt).order_by(attempt.c.n))]
    assert used == [first.id, second.id, first.id]


async def test_a_household_without_a_card_leaves_one(small_till: Till):
    """Whoever never had a card gets a customer at the provider, and is charged what is due."""
    till = small_till
    await till.office.join(method=None)
    await leave(till, "4242 4242 4242 4242")
    await till.collect()
    assert await charged(till) == [FIRST]
    await till.hear_all("setup_intent.succeeded")
    assert len(await kept(till.office)) == 1


async def test_a_removed_card_is_never_charged_again(small_till: Till):
    """It is detached at the provider too, also where a try was about to be made with it."""
    till, office = small_till, small_till.office
    await till.join()
    (one,) = await kept(office)
    async with office.store.begin() as tx:
        await methods.remove(office.desk, tx, "100001", one.id, office.now)
    await till.collect()
    assert await charged(till) == []
    assert await attempts(till) == [(0, "failed", "superseded")]
    await till.faults("reset:match=POST payment_methods:count=1")
    assert list((await look(till)).again.values()) == [timedelta(minutes=5)]
    assert not (await look(till)).again
    assert await at_provider(till) == {one.method_ref: None}
    (now,) = await kept(office)
    assert (now.stopped, now.is_leaving) == ("removed", False)
    for deed in (methods.remove, methods.prefer):
        async with office.store.begin() as tx:
            with pytest.raises(NotFound):
                await deed(office.desk, tx, "100001", one.id, office.now)


async def test_what_a_bank_refused_for_good_is_not_made_the_one_to_charge(small_till: Till):
    """A stolen card stays stopped, whoever wants it charged."""
    till, office = small_till, small_till.office
    await till.join()
    await till.behave("decline:stolen_card")
    await till.collect()
    (one,) = await kept(office)
    async with office.store.begin() as tx:
        with pytest.raises(InvalidTransition, match="stolen_card"):
            await methods.prefer(office.desk, tx, "100001", one.id, office.now)


async def test_a_card_that_ends_soon_is_told_of_once(till: Till):
    """A month before its last day its holder is told; a renewed one is told of when it is time."""
    office = till.office
    await till.join()
    await leave(till, "visa")
    new = (await kept(office))[1]

    async def renew(year: int, month: int) -> None:
        told = {"op": "renew", "payment_method": new.method_ref, "exp_year": year}
        await till.simulator.aadmin("/tamper", {**told, "exp_month": month})
        await till.hear_all("payment_method.automatically_updated")
        await look(till)

    async def warned(at: datetime) -> int:
        async with office.store.begin() as tx:
            return await upkeep.warn(office.desk, tx, at)

    await renew(2026, 5)
    assert [await warned(datetime(2026, 4, 30, 9, tzinfo=UTC))] == [0]
    assert await warned(datetime(2026, 5, 1, 9, tzinfo=UTC)) == 1
    assert await warned(datetime(2026, 5, 2, 9, tzinfo=UTC)) == 0
    await renew(2027, 5)
    assert await warned(datetime(2026, 5, 2, 9, tzinfo=UTC)) == 0
    assert await warned(datetime(2027, 5, 20, 9, tzinfo=UTC)) == 1
    async with office.store.read() as tx:
        rows = await tx.rows(select(log_entry.c.value).where(log_entry.c.value.contains("card_ex")))
    assert len(rows) == 2


async def test_a_card_that_is_gone_at_the_provider_is_not_charged(small_till: Till):
    """Detached there by somebody, it stops here; the household has to leave another one."""
    till = small_till
    await till.join()
    (one,) = await kept(till.office)
    await till.ask(f"payment_methods/{one.method_ref}/detach", {})
    await till.hear_all("payment_method.detached")
    await look(till)
    (now,) = await kept(till.office)
    assert now.stopped == "gone"
