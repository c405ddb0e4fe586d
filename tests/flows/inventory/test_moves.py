"""What becomes of a box, step by step: its state, its history, what others are told."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from gateway.inventory import flows, stock
from gateway.inventory.flows import Activate, HandOver, NewBox, Swap, TakeBack
from gateway.inventory.model import ResourceState
from gateway.inventory.stock import Gone, Shelve
from runtime.store import audit
from terms.errors import DomainError, Invalid, InvalidTransition, NotFound
from terms.facts import Condition, Possession
from terms.ids import ResourceId
from tests.flows.inventory.shelf import ACTOR, DAY, MODEL, ONE, TWO

FAULTY = Condition.FAULTY


async def do(shelf, flow, *moves):
    """Run one flow in a transaction of its own."""
    async with shelf.store.begin() as tx:
        return await flow(tx, shelf.work, moves)


async def test_a_life_is_written_down_step_by_step(shelf):
    """From the shelf to a household and back: each line tells who, where, when and with whom."""
    (box,) = await shelf.boxes("RB1")
    shelf.machine.forward(timedelta(hours=1))
    await do(
        shelf,
        flows.hand_over,
        HandOver(resource=box.id, service=ONE, on=DAY, actor="ben", place="Pier Road 1"),
    )
    await do(shelf, flows.activate, Activate(resource=box.id, on=DAY, actor="ben"))
    back = TakeBack(
        resource=box.id, on=DAY, actor="cay", condition=FAULTY, note="scratched", place="van 7"
    )
    await do(shelf, flows.take_back, back)
    await do(shelf, stock.restock, Shelve(resource=box.id, actor="cay"))
    lines = await shelf.lines("RB1")
    told = [(one.n, one.action, one.state.value, one.place, one.actor) for one in lines]
    assert told == [
        (0, "register", "in_stock", "warehouse", "ann"),
        (1, "hand_over", "assigned", "Pier Road 1", "ben"),
        (2, "activate", "active", "Pier Road 1", "ben"),
        (3, "take_back", "returned", "van 7", "cay"),
        (4, "restock", "in_stock", "warehouse", "cay"),
    ]
    assert [one.service for one in lines] == [None, ONE, ONE, None, None]
    assert [lines[n].on for n in (0, 1, 3)] == [None, DAY, DAY]
    assert lines[1].at - lines[0].at == timedelta(hours=1)
    assert [one.condition for one in lines] == [None, None, None, FAULTY, None]
    assert lines[3].note == "scratched"
    kinds = [(one.kind, one.service, one.condition) for one in await shelf.facts()]
    assert kinds == [
        (Possession.HANDED_OVER, ONE, None),
        (Possession.ACTIVATED, ONE, None),
        (Possession.RETURNED, ONE, FAULTY),
    ]


async def test_the_database_refuses_to_change_history(shelf):
    """What happened to a box stays written as it was."""
    await shelf.boxes("RB1")
    for change in ("UPDATE resource_move SET actor = 'x'", "DELETE FROM resource_move"):
        with pytest.raises(DBAPIError, match="resource_move only grows"):
            async with shelf.store.begin() as tx:
                await tx.driver(change)


async def test_a_swap_is_one_story(shelf):
    """The new box stands where the old one stood; one fact names both; the old one is returned."""
    old = await shelf.held("RB1")
    (new,) = await shelf.boxes("RB2")
    await shelf.marked()
    move = Swap(old=old.id, new=new.id, on=DAY, actor="ben", condition=FAULTY, stored_at="van 7")
    for _ in range(2):
        (given,) = await do(shelf, flows.swap, move)
        assert (given.serial, given.state, given.service) == ("RB2", ResourceState.ASSIGNED, ONE)
    back = await shelf.box("RB1")
    assert (back.state, back.service, back.place) == (ResourceState.RETURNED, None, "van 7")
    told = (await shelf.facts())[1:]
    assert [(one.kind, one.resource, one.old_resource, one.condition) for one in told] == [
        (Possession.SWAPPED, new.id, old.id, FAULTY)
    ]
    assert await shelf.marked() == {ONE}
    assert [line.other for line in await shelf.lines("RB1")] == [None, None, new.id]


async def test_a_swap_back_and_forth_is_three_swaps(rack):
    """The same pair may be swapped again later: what was done once is not taken for done now."""
    old = await rack.held("RB1")
    (new,) = await rack.boxes("RB2")
    pair = [old.id, new.id]
    for _ in range(3):
        await do(rack, flows.swap, Swap(old=pair[0], new=pair[1], on=DAY, actor=ACTOR))
        await do(rack, stock.restock, Shelve(resource=pair[0], actor=ACTOR))
        pair.reverse()
    assert (await rack.box("RB2")).is_held
    assert [one.kind for one in await rack.facts()].count(Possession.SWAPPED) == 3


async def test_a_lost_box_is_nobodys_until_it_is_found(rack):
    """Who lost it is told twice: when it is gone, and when it is back."""
    box = await rack.held("RB1")
    lost = await do(rack, stock.lose, Gone(resource=box.id, on=DAY, actor="ben"))
    assert [(one.state, one.service) for one in lost] == [(ResourceState.LOST, ONE)]
    await do(rack, stock.lose, Gone(resource=box.id, on=DAY, actor="ben"))
    back = TakeBack(resource=box.id, on=DAY, actor="ben", condition=Condition.SCRAP, note="wet")
    found = await do(rack, stock.find, back)
    assert [(one.state, one.service) for one in found] == [(ResourceState.RETURNED, None)]
    await do(rack, stock.find, back)
    kinds = [one.kind for one in await rack.facts()]
    assert kinds == [Possession.HANDED_OVER, Possession.LOST, Possession.FOUND]
    assert (await rack.facts())[2].condition is Condition.SCRAP


async def test_a_lost_box_over_the_counter_is_found(rack):
    """Whoever brings a lost box back need not know that it was lost."""
    box = await rack.held("RB1")
    await do(rack, stock.lose, Gone(resource=box.id, on=DAY, actor=ACTOR))
    await do(rack, flows.take_back, TakeBack(resource=box.id, on=DAY, actor=ACTOR))
    assert (await rack.facts())[-1].kind is Possession.FOUND


async def test_what_is_lost_from_the_shelf_is_nobodys_business_but_ours(rack):
    """No household had it, so billing is told nothing."""
    (box,) = await rack.boxes("RB1")
    await do(rack, stock.lose, Gone(resource=box.id, on=DAY, actor=ACTOR))
    await do(rack, stock.find, TakeBack(resource=box.id, on=DAY, actor=ACTOR))
    await do(rack, stock.scrap, Gone(resource=box.id, on=DAY, actor=ACTOR, note="corroded"))
    assert await rack.facts() == []
    assert (await rack.lines("RB1"))[-1].note == "corroded"


async def test_repeating_is_harmless(rack):
    """Each step done twice is done once: no second line, no second fact."""
    box = await rack.held("RB1")
    steps = (
        (flows.hand_over, HandOver(resource=box.id, service=ONE, on=DAY, actor=ACTOR)),
        (flows.activate, Activate(resource=box.id, on=DAY, actor=ACTOR)),
        (flows.take_back, TakeBack(resource=box.id, on=DAY, actor=ACTOR)),
        (stock.shift, Shelve(resource=box.id, actor=ACTOR, place="van 7")),
        (stock.restock, Shelve(resource=box.id, actor=ACTOR, place="van 7")),
        (stock.scrap, Gone(resource=box.id, on=DAY, actor=ACTOR)),
    )
    for flow, move in steps:
        await do(rack, flow, move, move)
        lines, facts = len(await rack.lines("RB1")), len(await rack.facts())
        await do(rack, flow, move)
        assert (len(await rack.lines("RB1")), len(await rack.facts())) == (
            lines,
            facts,
        )


async def test_boxes_move_between_places_of_stock(rack):
    """A box on a shelf goes to a van; one that a household holds is not moved by us."""
    (box,) = await rack.boxes("RB1")
    (moved,) = await do(rack, stock.shift, Shelve(resource=box.id, actor=ACTOR, place="ben"))
    assert (moved.place, moved.state) == ("ben", ResourceState.IN_STOCK)
    held = await rack.held("RB2")
    with pytest.raises(InvalidTransition, match="only what is on a shelf is moved"):
        await do(rack, stock.shift, Shelve(resource=held.id, actor=ACTOR, place="ben"))
    with pytest.raises(Invalid, match="place"):
        await do(rack, stock.shift, Shelve(resource=box.id, actor=ACTOR, place="x" * 81))


async def test_a_bad_move_says_what_to_do(rack):
    """Whoever stands there with the box reads why it cannot be, and what comes first."""
    held = await rack.held("RB1")
    (free,) = await rack.boxes("RB2")
    over = HandOver(resource=held.id, service=TWO, on=DAY, actor=ACTOR)
    wrong = (
        (flows.hand_over, over, "held by another household: take it back first"),
        (
            flows.activate,
            Activate(resource=free.id, on=DAY, actor=ACTOR),
            "box RB2 is in stock: hand it over first",
        ),
        (
            flows.take_back,
            TakeBack(resource=free.id, on=DAY, actor=ACTOR),
            "hand it over first",
        ),
        (stock.scrap, Gone(resource=held.id, on=DAY, actor=ACTOR), "take it back first"),
        (stock.find, TakeBack(resource=held.id, on=DAY, actor=ACTOR), "it was not lost"),
        (
            flows.swap,
            Swap(old=free.id, new=held.id, on=DAY, actor=ACTOR),
            "nobody has it to be swapped",
        ),
        (
            flows.swap,
            Swap(old=held.id, new=held.id, on=DAY, actor=ACTOR),
            "cannot be given for itself",
        ),
    )
    for flow, move, told in wrong:
        with pytest.raises(DomainError, match=told):
            await do(rack, flow, move)
    with pytest.raises(NotFound, match="no box nosuch"):
        await do(
            rack,
            flows.activate,
            Activate(resource=ResourceId("nosuch"), on=DAY, actor=ACTOR),
        )
    with pytest.raises(Invalid, match="actor"):
        await do(rack, flows.activate, Activate(resource=held.id, on=DAY, actor=""))


async def test_a_batch_is_whole_or_nothing(shelf):
    """One bad move among many undoes them all, and nobody is told anything."""
    (free,) = await shelf.boxes("RB1")
    held = await shelf.held("RB2")
    moves = [HandOver(resource=id_, service=TWO, on=DAY, actor=ACTOR) for id_ in (free.id, held.id)]
    with pytest.raises(InvalidTransition):
        await do(shelf, flows.hand_over, *moves)
    assert (await shelf.box("RB1")).state is ResourceState.IN_STOCK
    assert len(await shelf.facts()) == 1


async def test_two_who_want_one_box_at_once_do_not_both_get_it(shelf):
    """Who comes while another is given the box waits, and is told that it is taken."""
    (box,) = await shelf.boxes("RB1")

    async def give(service):
        move = HandOver(resource=box.id, service=service, on=DAY, actor=ACTOR)
        await do(shelf, flows.hand_over, move)

    async with shelf.store.begin() as tx:
        first = HandOver(resource=box.id, service=ONE, on=DAY, actor=ACTOR)
        await flows.hand_over(tx, shelf.work, [first])
        second = asyncio.create_task(give(TWO))
        # It cannot end before we do; a moment in which it would read what it must not.
        await asyncio.wait([second], timeout=0.2)
    with pytest.raises(InvalidTransition, match="held by another household"):
        await second
    assert len(await shelf.facts()) == 1
    assert len(await shelf.lines("RB1")) == 2


async def test_every_step_is_audited(rack):
    """The audit names who did it, and what the box was before."""
    box = await rack.held("RB1")
    await do(rack, flows.activate, Activate(resource=box.id, on=DAY, actor="ben"))
    async with rack.store.read() as tx:
        deeds = await audit.history(tx, "box:RB1")
    assert [(one.actor, one.action, one.before) for one in deeds] == [
        ("ben", "box.activate", "assigned at S1"),
        ("ann", "box.hand_over", "in_stock at warehouse"),
        ("ann", "box.register", None),
    ]


async def test_thousands_move_in_a_few_statements(rack):
    """A batch of many is no loop over the database."""
    new = [NewBox(serial=f"N{n}", model=MODEL) for n in range(1_500)]
    async with rack.store.begin() as tx:
        boxes = await flows.register(tx, rack.work, new, actor=ACTOR)
        statements = 0
        execute, fetch = tx.execute, tx.rows

        async def counted(*given):
            nonlocal statements
            statements += 1
            return await execute(*given)

        async def counted_rows(*given):
            nonlocal statements
            statements += 1
            return await fetch(*given)

        tx.execute, tx.rows = counted, counted_rows
        moves = [HandOver(resource=box.id, service=ONE, on=DAY, actor=ACTOR) for box in boxes]
        await flows.hand_over(tx, rack.work, moves)
    assert statements < 5
