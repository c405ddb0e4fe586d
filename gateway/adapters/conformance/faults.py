"""Checks of faults: each one, met by each verb, is exactly one error, in time, after one call.

And wherever in a write an answer is lost, observing and applying again leads to one account.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import partial
from typing import Any
from unittest import SkipTest

from gateway.adapters.conformance.book import Run, check, enter
from gateway.adapters.conformance.harness import FAULTS, RETRY_AFTER_S, SLOW_S, Harness
from gateway.adapters.conformance.trial import Trial, counted, meeting, trial
from gateway.adapters.sdk import Action, Adapter, BoxAdapter, Catalogued, Metered, Operable
from gateway.adapters.state import ViewerState
from terms.errors import TargetError, Throttled, Unreachable

CALLS_MAX = 20
WORDS_MAX = 400
MESSAGE = Action(name="message", params={"text": "Please call us"})
# Nobody hears a call to a target that is down.
_NOT_COUNTED = frozenset({"down"})

Act = Callable[[], Awaitable[object]]
# From a ref to where it begins (None: from nothing) and where it should end.
Path = Callable[[str], tuple[ViewerState | None, ViewerState]]


class Loss(Enum):
    """What became of a deed whose answer was to be lost."""

    STRUCK = auto()  # it was lost
    ENDED = auto()  # the deed ended before
    TOO_EARLY = auto()  # the machine was slower than a short deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What the adapter under test is to do, prepared at the healthy target, and to whom."""

    act: Callable[[Adapter[Any]], Awaitable[object]]
    ref: str = ""


Verb = Callable[[Trial], Awaitable[Deed]]


async def _probe(t: Trial) -> Deed:
    if isinstance(t.adapter, BoxAdapter):
        raise SkipTest("a target of boxes asks none of them")
    return Deed(act=lambda adapter: adapter.probe())


async def _observe(t: Trial) -> Deed:
    ref = (await t.live()).ref
    return Deed(act=lambda adapter: adapter.observe(ref), ref=ref)


async def _create(t: Trial) -> Deed:
    wanted = t.adapter.express(t.harness.steps(t.harness.new_ref())[0])
    return Deed(act=lambda adapter: adapter.apply(wanted, None), ref=wanted.ref)


async def _change(t: Trial) -> Deed:
    wished = await t.live()
    held = await t.held(wished.ref)
    wanted = t.adapter.express(replace(wished, enabled=False))
    return Deed(act=lambda adapter: adapter.apply(wanted, held), ref=wished.ref)


async def _remove(t: Trial) -> Deed:
    ref = (await t.live()).ref
    return Deed(act=lambda adapter: adapter.remove(ref), ref=ref)


async def _scan(t: Trial) -> Deed:
    if isinstance(t.adapter, BoxAdapter):
        raise SkipTest("a box lists nobody")

    async def run(adapter: Adapter[Any]) -> None:
        async for _ in adapter.scan():
            pass

    return Deed(act=run)


async def _catalog(t: Trial) -> Deed:
    if not isinstance(t.adapter, Catalogued):
        raise SkipTest("this target has no catalogue")

    async def run(adapter: Any) -> None:
        await adapter.catalog()

    return Deed(act=run)


async def _perform(t: Trial) -> Deed:
    if not isinstance(t.adapter, Operable):
        raise SkipTest("nothing can be done at this target")
    ref = (await t.live()).ref

    async def run(adapter: Any) -> None:
        await adapter.perform(ref, MESSAGE)

    return Deed(act=run, ref=ref)


async def _usage(t: Trial) -> Deed:
    if not isinstance(t.adapter, Metered):
        raise SkipTest("nothing is counted at this target")

    async def run(adapter: Any) -> None:
        await adapter.usage("")

    return Deed(act=run)


VERBS: dict[str, Verb] = {
    "probe": _probe,
    "observe": _observe,
    "create": _create,
    "change": _change,
    "remove": _remove,
    "scan": _scan,
    "catalog": _catalog,
    "perform": _perform,
    "usage": _usage,
}


async def _meet(harness: Harness, fault: str, verb: Verb) -> None:
    async with trial(harness) as t:
        deed = await verb(t)
        async with meeting(t, fault, deed.ref) as adapter:
            await _struck(harness, fault, partial(deed.act, adapter))


async def _struck(harness: Harness, fault: str, act: Act) -> None:
    before = await counted(harness.calls)
    async with harness.fault(fault):
        error = await _error_of(act)
    expected = harness.otherwise.get(fault, FAULTS[fault])
    assert type(error) is expected, f"{fault} became {error!r}"
    if fault not in _NOT_COUNTED | harness.looks_again:
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

        async def turn(skip: int) -> Loss:
            deed = await _remove(t)
            loss = await _lost(t, skip, deed)
            await t.adapter.remove(deed.ref)
            assert await harness.copies(deed.ref) == 0
            return loss

        await _swept(turn)


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

    async def turn(skip: int) -> Loss:
        start, goal = path(t.harness.new_ref())
        held = None if start is None else await t.held((await t.converge(start)).ref)
        wanted = t.adapter.express(goal)
        deed = Deed(act=lambda adapter: adapter.apply(wanted, held), ref=wanted.ref)
        loss = await _lost(t, skip, deed)
        await t.converge(goal)
        assert await t.harness.copies(goal.ref) == copies
        return loss

    await _swept(turn)


async def _swept(turn: Callable[[int], Awaitable[Loss]]) -> None:
    skip = 0
    for _ in range(CALLS_MAX):
        loss = await turn(skip)
        if loss is Loss.ENDED:
            return
        skip += loss is Loss.STRUCK
    raise AssertionError(f"it takes more than {CALLS_MAX} calls")


async def _lost(t: Trial, skip: int, deed: Deed) -> Loss:
    """Lose one answer of a deed."""
    harness = t.harness
    async with meeting(t, "lost", deed.ref) as adapter:
        before = await harness.calls()
        async with harness.fault("lost", skip=skip):
            error = await _error_of(partial(deed.act, adapter))
        made = await harness.calls() - before
    if error is None:
        assert made <= skip, "an error was swallowed"
        return Loss.ENDED
    assert type(error) is Unreachable
    if made <= skip and "lost" in harness.silent:
        return Loss.TOO_EARLY
    assert made == skip + 1, "the adapter went on after an answer was lost"
    return Loss.STRUCK
