"""Which boxes a technician may look at and act on, by whatever way he tries."""

from __future__ import annotations

from datetime import timedelta

from app.desk import hands, stock
from app.desk.boxes import By
from billing.catalog.terms import When
from gateway.inventory.store import by_serial
from gateway.reads.progress import Stage
from tests.fixtures.store import ON_BOTH
from tests.flows.app.operator import contract_of
from tests.flows.app.vans import page, sent
from tests.flows.field.phones import alert, as_, words


@ON_BOTH
async def test_the_box_of_a_household_is_not_everybodys(vans, served, tom):
    """Without a job there Ben neither takes it back, swaps it, asks it nor registers it again; he
    reads nothing of whose it is. With a job he may, and an owner always.
    """
    theirs, new, other = vans.serials[:3]
    await vans.bind(theirs, 1)
    async with vans.house.store.begin() as tx:
        await stock.move(vans.house, tx, new, vans.ben.actor, by=By(actor="test"))
        await stock.move(vans.house, tx, other, vans.ben.actor, by=By(actor="test"))
    ben = await as_(served, "ben")
    event = {"event": "e1", "condition": "good"}
    tries = [
        await ben.get(page("return", serial=theirs)),
        await ben.get(page("swap", old=theirs, new=new)),
        await ben.get(page("swap", old=new, new=theirs)),
        await ben.get(page("register", contract=contract_of(1), serial=theirs)),
        await ben.get(page("box", serial=theirs)),
        await ben.post("/field/return", serial=theirs, **event),
        await ben.post("/field/swap", old=theirs, new=new, **event),
        await ben.post("/field/register", serial=theirs, contract=contract_of(1), event="e2"),
        await ben.post("/field/box/ask", serial=theirs),
    ]
    for seen in tries:
        assert seen.status in {404, 409}, words(seen.text)
        assert "Household 1" not in seen.text
    assert "is not yours" in alert(tries[0])
    async with vans.house.store.read() as tx:
        found = (await by_serial(tx, [theirs]))[theirs]
    assert found.is_held
    olga = await as_(served, "olga")
    assert (await olga.get(page("return", serial=theirs))).status == 200
    job = await vans.open_job(1, "swap")
    await ben.post(f"/field/jobs/{job.id}/take")
    seen = await ben.get(page("swap", old=theirs, new=new, job=job.id))
    assert (await sent(ben, seen, "/field/swap", condition="good")).status == 303
    await ben.post(f"/field/jobs/{job.id}/close")
    assert (await ben.get(page("box", serial=theirs))).status == 200, "it lies in his van"
    assert (await ben.get(page("return", serial=new))).status == 200, "he has just given it out"


async def test_what_was_given_out_long_ago_needs_a_job(vans):
    """Who has given out a box may come back to it for a week; the next one may not by that."""
    serial = vans.serials[0]
    await vans.bind(serial, 1)
    now = vans.house.clock.machine_now()
    later = now + hands.GIVEN_OUT_LASTS + timedelta(minutes=1)
    tom = By(actor=vans.tom.actor, stock=vans.tom.actor)
    ben = By(actor=vans.ben.actor, stock=vans.ben.actor)
    async with vans.house.store.read() as tx:
        box = (await by_serial(tx, [serial]))[serial]
        assert await hands.is_in(tx, tom, box, now)
        assert not await hands.is_in(tx, tom, box, later)
        assert not await hands.is_in(tx, ben, box, now)


async def test_no_box_goes_where_the_contract_has_ended(vans, served, tom):
    """Neither by page, by command's story, over the API, nor by a job; what is there comes back."""
    first, second = vans.serials[:2]
    await vans.bind(first, 1)
    await vans.open_job(1, "return", vans.tom)
    await vans.shop.cancel(1, When.NOW)
    ended = f"Contract {contract_of(1)} has ended: no box goes there any more"
    seen = await tom.get(page("register", contract=contract_of(1), serial=second))
    assert (seen.status, ended in alert(seen)) == (409, True)
    seen = await tom.get(page("swap", old=first, new=second))
    assert (seen.status, ended in alert(seen)) == (409, True)
    wanted = {"serial": second, "contract": contract_of(1)}
    status, told = await served.api("POST", "registrations", wanted)
    assert (status, ended[1:] in told["detail"]) == (409, True)
    status, _ = await served.api("POST", f"boxes/{second}/hand-over", {"contract": contract_of(1)})
    assert status == 409
    status, _ = await served.api("POST", f"boxes/{first}/swap", {"new": second})
    assert status == 409
    for kind, answer in (("install", 409), ("swap", 409), ("return", 200)):
        job = {"kind": kind, "contract": contract_of(1)}
        assert (await served.api("POST", "jobs", job))[0] == answer, kind
    seen = await tom.get(page("return", serial=first))
    assert (await sent(tom, seen, "/field/return", condition="good")).status == 303
    assert (await vans.progress(first)).stage is Stage.AWAY
