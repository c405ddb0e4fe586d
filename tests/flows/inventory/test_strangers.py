"""Boxes that call: strangers wait without rights, what does not fit waits for a person."""

from datetime import timedelta

import pytest

from gateway.inventory import quarantine, reviews, sightings
from gateway.inventory.flows import NewBox, register
from gateway.inventory.quarantine import Sighting
from gateway.inventory.reviews import CaseKind, Finding
from gateway.inventory.sightings import BY_TURNS
from runtime.store import audit
from terms.errors import Invalid, NotFound
from tests.flows.inventory.shelf import MODEL

MAC, OTHER_MAC = "00:16:3E:00:00:01", "00:16:3E:00:00:02"


async def hear(shelf, *seen):
    """Have boxes call, now."""
    async with shelf.store.begin() as tx:
        return await sightings.hear(tx, seen, shelf.clock.machine_now())


async def cases(shelf):
    """List what waits for a person."""
    async with shelf.store.read() as tx:
        return await reviews.waiting(tx)


async def waiting(shelf):
    """List who is in quarantine."""
    async with shelf.store.read() as tx:
        return await quarantine.waiting(tx)


async def known(shelf, serial, mac=None):
    """Make a box known that has a MAC."""
    async with shelf.store.begin() as tx:
        new = NewBox(serial=serial, model=MODEL, mac=mac)
        return (await register(tx, shelf.work, [new], actor="ann"))[0]


async def test_a_stranger_waits_and_is_counted(shelf):
    """A box nobody knows is noted with first and last call; it is no box of ours by that."""
    first = shelf.clock.machine_now()
    assert (
        await hear(shelf, Sighting(serial="RB9", oui="00163e", model=MODEL, address="10.0.0.9"))
        == {}
    )
    shelf.machine.forward(timedelta(hours=1))
    await hear(shelf, Sighting(serial="RB9", oui="00163E", model=MODEL, address="10.0.0.10"))
    (one,) = await waiting(shelf)
    assert (one.serial, one.oui, one.address, one.count) == ("RB9", "00163E", "10.0.0.10", 2)
    assert (one.first_at, one.last_at) == (first, shelf.clock.machine_now())
    assert await cases(shelf) == []


async def test_who_is_registered_leaves_quarantine(rack):
    """From then on the box is known when it calls."""
    await hear(rack, Sighting(serial="RB9"), Sighting(serial="RB8"))
    await rack.boxes("RB9")
    assert [one.serial for one in await waiting(rack)] == ["RB8"]
    assert set(await hear(rack, Sighting(serial="RB9"), Sighting(serial="RB8"))) == {"RB9"}


async def test_quarantine_is_bounded(shelf):
    """However many call, only so many are kept: who was not seen for longest gives way."""
    for number in range(5):
        shelf.machine.forward(timedelta(seconds=1))
        async with shelf.store.begin() as tx:
            now = shelf.clock.machine_now()
            await quarantine.keep(tx, [Sighting(serial=f"X{number}")], now, strangers_max=3)
    assert [one.serial for one in await waiting(shelf)] == ["X4", "X3", "X2"]


async def test_whatever_a_stranger_says_is_cut_to_size(rack):
    """Control characters and endless texts of a hostile box are not kept."""
    await hear(rack, Sighting(serial="R\x00B" + "9" * 500, model="a\x1b[2J" * 50, mac="x" * 99))
    (one,) = await waiting(rack)
    assert (len(one.serial), one.serial[:3]) == (63, "RB9")
    assert one.model.isprintable()
    await hear(rack, Sighting(serial="\x00"))
    assert len(await waiting(rack)) == 1


async def test_a_box_that_is_another_one_is_put_before_a_person(rack):
    """Another model, another MAC: told with both values, and nothing is changed by it."""
    await known(rack, "RB1", MAC)
    await hear(rack, Sighting(serial="RB1", model="RB-2", mac=OTHER_MAC))
    told = {one.kind: one.reason for one in await cases(rack)}
    assert told[CaseKind.OTHER_MODEL] == "box RB1 is registered as RB-1 and calls itself RB-2"
    assert told[CaseKind.OTHER_MAC] == f"box RB1 has the MAC {MAC} and shows {OTHER_MAC}"
    box = await rack.box("RB1")
    assert (box.mac, box.model) == (MAC, MODEL)


async def test_one_mac_on_two_serials_is_put_before_a_person(rack):
    """Whether the second one is known or a stranger: the holder of the MAC is named."""
    await known(rack, "RB1", MAC)
    await known(rack, "RB2", OTHER_MAC)
    for other in ("RB2", "RB9"):
        await hear(rack, Sighting(serial=other, mac=MAC.replace(":", "").lower()))
        (case,) = await cases(rack)
        assert (case.kind, case.serial) == (CaseKind.MAC_TAKEN, "RB1")
        assert other in case.reason


async def test_a_box_in_two_places_by_turns_is_two_boxes(shelf):
    """A new lease moves a box once; back and forth within minutes a clone is at work."""
    await known(shelf, "RB1")
    for address in ("10.0.0.1", "10.0.0.1", "10.0.0.2"):
        await hear(shelf, Sighting(serial="RB1", address=address))
    assert await cases(shelf) == []
    await hear(shelf, Sighting(serial="RB1", address="10.0.0.1"))
    assert [one.kind for one in await cases(shelf)] == [CaseKind.TWO_PLACES]


async def test_a_box_that_comes_back_much_later_has_moved(rack):
    """The same two addresses with days between them are no clone."""
    await known(rack, "RB1")
    for address in ("10.0.0.1", "10.0.0.2", "10.0.0.1"):
        await hear(rack, Sighting(serial="RB1", address=address))
        rack.machine.forward(BY_TURNS)
    assert await cases(rack) == []


async def test_two_addresses_in_one_batch_are_seen(rack):
    """Calls that are written down together are compared with each other, too."""
    await known(rack, "RB1")
    seen = [Sighting(serial="RB1", address=f"10.0.0.{n}") for n in (1, 2, 1)]
    await hear(rack, *seen)
    assert [one.kind for one in await cases(rack)] == [CaseKind.TWO_PLACES]


async def test_a_box_that_fits_writes_nothing(shelf):
    """A contact of a well-known box from where it always is costs no write."""
    await known(shelf, "RB1", MAC)
    seen = Sighting(serial="RB1", mac=MAC, model=MODEL, address="10.0.0.1")
    await hear(shelf, seen)
    async with shelf.store.read() as tx:  # refuses to write
        assert set(await sightings.hear(tx, [seen], shelf.clock.machine_now())) == {"RB1"}


async def test_a_person_resolves_and_it_may_come_again(shelf):
    """What was decided is written down with who and why; the same trouble again is a new case."""
    finding = Finding(kind=CaseKind.MAC_TAKEN, serial="RB1", reason="why")
    now = shelf.clock.machine_now()
    async with shelf.store.begin() as tx:
        await reviews.report(tx, [finding], now)
        await reviews.report(tx, [finding], now)
    (case,) = await cases(shelf)
    assert case.count == 2
    for _ in range(2):
        async with shelf.store.begin() as tx:
            done = await reviews.resolve(tx, case.id, actor="ann", resolution="swapped", now=now)
        assert (done.resolved_by, done.resolution) == ("ann", "swapped")
    assert await cases(shelf) == []
    async with shelf.store.read() as tx:
        (deed,) = await audit.history(tx, "box:RB1")
    assert (deed.actor, deed.action, deed.reason) == ("ann", "review.resolve", "swapped")
    async with shelf.store.begin() as tx:
        await reviews.report(tx, [finding], now)
    assert [one.count for one in await cases(shelf)] == [1]


async def test_a_decision_needs_a_case_and_a_sentence(rack):
    """Nothing is resolved that is not there, or without saying how."""
    now = rack.clock.machine_now()
    with pytest.raises(NotFound):
        async with rack.store.begin() as tx:
            await reviews.resolve(tx, "nosuch", actor="ann", resolution="x", now=now)
    with pytest.raises(Invalid, match="resolution"):
        async with rack.store.begin() as tx:
            await reviews.resolve(tx, "nosuch", actor="ann", resolution="", now=now)
