"""Errands are left once, begun once and ended once, whoever else tries the same."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from gateway.adapters.errands import ENDED, UNMET, Action, Errand, Stage
from gateway.provisioning.errands import KEPT, STUCK_AFTER, WAITING_PER_BOX_MAX, Errands
from gateway.provisioning.tables import errand as table
from runtime.work import Work
from terms.errors import Permanent, Retryable, Throttled, Unreachable, untouched
from terms.ids import TargetName

BOX, WITHIN_S = "RB1", 60.0
TEXT = Action(name="message", params={"text": "Hello"}, request="n1@box")


@pytest.fixture
def errands(store, clock, chance) -> Errands:
    """Return the errands of one target, once on each database."""
    return Errands(TargetName("boxes"), Work(store, clock, chance))


async def left(errands: Errands, action: Action = TEXT, *, key: str = "") -> Errand:
    """Leave an errand for the box."""
    return await errands.leave(BOX, action, key=key, within_s=WITHIN_S)


async def stands(errands: Errands, errand: Errand) -> Errand:
    """Tell how an errand stands."""
    return await errands.look(errand, during=frozenset(Stage) - ENDED, within_s=0.001)


async def test_one_of_many_begins_it(errands):
    """Many ask at the same time: one wish is one errand, and one session does it."""
    many = await asyncio.gather(*(left(errands) for _ in range(5)))
    assert len({one.id for one in many}) == 1
    begun = await asyncio.gather(*(errands.begin(BOX) for _ in range(5)))
    (mine,) = [one for one in begun if one is not None]
    assert (mine.id, mine.action.params) == (many[0].id, TEXT.params)
    assert (await left(errands)).stage is Stage.BEGUN
    assert (await errands.withdraw(mine, Unreachable("late"))).stage is Stage.BEGUN
    await errands.end(mine, Stage.DONE)
    await errands.end(mine, Stage.UNKNOWN, Unreachable("late"))
    assert (await left(errands)).stage is Stage.DONE
    assert await errands.begin(BOX) is None


async def test_what_came_of_it_is_told_as_it_was(errands):
    """The class of an error comes back, with its text and with what is certain about it."""
    for error, kind in (
        (untouched(Permanent("it has no screen")), Permanent),
        (untouched(Throttled("later", 5.0)), Retryable),
    ):
        await left(errands)
        mine = await errands.begin(BOX)
        assert mine is not None
        await errands.end(mine, Stage.FAILED, error)
        told = (await stands(errands, mine)).error
        assert told is not None
        assert (type(told), str(told), told.is_untouched) == (kind, str(error), True)
    # One that failed may be left anew.
    assert (await left(errands)).stage is Stage.WAITING


async def test_a_key_proves_its_restart_and_no_other(errands):
    """Also where the box's word on it was lost; a reset one is proven by having forgotten."""
    for request, key, came in (("r1", "k1", Stage.UNKNOWN), ("r2", "", Stage.ASKED)):
        await left(errands, Action(name="reboot", request=request), key=key)
        mine = await errands.begin(BOX)
        assert mine is not None
        why = Unreachable("lost") if came is Stage.UNKNOWN else None
        await errands.end(mine, came, why)
        for keys, has_forgotten in ((["other", ""], False), ([], False)):
            await errands.restarted(BOX, keys, has_forgotten=has_forgotten)
            assert (await stands(errands, mine)).stage is came
        await errands.restarted("RB2", [key], has_forgotten=True)
        assert (await stands(errands, mine)).stage is came
        await errands.restarted(BOX, [key], has_forgotten=not key)
        assert (await stands(errands, mine)).stage is Stage.DONE


async def test_what_waits_for_one_box_is_bounded(errands):
    """One more is refused, for certain, and leaves nothing behind."""
    for number in range(WAITING_PER_BOX_MAX):
        await left(errands, Action(name="reboot", request=str(number)))
    with pytest.raises(Retryable) as refused:
        await left(errands)
    assert refused.value.is_untouched
    async with errands.work.store.read() as tx:
        assert len(await tx.rows(select(table.c.id))) == WAITING_PER_BOX_MAX


async def test_time_ends_what_nobody_ends(errands, machine):
    """Waiting ends as not done, begun as not known, and what is long over is forgotten."""
    waiting = await left(errands, Action(name="reboot", request="w"))
    await errands.withdraw(waiting, Unreachable("not wanted any more"))
    await left(errands)
    begun = await errands.begin(BOX)
    late = await left(errands, Action(name="reboot", request="l"))
    machine.forward(timedelta(seconds=WITHIN_S))
    assert await errands.begin(BOX) is None
    await errands.sweep()
    assert begun is not None
    assert (await stands(errands, late)).stage is Stage.FAILED
    assert (await stands(errands, begun)).stage in UNMET
    machine.forward(STUCK_AFTER)
    await errands.sweep()
    assert (await stands(errands, begun)).stage is Stage.UNKNOWN
    machine.forward(KEPT)
    await errands.sweep()
    async with errands.work.store.read() as tx:
        assert await tx.rows(select(table.c.id)) == []
