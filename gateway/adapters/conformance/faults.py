"""Checks of faults: each one, met by each verb, is exactly one error, in time, after one call.

And wherever in a write an answer is lost, observing and applying again leads to one account.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any
from unittest import SkipTest

from gateway.adapters.conformance.book import Run, check, enter
from gateway.adapters.conformance.harness import (
    FAULTS,
    RETRY_AFTER_S,
    SHORT_DEADLINE_S,
    SLOW_S,
    Harness,
)
from gateway.adapters.conformance.trial import Trial, counted, trial
from gateway.adapters.sdk import Action, Adapter, Catalogued, Operable
from gateway.adapters.state import ViewerState
from terms.errors import TargetError, Throttled, Unreachable

CALLS_MAX = 20
WORDS_MAX = 400
MESSAGE = Action(name="message", params={"text": "Please call us"})
# Nobody hears a call to a target that is down, and a closer look at these two may take another.
_NOT_COUNTED = frozenset({"down", "conflict", "refused"})

Act = Callable[[], Awaitable[object]]
# From a ref to where it begins (None: from nothing) and where it should end.
Path = Callable[[str], tuple[ViewerState | None, ViewerState]]
# Prepares at the healthy target and gives what the adapter under test is to do.
Verb = Callable[[Trial, Adapter[Any]], Awaitable[Act]]


async def _probe(_: Trial, adapter: Adapter[Any]) -> Act:
    return adapter.probe


async def _observe(t: Trial, adapter: Adapter[Any]) -> Act:
    ref = (await t.live()).ref
    return partial(adapter.observe, ref)


async def _create(t: Trial, adapter: Adapter[Any]) -> Act:
    wanted = adapter.express(t.harness.steps(t.harness.new_ref())[0])
    return partial(adapter.apply, wanted, None)


async def _change(t: Trial, adapter: Adapter[Any]) -> Act:
    wished = await t.live()
    held = await t.held(wished.ref)
    wanted = adapter.express(replace(wished, enabled=False))
    return partial(adapter.apply, wanted, held)


async def _remove(t: Trial, adapter: Adapter[Any]) -> Act:
    ref = (await t.live()).ref
    return partial(adapter.remove, ref)


async def _scan(_: Trial, adapter: Adapter[Any]) -> Act:
    async def run() -> None:
        async for _ in adapter.scan():
            pass

    return run


async def _catalog(_: Trial, adapter: Adapter[Any]) -> Act:
    if not isinstance(adapter, Catalogued):
        raise SkipTest("this target has no catalogue")
    return adapter.catalog


async def _perform(t: Trial, adapter: Adapter[Any]) -> Act:
    if not isinstance(adapter, Operable):
        raise SkipTest("nothing can be done at this target")
    ref = (await t.live()).ref
    return partial(adapter.perform, ref, MESSAGE)


VERBS: dict[str, Verb] = {
    "probe": _probe,
    "observe": _observe,
    "create": _create,
    "change": _change,
    "remove": _remove,
    "scan": _scan,
    "catalog": _catalog,
    "perform": _perform,
}


async def _meet(harness: Harness, fault: str, verb: Verb) -> None:
    async with trial(harness) as t:
        if fault == "slow":
            async with trial(harness, deadline_s=SHORT_DEADLINE_S) as hasty:
                await _struck(harness, fault, await verb(t, hasty.adapter))
        else:
            await _struck(harness, fault, await verb(t, t.adapter))


async def _struck(harness: Harness, fault: str, act: Act) -> None:
    before = await counted(harness.calls)
    async with harness.fault(fault):
        error = await _error_of(act)
    expected = harness.otherwise.get(fault, FAULTS[fault])
    assert type(error) is expected, f"{fault} became {error!r}"
    if fault not in _NOT_COUNTED:
        assert await counted(harness.calls) == before + bool(before >= 0), (
            "the adapter went on by itself"
        )
    if isinstance(error, Throttled):
        assert error.retry_after_s == RETRY_AFTER_S
    _check_words(harness, str(error))


async def _error_of(act: Act) -> BaseException | None:
    try:
        async with asyncio.timeout(SLOW_S):
            await act()
    except TargetError as error:
        return error
    except TimeoutError:
        raise AssertionError("the deadline was not kept") from None
    return None


def _check_words(harness: Harness, told: str) -> None:
    """Insist on own words: no page, no path of a file, no secret."""
    assert 0 < len(told) <= WORDS_MAX
    for shown in ("<", "/var/", "Traceback", "Stack trace", *harness.secrets()):
        assert shown not in told, f"a message shows {shown!r}"


def _met(fault: str, name: str) -> Run:
    async def run(harness: Harness) -> None:
        for exempt in (fault, name, f"{fault}_{name}"):
            if exempt in harness.exempt:
                raise SkipTest(harness.exempt[exempt])
        await _meet(harness, fault, VERBS[name])

    return run


for _fault, _class in FAULTS.items():
    for _name in VERBS:
        enter(
            f"fault_{_fault}_{_name}",
            f"The fault {_fault!r} met by {_name} is {_class.__name__}, once and in time.",
            _met(_fault, _name),
        )


@check
async def a_lost_answer_while_creating(harness: Harness) -> None:
    """Whichever answer of a creation is lost, the next turn leads to the one account wished."""
    async with trial(harness) as t:
        for index in range(len(harness.steps(harness.new_ref()))):
            await _sweep(t, partial(_from_nothing, harness, index))


@check
async def a_lost_answer_while_changing(harness: Harness) -> None:
    """Whichever answer of a change is lost, the next turn leads to the state wished."""
    async with trial(harness) as t:
        for index in range(1, len(harness.steps(harness.new_ref()))):
            await _sweep(t, partial(_from_the_first, harness, index))


@check
async def a_lost_answer_while_removing(harness: Harness) -> None:
    """Whichever answer of a removal is lost, removing again leads to absence."""
    async with trial(harness) as t:
        for skip in range(CALLS_MAX):
            ref = (await t.live()).ref
            if not await _lost(harness, skip, partial(t.adapter.remove, ref)):
                return
            await t.adapter.remove(ref)
            assert await harness.copies(ref) == 0
    raise AssertionError(f"a removal takes more than {CALLS_MAX} calls")


def _from_nothing(harness: Harness, index: int, ref: str) -> tuple[None, ViewerState]:
    return None, harness.steps(ref)[index]


def _from_the_first(harness: Harness, index: int, ref: str) -> tuple[ViewerState, ViewerState]:
    steps = harness.steps(ref)
    return steps[0], steps[index]


async def _sweep(t: Trial, path: Path) -> None:
    """Lose the first answer, then the second, until the write ends before the loss."""
    smooth, goal = path(t.harness.new_ref())
    for wish in (smooth, goal):
        if wish is not None:
            await t.converge(wish)
    copies = await t.harness.copies(goal.ref)
    for skip in range(CALLS_MAX):
        start, goal = path(t.harness.new_ref())
        held = None if start is None else await t.held((await t.converge(start)).ref)
        wanted = t.adapter.express(goal)
        if not await _lost(t.harness, skip, partial(t.adapter.apply, wanted, held)):
            return
        await t.converge(goal)
        assert await t.harness.copies(goal.ref) == copies
    raise AssertionError(f"a write takes more than {CALLS_MAX} calls")


async def _lost(harness: Harness, skip: int, act: Act) -> bool:
    """Lose one answer; False when the act ended before it."""
    before = await harness.calls()
    async with harness.fault("lost", skip=skip):
        error = await _error_of(act)
    made = await harness.calls() - before
    if error is None:
        assert made <= skip, "an error was swallowed"
        return False
    assert type(error) is Unreachable
    assert made == skip + 1, "the adapter went on after an answer was lost"
    return True
